// Distributed under the Boost Software License, Version 1.0.
#include <sysv_mqueue/fixture.hpp>

#include <support/child.hpp>
#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/other_user.hpp>
#include <support/print.hpp>
#include <support/shared_page.hpp>

#include <strait/channel.hpp>
#include <strait/transport/named_pipe.hpp>
#include <strait/transport/sysv_mqueue.hpp>

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>
#include <sys/msg.h>

namespace sysv_mqueue_queue {

namespace {

using namespace std::chrono_literals;
using strait::errc;
using namespace sysv_queues;

template <class T>
using sender = strait::sender<T, strait::sysv_mqueue>;
template <class T>
using receiver = strait::receiver<T, strait::sysv_mqueue>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sysv_mqueue, clean)

BOOST_AUTO_TEST_CASE(messages_of_every_size_up_to_msgmax_arrive)
{
    auto const name = support::unique_name();
    sender<std::string> out{name};
    receiver<std::string> in{name};
    for (std::size_t const size : {0u, 1u, 7u, 8u, 4097u, 8191u, 8192u}) {
        out.send(std::string(size, 'y'));
        BOOST_CHECK(in.receive() == std::string(size, 'y'));
    }
    BOOST_CHECK_EQUAL(code(out.try_send(std::string(8193, 'y'))), errc::message_too_large);
    BOOST_CHECK(strait::make_error_code(errc::message_too_large).message().find("msgmax") != std::string::npos);
    using end = strait::sysv_mqueue::sender_end<strait::message_layout{0, 1, 3}>;
    auto raw = end::open(support::unique_name(), {}, "test").value();
    for (std::size_t const size : {std::size_t{8193}, std::size_t{1} << 31, ~std::size_t{0}})
        BOOST_CHECK(raw.reserve(size, strait::deadline::never()).error() == errc::message_too_large);
}

BOOST_AUTO_TEST_CASE(payloads_are_aligned_as_their_type_asks)
{
    struct alignas(64) wide {
        std::uint64_t words[8];
    };
    auto const name = support::unique_name();
    sender<wide> out{name};
    receiver<wide> in{name};
    auto c = out.claim();
    BOOST_CHECK_EQUAL(reinterpret_cast<std::uintptr_t>(&*c) % 64, 0u);
    *c = {{5}};
    c.commit();
    auto const b = in.borrow();
    BOOST_CHECK_EQUAL(reinterpret_cast<std::uintptr_t>(&*b) % 64, 0u);
    BOOST_CHECK_EQUAL(b->words[0], 5u);
}

BOOST_AUTO_TEST_CASE(capacity_counts_messages_of_the_largest_size)
{
    auto const name = support::unique_name();
    strait::channel_options three;
    three.capacity = 3;
    sender<std::uint64_t> out{name, three};
    std::uint64_t const values[] = {0, 1, 2, 3, 4};
    BOOST_CHECK_EQUAL(out.try_send_batch(values).value(), 3u);
    BOOST_CHECK_EQUAL(code(out.try_send(3)), errc::full);
    BOOST_CHECK_EQUAL(code(out.send_for(3, 1ms)), errc::timed_out);
    receiver<std::uint64_t> in{name};
    BOOST_CHECK_EQUAL(in.stats().depth, 3u);
    for (std::uint64_t i = 0; i != 3; ++i)
        BOOST_CHECK(in.receive() == i);
    BOOST_CHECK_EQUAL(code(in.receive_for(1ms)), errc::timed_out);
}

BOOST_AUTO_TEST_CASE(each_limit_has_its_own_error_and_leaves_nothing)
{
    auto const name = support::unique_name();
    strait::channel_options how;
    how.capacity = ~std::size_t{0};
    BOOST_CHECK_EQUAL(code(sender<std::uint64_t>::open(name, how)), errc::queue_limit);
    how = {};
    how.max_message_size = 1u << 30;
    BOOST_CHECK_EQUAL(code(sender<std::string>::open(name, how)), errc::queue_limit);
    struct page {
        std::uint64_t words[2000];
    };
    BOOST_CHECK_EQUAL(code(sender<page>::open(name)), errc::queue_limit);
    support::other_user const user;
    support::child other([&] {
        if (!user.become())
            return 98;
        strait::channel_options more;
        more.capacity = 1'000'000;
        return code(sender<std::uint64_t>::open(name, more)) == errc::queue_limit ? 0 : 1;  // above msgmnb
    });
    BOOST_CHECK_EQUAL(other.wait(), 0);
    for (errc const e : {errc::queue_limit, errc::queue_count_limit})
        BOOST_CHECK(strait::make_error_code(e).message().find("/proc/sys/kernel") != std::string::npos);
}

// In a name space of its own, where few queues are allowed.
BOOST_AUTO_TEST_CASE(when_there_are_too_many_queues_opening_says_so)
{
    auto const name = support::unique_name();
    support::child alone([&] {
        if (::unshare(CLONE_NEWIPC) != 0)
            return 77;
        std::ofstream limit("/proc/sys/kernel/msgmni");
        if (!(limit << 3 << std::flush))
            return 77;
        std::vector<sender<int>> all;
        for (int i = 0; i != 3; ++i)
            all.emplace_back(name + "-" + std::to_string(i));
        bool right = code(sender<int>::open(name)) == errc::queue_count_limit;
        all.pop_back();
        right = right && sender<int>::open(name).has_value();
        return right ? 0 : 1;
    });
    int const status = alone.wait();
    BOOST_CHECK(status == 0 || status == 77);
    if (status == 77)
        BOOST_TEST_MESSAGE("SKIPPED: no name space of its own is allowed here");
}

BOOST_AUTO_TEST_CASE(what_is_unread_outlives_everybody_and_goes_with_remove)
{
    auto const name = support::unique_name();
    sender<std::uint64_t>{name}.send(1);
    BOOST_CHECK_GE(queue_of(name), 0);
    BOOST_CHECK_EQUAL(code(receiver<std::string>::open(name)), errc::type_mismatch);
    BOOST_CHECK_EQUAL(code(strait::receiver<std::uint64_t, strait::named_pipe>::open(name)), errc::transport_mismatch);
    {
        receiver<std::uint64_t> in{name};
        BOOST_CHECK(in.receive() == 1u);
        BOOST_CHECK(!in.receive());
    }
    BOOST_CHECK_EQUAL(queue_of(name), -1);
    sender<std::uint64_t>{name}.send(2);
    // Whatever transport asks for it.
    BOOST_CHECK((strait::channel<int, strait::named_pipe>::remove(name)));
    BOOST_CHECK_EQUAL(queue_of(name), -1);
}

BOOST_AUTO_TEST_CASE(removing_a_living_channel_is_told_to_its_ends)
{
    auto const name = support::unique_name();
    sender<int> out{name};
    receiver<int> in{name};
    std::thread removing([&] { (void)strait::channel<int, strait::sysv_mqueue>::remove(name); });
    BOOST_CHECK_EQUAL(code(in.receive_for(60s)), errc::removed);  // also when it sleeps
    removing.join();
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::removed);
    BOOST_CHECK_EQUAL(code(out.try_send(2)), errc::removed);
    sender<int> fresh{name};  // the name is free
    fresh.send(3);
    receiver<int> next{name};
    BOOST_CHECK(next.receive() == 3);
}

