// Distributed under the Boost Software License, Version 1.0.
#include <named_pipe/ends.hpp>

#include <strait/detail/os/quiet_write.hpp>

#include <csignal>
#include <optional>
#include <vector>

namespace named_pipe_peers {

BOOST_FIXTURE_TEST_SUITE(peers, support::clean_host)

using namespace pipes;

BOOST_AUTO_TEST_CASE(a_sender_without_receiver_is_told_and_waits_when_asked_to)
{
    strait::channel_options brief;
    brief.connect_timeout = 1ms;
    auto patient = open_sender<numbers>(name);
    BOOST_CHECK(send(patient, std::uint64_t{1}, deadline::poll()) == errc::no_receiver);
    BOOST_CHECK(patient.awaits_receiver());
    BOOST_CHECK(send(patient, std::uint64_t{1}, deadline::after(1ms)) == errc::timed_out);
    auto hasty = open_sender<numbers>(name, brief);
    BOOST_CHECK(send(hasty, std::uint64_t{1}) == errc::no_receiver);
    BOOST_CHECK(!hasty.awaits_receiver());
    support::child later([&] {
        auto in = open_receiver<numbers>(name);
        std::uint64_t got = 0;
        return !receive(in, got) && got == 5 ? 0 : 1;
    });
    BOOST_CHECK(!send(patient, std::uint64_t{5}));
    BOOST_CHECK(!patient.awaits_receiver());
    BOOST_CHECK_EQUAL(later.wait(), 0);
}

BOOST_AUTO_TEST_CASE(no_sigpipe_is_delivered_on_either_path)
{
    for (bool const by_kernel : {true, false}) {
        auto const where = support::unique_name();
        support::child writer([&] {
            ::signal(SIGPIPE, SIG_DFL);
            strait::detail::kernel_writes_quietly = by_kernel;
            auto in = std::optional(open_receiver<numbers>(where));
            auto out = open_sender<numbers>(where);
            std::uint64_t got = 0;
            if (send(out, std::uint64_t{1}) || receive(*in, got))
                return 1;
            in.reset();
            for (int i = 0; i != 3; ++i)
                if (send(out, std::uint64_t{2}) != errc::no_receiver)
                    return 2;
            sigset_t pending;
            sigpending(&pending);
            if (sigismember(&pending, SIGPIPE) != 0)
                return 3;
            sigset_t mask;
            pthread_sigmask(SIG_SETMASK, nullptr, &mask);
            if (sigismember(&mask, SIGPIPE) != 0)
                return 4;
            in.emplace(open_receiver<numbers>(where));  // the next operation finds the new one
            if (send(out, std::uint64_t{3}) || receive(*in, got) || got != 3)
                return 5;
            return 0;
        });
        BOOST_CHECK_EQUAL(writer.wait(), 0);
    }
}

BOOST_AUTO_TEST_CASE(a_sigpipe_that_the_application_holds_pending_stays_pending)
{
    support::child writer([&] {
        strait::detail::kernel_writes_quietly = false;
        sigset_t pipe_signal;
        sigemptyset(&pipe_signal);
        sigaddset(&pipe_signal, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
        ::raise(SIGPIPE);
        auto in = std::optional(open_receiver<numbers>(name));
        auto out = open_sender<numbers>(name);
        if (send(out, std::uint64_t{1}))
            return 1;
        in.reset();
        if (send(out, std::uint64_t{1}) != errc::no_receiver)
            return 2;
        sigset_t pending;
        sigpending(&pending);
        return sigismember(&pending, SIGPIPE) == 1 ? 0 : 3;
    });
    BOOST_CHECK_EQUAL(writer.wait(), 0);
}

BOOST_AUTO_TEST_CASE(many_senders_keep_their_order)
{
    auto in = open_receiver<texts>(name);
    std::vector<support::child> senders;
    constexpr std::uint64_t each = 3000;
    support::shared_page page;
    for (std::uint64_t s = 0; s != 4; ++s)
        senders.emplace_back([&, s] {
            auto out = open_sender<texts>(name);
            page->stage += 1;
            page->await(page->stage, 4);
            for (std::uint64_t i = 0; i != each; ++i)
                if (send(out, support::make_text(i, s)))
                    return 1;
            return 0;
        });
    support::sequence_checker checker;
    page->await(page->stage, 4);
    std::string got;
    while (!receive(in, got))
        BOOST_REQUIRE(checker.see(got));
    BOOST_CHECK_EQUAL(checker.count(), 4 * each);
    BOOST_CHECK(in.ended() == strait::end_reason::left);
    for (auto& s : senders)
        BOOST_CHECK_EQUAL(s.wait(), 0);
}

BOOST_AUTO_TEST_CASE(what_a_killed_sender_has_sent_arrives_and_its_death_is_told)
{
    auto in = open_receiver<texts>(name);
    for (int round = 0; round != support::rounds(60); ++round) {
        support::shared_page page;
        support::child out_process([&] {
            auto out = open_sender<texts>(name);
            for (std::uint64_t i = 0;; ++i) {
                if (send(out, support::make_text(i)))
                    return 1;
                page->done = i + 1;
            }
        });
        page->await(page->done, 1);  // before that, what has ended is the stream of the round before
        support::sequence_checker checker;
        std::string got;
        std::uint64_t const enough = support::mixed(static_cast<std::uint64_t>(round)) % 300 + 1;
        strait::error_code e;
        while (!(e = receive(in, got))) {
            BOOST_REQUIRE(checker.see(got));
            if (checker.count() == enough)
                out_process.kill();
        }
        BOOST_REQUIRE(e == errc::closed);
        BOOST_CHECK(in.ended() == strait::end_reason::died);
        BOOST_CHECK_GE(checker.count(), page->done.load());
        BOOST_CHECK_LE(checker.count(), page->done.load() + 1);
    }
}

BOOST_AUTO_TEST_CASE(a_killed_receiver_leaves_no_torn_message_to_the_next)
{
    auto out = open_sender<texts>(name);
    std::uint64_t next = 0;
    for (int round = 0; round != support::rounds(60); ++round) {
        support::shared_page page;
        support::child in_process([&] {
            auto in = open_receiver<texts>(name);
            std::string got;
            std::optional<std::uint64_t> last;
            for (;; page->done += 1) {
                if (receive(in, got)) {
                    page->wrong += 1;
                    return 1;
                }
                auto const o = support::origin_of(got);
                if (!support::is_whole(got) || (last && o.sequence != *last + 1))
                    page->wrong += 1;
                last = o.sequence;
            }
        });
        std::uint64_t const enough = support::mixed(static_cast<std::uint64_t>(round)) % 300 + 1;
        strait::error_code e;
        bool killed = false;
        for (;;) {
            e = send(out, support::make_text(next), deadline::after(20ms));
            if (!e)
                ++next;
            else if (e == errc::no_receiver && killed)
                break;
            else
                BOOST_REQUIRE(e == errc::timed_out || e == errc::no_receiver);
            BOOST_REQUIRE_EQUAL(page->wrong, 0u);
            if (!killed && page->done >= enough) {
                in_process.kill();
                killed = true;
            }
        }
        BOOST_REQUIRE_EQUAL(page->wrong, 0u);
    }
}

BOOST_AUTO_TEST_CASE(a_stream_that_ended_goes_on_when_a_sender_joins)
{
    auto in = open_receiver<numbers>(name);
    std::uint64_t got = 0;
    for (std::uint64_t round = 1; round != 6; ++round) {
        support::child c([&] {
            auto out = open_sender<numbers>(name);
            return send(out, round) ? 1 : 0;
        });
        strait::error_code e;
        do
            e = receive(in, got);
        while (e == errc::closed && got != round);  // the end of the round before, told before this sender has come
        BOOST_CHECK(!e);
        BOOST_CHECK_EQUAL(got, round);
        BOOST_CHECK(receive(in, got) == errc::closed);
        BOOST_CHECK(in.ended() == strait::end_reason::left);
        c.wait();
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace named_pipe_peers
