// Distributed under the Boost Software License, Version 1.0.
#include <array>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <realtime_signal/fixture.hpp>
#include <support/other_user.hpp>
#include <sys/resource.h>
#include <sys/wait.h>

namespace signals::ends {

BOOST_FIXTURE_TEST_SUITE(realtime_signal, support::clean_host)

BOOST_AUTO_TEST_CASE(every_size_up_to_a_pointer_arrives_as_it_was)
{
    struct three {
        std::uint8_t bytes[3];
        bool operator==(three const&) const = default;
    };
    struct halves {
        std::uint32_t low;
        std::int16_t high;
        bool operator==(halves const&) const = default;
    };
    auto const passes = [](auto const& message) {
        using T = std::remove_cvref_t<decltype(message)>;
        auto const where = support::unique_name();
        receiver<T> in{where};
        sender<T> out{where};
        out.send(message);
        BOOST_CHECK(in.receive() == message);
    };
    passes('x');
    passes(std::uint16_t{0xfedc});
    passes(three{{1, 2, 3}});
    passes(-1);
    passes(halves{0xdead'beef, -2});
    passes(-1e300);
    passes(~std::uint64_t{0});
}

BOOST_AUTO_TEST_CASE(a_batch_is_sent_and_taken_in_order)
{
    receiver<int> in{name};
    sender<int> out{name};
    std::vector<int> many(250);
    std::iota(many.begin(), many.end(), 0);
    BOOST_CHECK_EQUAL(out.send_batch(many), many.size());
    std::vector<int> got(many.size());
    for (std::size_t n = 0; n != got.size();)
        n += in.receive_batch(std::span(got).subspan(n));
    BOOST_CHECK(got == many);
    BOOST_CHECK_EQUAL(in.stats().dropped, 0u);
    BOOST_CHECK_EQUAL(in.stats().messages, many.size());
}

BOOST_AUTO_TEST_CASE(a_receiver_blocks_one_signal_and_installs_no_handler)
{
    auto const before = blocked_signals();
    receiver<int> in{name};
    auto const added = blocked_signals() & ~before;
    BOOST_CHECK_LE(std::popcount(added), 1);  // none, when this thread has one from an earlier receiver
    for (int n = SIGRTMIN; n <= SIGRTMAX; ++n) {
        struct sigaction now {};
        ::sigaction(n, nullptr, &now);
        BOOST_CHECK(now.sa_handler == SIG_DFL);
    }
    in.close().value();
    BOOST_CHECK_EQUAL(blocked_signals(), before | added);  // a late one would kill
}

BOOST_AUTO_TEST_CASE(a_thread_uses_its_number_again)
{
    {
        receiver<int> const first{name};
    }
    auto const blocked = blocked_signals();
    for (int i = 0; i != 100; ++i) {
        auto const where = support::unique_name();
        receiver<int> in{where};
        sender<int> out{where};
        out.send(i);
        out.send(-1);  // stays unread
        BOOST_CHECK(in.receive() == i);
        BOOST_CHECK_EQUAL(in.stats().dropped, 0u);
    }
    BOOST_CHECK_EQUAL(blocked_signals(), blocked);
}

BOOST_AUTO_TEST_CASE(two_receivers_of_a_thread_have_two_numbers)
{
    auto const other = support::unique_name();
    receiver<int> a{name};
    receiver<int> b{other};
    sender<int> to_a{name};
    sender<int> to_b{other};
    to_b.send(2);
    to_a.send(1);
    BOOST_CHECK(a.receive() == 1);
    BOOST_CHECK(b.receive() == 2);
    BOOST_CHECK_EQUAL(code(a.try_receive()), errc::empty);
}

BOOST_AUTO_TEST_CASE(no_thread_of_the_receivers_process_is_killed_or_interrupted)
{
    support::shared_page page;
    support::child consumer([&] {
        std::atomic<bool> over{false};
        std::atomic<int> interrupted{0};
        std::vector<std::thread> others;  // from before the receiver: these block nothing
        for (int i = 0; i != 3; ++i)
            others.emplace_back([&] {
                while (!over)
                    interrupted += ::usleep(1000) != 0;
            });
        receiver<std::uint64_t> in{name};
        page->stage = 1;
        std::uint64_t next = 0;
        bool right = true;
        for (auto const m : in)
            right = m == next++ && right;
        over = true;
        for (auto& t : others)
            t.join();
        return right && next == 20'000 && interrupted == 0 ? 0 : 1;
    });
    support::notes::await(page->stage, 1);
    sender<std::uint64_t> out{name};
    for (std::uint64_t i = 0; i != 20'000; ++i)
        out.send(i);
    out.close().value();
    BOOST_CHECK_EQUAL(consumer.wait(), 0);
}

BOOST_AUTO_TEST_CASE(another_thread_is_told_that_it_is_the_wrong_one)
{
    std::optional<receiver<int>> in(name);
    sender<int> out{name};
    out.send(1);
    std::array<strait::error_code, 4> told;
    std::thread([&] {
        told[0] = code(in->try_receive());
        told[1] = code(in->receive_for(1s));
        told[2] = code(in->try_borrow());
        std::array<int, 2> batch{};
        told[3] = code(in->try_receive_batch(batch));
    }).join();
    for (auto const& t : told)
        BOOST_CHECK_EQUAL(t, errc::wrong_thread);
    BOOST_CHECK(in->receive() == 1);
    std::thread([&] { in.reset(); }).join();  // but may close it
    BOOST_CHECK_EQUAL(code(out.try_send(2)), errc::no_receiver);
    in.emplace(name);
    send_to_next(out, 3);
    BOOST_CHECK(in->receive() == 3);
}

BOOST_AUTO_TEST_CASE(a_sender_is_of_any_thread)
{
    receiver<int> in{name};
    sender<int> out{name};
    for (int i = 0; i != 5; ++i) {
        std::thread([&] { out.send(i); }).join();
        BOOST_CHECK(in.receive() == i);
    }
}

BOOST_AUTO_TEST_CASE(no_receiver_when_its_thread_has_ended_and_its_end_lives)
{
    std::optional<receiver<int>> in;
    sender<int> out{name};
    std::thread([&] { in.emplace(name); }).join();
    BOOST_CHECK_EQUAL(code(out.send_for(1, 50ms)), errc::timed_out);  // nobody has been here for all it knows
    BOOST_CHECK_EQUAL(code(in->try_receive()), errc::wrong_thread);
    in.reset();
    in.emplace(name);
    send_to_next(out, 2);
    BOOST_CHECK(in->receive() == 2);
    for (bool const full : {false, true}) {
        std::thread([&] {
            in.reset();
            in.emplace(name);
            send_to_next(out, 3);
            while (full && out.try_send(4)) {}
        }).join();
        strait::error_code told;
        while (!told)  // a thread that was joined may still be on its way out of the kernel
            told = code(out.send_for(5, 60s));
        BOOST_CHECK_EQUAL(told, errc::no_receiver);
    }
}

BOOST_AUTO_TEST_CASE(a_poll_without_a_receiver_says_so_and_the_first_one_is_awaited_still)
{
    sender<int> out{name};
    for (int i = 0; i != 3; ++i)
        BOOST_CHECK_EQUAL(code(out.try_send(i)), errc::no_receiver);
    {
        receiver<int> in{name};
        BOOST_CHECK_EQUAL(code(out.try_send(5)), strait::error_code());
        BOOST_CHECK(in.receive() == 5);
    }
    BOOST_CHECK_EQUAL(code(out.try_send(6)), errc::no_receiver);
}

BOOST_AUTO_TEST_CASE(a_small_channel_takes_as_many_messages_as_were_asked_for)
{
    strait::channel_options small;
    small.capacity = 3;
    receiver<int> in{name, small};
    sender<int> a{name};
    sender<int> b{name};
    for (auto* out : {&a, &b}) {  // each of them
        for (int i = 0; i != 3; ++i)
            BOOST_CHECK_EQUAL(code(out->try_send(i)), strait::error_code());
        BOOST_CHECK_EQUAL(code(out->try_send(9)), errc::full);
        BOOST_CHECK_EQUAL(code(out->send_for(9, 1ms)), errc::timed_out);
        BOOST_CHECK_EQUAL(out->stats().depth, 3u);
    }
    for (int i = 0; i != 6; ++i)
        BOOST_CHECK(in.receive() == i % 3);
    a.send(4);
    BOOST_CHECK(in.receive() == 4);
}

BOOST_AUTO_TEST_CASE(the_limit_of_pending_signals_makes_a_sender_wait_and_loses_nothing)
{
    support::other_user const user;  // whose pending signals are only ours
    auto const status =
        support::child([&] {
            if (!user.become())
                return 77;
            ::rlimit few{10, 10};
            ::setrlimit(RLIMIT_SIGPENDING, &few);
            receiver<int> in{name};
            sender<int> out{name};
            int sent = 0;
            while (out.try_send(sent))
                ++sent;
            if (sent != 10 || code(out.try_send(0)) != errc::full || code(out.send_for(0, 1ms)) != errc::timed_out)
                return 1;
            std::thread sending([&] {
                for (int i = sent; i != 500; ++i)
                    out.send(i);
                out.close().value();
            });
            int next = 0;
            bool right = true;
            for (int const m : in)
                right = m == next++ && right;
            sending.join();
            return right && next == 500 && in.stats().dropped == 0 ? 0 : 2;
        }).wait();
    if (status == 77)
        BOOST_TEST_MESSAGE("SKIPPED: no other user here");
    BOOST_CHECK_MESSAGE(status == 0 || status == 77, "status " << status);
}

BOOST_AUTO_TEST_CASE(no_number_left_is_told)
{
    auto const handled =
        support::child([&] {
            for (int n = SIGRTMIN; n <= SIGRTMAX; ++n)
                ::signal(n, [](int) {});
            return code(receiver<int>::open(name)) == errc::signal_limit && support::files_of(name).empty() ? 0 : 1;
        }).wait();
    BOOST_CHECK_EQUAL(handled, 0);
    int blocked = 1;
    std::thread([&] {
        ::sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, nullptr);  // by the application: they are its own
        blocked = code(receiver<int>::open(name)) == errc::signal_limit ? 0 : 1;
    }).join();
    BOOST_CHECK_EQUAL(blocked, 0);
    BOOST_CHECK(support::files_of(name).empty());
    std::vector<receiver<int>> all;
    for (;;) {
        auto one = receiver<int>::open(support::unique_name());
        if (!one) {
            BOOST_CHECK_EQUAL(one.error(), errc::signal_limit);
            break;
        }
        all.push_back(std::move(*one));
    }
    BOOST_CHECK_GT(all.size(), 8u);
    all.pop_back();
    BOOST_CHECK(receiver<int>::open(name));
}

BOOST_AUTO_TEST_CASE(a_child_of_fork_has_receivers_of_its_own)
{
    receiver<int> in{name};
    sender<int> out{name};
    out.send(1);
    auto const status =
        support::child([&, other = support::unique_name()] {
            if (code(in.try_receive()) != errc::inherited_handle || code(out.try_send(9)) != errc::inherited_handle)
                return 1;
            receiver<int> own{other};
            sender<int> to_own{other};
            to_own.send(5);
            {
                auto const gone = std::move(in);
            }  // frees no number of ours
            receiver<int> second{support::unique_name()};
            return own.receive() == 5 ? 0 : 2;
        }).wait();
    BOOST_CHECK_EQUAL(status, 0);
    BOOST_CHECK(in.receive() == 1);
    out.send(2);
    BOOST_CHECK(in.receive() == 2);
}

BOOST_AUTO_TEST_CASE(an_executed_program_is_no_receiver_and_lives)
{
    support::shared_page page;
    support::child consumer([&] {
        auto* const in = new receiver<int>{name};
        page->stage = 1;
        (void)in->receive();
        ::execl("/bin/sleep", "sleep", "1000", static_cast<char*>(nullptr));
    });
    support::notes::await(page->stage, 1);
    strait::channel_options brief;
    sender<int> out{name, brief};
    strait::error_code told;
    while (!told)
        told = code(out.send_for(1, 10s));
    BOOST_CHECK_EQUAL(told, errc::no_receiver);
    int status = 0;
    BOOST_CHECK_EQUAL(::waitpid(consumer.pid(), &status, WNOHANG), 0);
}

BOOST_AUTO_TEST_CASE(a_stopped_receiver_makes_its_sender_wait)
{
    support::shared_page page;
    support::child consumer([&] {
        receiver<int> in{name};
        page->stage = 1;
        int next = 0;
        for (int const m : in)
            if (m != next++)
                return 1;
        return next > 256 ? 0 : 2;
    });
    support::notes::await(page->stage, 1);
    sender<int> out{name};
    out.send(0);
    consumer.signal(SIGSTOP);
    int sent = 1;
    strait::error_code told;
    while (!told)
        if (auto const r = out.send_for(sent, 20ms); r)
            ++sent;
        else
            told = r.error();
    BOOST_CHECK_EQUAL(told, errc::timed_out);
    consumer.signal(SIGCONT);
    for (int i = 0; i != 500; ++i)
        out.send(sent++);
    out.close().value();
    BOOST_CHECK_EQUAL(consumer.wait(), 0);
}

BOOST_AUTO_TEST_CASE(no_receiver_once_it_was_killed_and_the_next_one_is_found)
{
    sender<int> out{name};
    for (int round = 0; round != support::rounds(10); ++round) {
        support::shared_page page;
        support::child consumer([&] {
            receiver<int> in{name};
            while (auto const m = in.receive())
                page->done = static_cast<std::uint64_t>(*m);
        });
        send_to_next(out, 1);
        support::notes::await(page->done, 1);
        consumer.kill();
        BOOST_CHECK_EQUAL(code(out.send_for(2, 10s)), errc::no_receiver);
    }
}

BOOST_AUTO_TEST_CASE(of_a_killed_receiver_that_nobody_has_reaped_a_sender_learns_when_it_is_full)
{
    strait::channel_options small;
    small.capacity = 8;
    support::shared_page page;
    sender<int> out{name, small};
    support::child consumer([&] {
        receiver<int> in{name, small};
        page->stage = 1;
        ::pause();
    });
    support::notes::await(page->stage, 1);
    out.send(1);
    consumer.signal(SIGKILL);  // a zombie, to which the kernel still sends
    strait::error_code told;
    for (int i = 0; !told; ++i) {
        BOOST_REQUIRE_LT(i, 100);
        told = code(out.send_for(i, 10s));
    }
    BOOST_CHECK_EQUAL(told, errc::no_receiver);
}

BOOST_AUTO_TEST_CASE(more_senders_than_places_are_refused)
{
    receiver<int> in{name};
    std::vector<sender<int>> outs;
    for (std::size_t i = 0; i != strait::detail::signal_eventcounts::senders_at_most; ++i)
        outs.emplace_back(name);
    BOOST_CHECK_EQUAL(code(sender<int>::open(name)), errc::busy);
    for (std::size_t i = 0; i != outs.size(); ++i) {
        outs[i].send(static_cast<int>(i));
        BOOST_REQUIRE(in.receive() == static_cast<int>(i));
    }
    outs.pop_back();
    BOOST_CHECK(sender<int>::open(name));
}

BOOST_AUTO_TEST_CASE(a_successor_in_a_dead_senders_place_has_room_of_its_own)
{
    strait::channel_options small;
    small.capacity = 4;
    receiver<int> in{name, small};
    for (int round = 0; round != 5; ++round) {
        support::child producer([&] {
            sender<int> out{name};
            while (out.try_send(round)) {}
            ::raise(SIGKILL);
        });
        BOOST_CHECK_EQUAL(producer.wait(), -SIGKILL);
        sender<int> next{name};
        for (int i = 0; i != 4; ++i)
            BOOST_CHECK_EQUAL(code(next.try_send(100 + i)), strait::error_code());
        BOOST_CHECK_EQUAL(code(next.try_send(0)), errc::full);
        for (int i = 0; i != 4; ++i)
            BOOST_CHECK(in.receive() == round);
        for (int i = 0; i != 4; ++i)
            BOOST_CHECK(in.receive() == 100 + i);
        BOOST_CHECK_EQUAL(code(next.try_send(200)), strait::error_code());
        BOOST_CHECK(in.receive() == 200);
    }
    BOOST_CHECK_EQUAL(in.stats().dropped, 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace signals::ends