BOOST_AUTO_TEST_CASE(foreign_messages_are_malformed_and_do_not_stay_in_front)
{
    auto const name = support::unique_name();
    receiver<std::uint64_t> in{name};
    sender<std::uint64_t> out{name};
    std::uint64_t bad = 0;
    for (auto const& [size, type] : {std::pair<std::size_t, long>{7, 1}, {0, 1}, {9, 1}, {8192, 1}, {8, 2}, {8, 1L << 60}}) {
        put(queue_of(name), type, std::string(size, 'x'));
        BOOST_CHECK_EQUAL(code(in.receive_for(10s)), errc::malformed_message);
        BOOST_CHECK_EQUAL(in.stats().dropped, ++bad);
        out.send(bad);
        BOOST_CHECK(in.receive() == bad);
    }
    auto const text = support::unique_name();
    strait::channel_options little;
    little.max_message_size = 16;
    receiver<std::string> words{text, little};
    put(queue_of(text), 1, std::string(17, 'x'));
    BOOST_CHECK_EQUAL(code(words.try_receive()), errc::malformed_message);
    put(queue_of(text), 1, std::string(16, 'x'));
    BOOST_CHECK(*words.try_receive() == std::string(16, 'x'));
}

BOOST_AUTO_TEST_CASE(another_programs_queue_at_our_key_is_left_alone)
{
    auto const name = support::unique_name();
    strait::detail::location where;
    (void)strait::detail::location::find(name, strait::access_mode::owner, where);
    int const foreign = ::msgget(strait::detail::sysv_key(where, 0), IPC_CREAT | IPC_EXCL | 0600);
    BOOST_REQUIRE_GE(foreign, 0);
    {
        sender<int> out{name};
        receiver<int> in{name};
        out.send(1);
        BOOST_CHECK(in.receive() == 1);
        BOOST_CHECK((strait::channel<int, strait::sysv_mqueue>::remove(name)));
    }
    ::msqid_ds found = {};
    BOOST_CHECK_EQUAL(::msgctl(foreign, IPC_STAT, &found), 0);
    BOOST_CHECK_EQUAL(found.msg_lspid, 0);
    std::vector<int> all;
    for (std::uint64_t attempt = 1; attempt != strait::detail::sysv_attempts_by_name; ++attempt)
        all.push_back(::msgget(strait::detail::sysv_key(where, attempt), IPC_CREAT | IPC_EXCL | 0600));
    {
        sender<int> out{name};  // at a key that nobody knew before
        receiver<int> in{name};
        out.send(2);
        BOOST_CHECK(in.receive() == 2);
        BOOST_CHECK((strait::channel<int, strait::sysv_mqueue>::remove(name)));
        BOOST_CHECK_EQUAL(code(out.try_send(3)), errc::removed);
    }
    for (int const queue : all)
        BOOST_CHECK_EQUAL(::msgctl(queue, IPC_RMID, nullptr), 0);
    BOOST_CHECK_EQUAL(::msgctl(foreign, IPC_RMID, nullptr), 0);
}

BOOST_AUTO_TEST_CASE(when_every_key_is_taken_opening_says_so)
{
    strait::detail::location where;
    BOOST_REQUIRE(!strait::detail::location::find(support::unique_name(), strait::access_mode::owner, where));
    strait::detail::participant member;
    strait::detail::sysv_mechanism mechanism;
    strait::message_type const type("test");
    auto const traits = strait::detail::traits_beside<strait::message_layout{8, 8, 3}>("sysv_mqueue", type, strait::channel_options());
    BOOST_REQUIRE(!strait::detail::sysv_membership::join(where, traits, strait::detail::role::sender, 1, mechanism, member));
    struct ::stat file = {};
    BOOST_REQUIRE_EQUAL(::fstat(member.fd(), &file), 0);
    std::vector<int> all;
    for (std::uint64_t attempt = 1; attempt != strait::detail::sysv_attempts; ++attempt)
        all.push_back(::msgget(strait::detail::sysv_key(where, file, attempt), IPC_CREAT | IPC_EXCL | 0600));
    BOOST_CHECK_EQUAL(mechanism.create(member, where), errc::names_taken);
    for (int const queue : all)
        BOOST_CHECK_EQUAL(::msgctl(queue, IPC_RMID, nullptr), 0);
    member.block().mechanism[strait::detail::sysv_noted_attempt] = 1;
    strait::detail::sysv_membership::leave(member, where, mechanism, strait::deadline::never());
}

BOOST_AUTO_TEST_CASE(a_lying_control_file_leads_to_no_other_queue)
{
    auto const name = support::unique_name();
    int const precious = ::msgget(IPC_PRIVATE, 0600);
    BOOST_REQUIRE_GE(precious, 0);
    strait::detail::location where;
    (void)strait::detail::location::find(name, strait::access_mode::owner, where);
    int const of_other_modes = ::msgget(strait::detail::sysv_key(where, 3), IPC_CREAT | IPC_EXCL | 0640);
    BOOST_REQUIRE_GE(of_other_modes, 0);
    {
        sender<int> out{name};
        int const own = queue_of(name);
        note(name, 1, static_cast<std::uint64_t>(precious) + 1);
        BOOST_CHECK_EQUAL(code(receiver<int>::open(name)), errc::peer_corrupt);
        for (std::uint64_t const lie : {std::uint64_t{17}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
            note(name, 0, lie);
            BOOST_CHECK(code(receiver<int>::open(name)));
        }
        note(name, 0, 1);
        note(name, 1, static_cast<std::uint64_t>(precious) + 1);
        BOOST_CHECK((strait::channel<int, strait::sysv_mqueue>::remove(name)));
        BOOST_CHECK_EQUAL(out.stats().depth, 0u);
        BOOST_CHECK(out.close());
        BOOST_CHECK_EQUAL(::msgctl(own, IPC_RMID, nullptr), -1);  // it was found by its key
    }
    ::msqid_ds found = {};
    BOOST_CHECK_EQUAL(::msgctl(of_other_modes, IPC_RMID, nullptr), 0);
    BOOST_CHECK_EQUAL(::msgctl(precious, IPC_STAT, &found), 0);
    BOOST_CHECK_EQUAL(::msgctl(precious, IPC_RMID, nullptr), 0);
}

BOOST_AUTO_TEST_CASE(a_queue_whose_control_file_was_taken_away_goes_with_its_last_end)
{
    auto const name = support::unique_name();
    sender<int> out{name};
    {
        receiver<int> in{name};
        BOOST_REQUIRE(std::filesystem::remove(support::channel_directory() + "/" + name + ".channel"));
    }
    BOOST_CHECK_GE(queue_of(name), 0);
    BOOST_CHECK(out.close());
    BOOST_CHECK_EQUAL(queue_of(name), -1);
}

BOOST_AUTO_TEST_CASE(a_queue_of_other_modes_is_refused)
{
    auto const name = support::unique_name();
    sender<int> out{name};
    ::msqid_ds now = {};
    BOOST_REQUIRE_EQUAL(::msgctl(queue_of(name), IPC_STAT, &now), 0);
    BOOST_CHECK_EQUAL(now.msg_perm.mode & 0777, 0600);
    now.msg_perm.mode = 0666;
    BOOST_REQUIRE_EQUAL(::msgctl(queue_of(name), IPC_SET, &now), 0);
    BOOST_CHECK_EQUAL(code(receiver<int>::open(name)), errc::untrusted_object);
    now.msg_perm.mode = 0600;
    BOOST_REQUIRE_EQUAL(::msgctl(queue_of(name), IPC_SET, &now), 0);
}

// What a maker leaves that is killed between noting the key, making the queue, and noting the queue.
BOOST_AUTO_TEST_CASE(the_next_opener_removes_what_a_killed_maker_left)
{
    for (bool const made : {false, true}) {
        auto const name = support::unique_name();
        support::shared_page page;
        support::child maker([&] {
            sender<int> out{name};
            page->stage = 1;
            ::pause();
        });
        page->await(page->stage, 1);
        int const queue = queue_of(name);
        maker.kill();
        note(name, 1, 0);
        if (!made)
            ::msgctl(queue, IPC_RMID, nullptr);
        {
            sender<int> out{name};
            BOOST_CHECK_NE(queue_of(name), queue);
            receiver<int> in{name};
            out.send(1);
            BOOST_CHECK(in.receive() == 1);
        }
        BOOST_CHECK_EQUAL(queue_of(name), -1);
    }
}

BOOST_AUTO_TEST_CASE(openers_killed_at_random_leave_nothing_that_stays)
{
    for (int round = 0; round != support::rounds(40); ++round) {
        auto const name = support::unique_name();
        support::shared_page page;
        std::vector<support::child> restless;
        for (int i = 0; i != 2; ++i)
            restless.emplace_back([&, i] {
                for (;; page->done += 1) {
                    if (i == 0)
                        (void)sender<int>::open(name);
                    else
                        (void)receiver<int>::open(name);
                }
            });
        page->await(page->done, support::mixed(static_cast<std::uint64_t>(round)) % 40);
        restless.clear();
        {
            receiver<int> in{name};
            sender<int> out{name};
            out.send(1);
            BOOST_CHECK(in.receive() == 1);
        }
        BOOST_CHECK_EQUAL(queue_of(name), -1);
    }
}

BOOST_AUTO_TEST_CASE(many_senders_and_receivers_lose_nothing)
{
    auto const name = support::unique_name();
    constexpr std::uint64_t each = 4000;
    support::shared_page page;
    std::optional<receiver<std::string>> keeper{std::in_place, name};
    std::vector<support::child> all;
    for (std::uint64_t s = 0; s != 3; ++s)
        all.emplace_back([&, s] {
            sender<std::string> out{name};
            page->stage += 1;
            page->await(page->stage, 3);
            for (std::uint64_t i = 0; i != each; ++i)
                out.send(support::make_text(i, s));
        });
    page->await(page->stage, 3);
    for (int r = 0; r != 3; ++r)
        all.emplace_back([&] {
            receiver<std::string> in{name};
            for (auto const& text : in) {
                if (!support::is_whole(text))
                    page->wrong += 1;
                page->done += 1;
            }
        });
    keeper.reset();
    for (auto& c : all)
        BOOST_CHECK_EQUAL(c.wait(), 0);
    BOOST_CHECK_EQUAL(page->done, 3 * each);
    BOOST_CHECK_EQUAL(page->wrong, 0u);
}

BOOST_AUTO_TEST_CASE(a_killed_receiver_loses_at_most_the_message_in_its_hands)
{
    auto const name = support::unique_name();
    sender<std::uint64_t> out{name};
    std::uint64_t sent = 0;
    std::uint64_t expected = 0;
    for (int round = 0; round != support::rounds(60); ++round) {
        support::shared_page page;
        page->done = expected;
        support::child reader([&] {
            receiver<std::uint64_t> in{name};
            for (std::uint64_t const got : in) {
                if (got != page->done && !(page->stage == 0 && got == page->done + 1))
                    page->wrong += 1;
                page->stage = 1;
                page->done = got + 1;
            }
        });
        std::uint64_t const enough = expected + support::mixed(static_cast<std::uint64_t>(round)) % 500 + 1;
        while (page->done < enough)
            if (out.send_for(sent, 10ms))
                ++sent;
        reader.kill();
        BOOST_REQUIRE_EQUAL(page->wrong, 0u);
        expected = page->done;
    }
    receiver<std::uint64_t> in{name};
    while (in.try_receive()) {
    }
}

BOOST_AUTO_TEST_CASE(every_sleeping_receiver_sees_the_end)
{
    auto const name = support::unique_name();
    for (bool const killed : {false, true}) {
        support::shared_page page;
        support::child writer([&] {
            sender<int> out{name};
            page->stage = 1;
            page->await(page->proceed, 1);
        });
        page->await(page->stage, 1);
        std::vector<support::child> readers;
        for (int i = 0; i != 3; ++i)
            readers.emplace_back([&] {
                receiver<int> in{name};
                page->done += 1;
                auto const reason = killed ? strait::end_reason::died : strait::end_reason::left;
                return !in.receive() && in.end_reason() == reason ? 0 : 1;
            });
        page->await(page->done, 3);
        if (killed)
            writer.kill();
        page->proceed = 1;
        for (auto& r : readers)
            BOOST_CHECK_EQUAL(r.wait(), 0);
    }
}

BOOST_AUTO_TEST_CASE(a_waiter_killed_asleep_holds_up_nobody)
{
    auto const name = support::unique_name();
    strait::channel_options one;
    one.capacity = 1;
    receiver<int> in{name, one};
    sender<int> out{name};
    for (int round = 0; round != support::rounds(10); ++round) {
        support::shared_page page;
        out.send(1);
        support::child waiting([&] {
            sender<int> full{name};
            page->stage = 1;
            full.send(2);
            ::pause();
        });
        page->await(page->stage, 1);
        BOOST_CHECK_EQUAL(code(out.send_for(3, 2ms)), errc::timed_out);
        waiting.kill();
        BOOST_CHECK(in.receive() == 1);
        out.send(4);
        BOOST_CHECK(in.receive() == 4);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace sysv_mqueue_queue
