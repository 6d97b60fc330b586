// Distributed under the Boost Software License, Version 1.0.

#include "segment.hpp"
#include "types.hpp"

#include <support/child.hpp>
#include <support/watchdog.hpp>

#include <strait/channel.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include <sched.h>
#include <sys/mount.h>

namespace rings_mpsc {

namespace {

using namespace rings;

std::uint64_t bytes_on_disk(std::string const& path)
{
    struct ::stat found = {};
    BOOST_TEST_REQUIRE(::stat(path.c_str(), &found) == 0);
    return static_cast<std::uint64_t>(found.st_blocks) * 512;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_mpsc, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_capacity_is_of_each_lane_rounded_up_to_a_power_of_two_and_exact)
{
    for (auto const& [wanted, given] : {std::pair(1U, 1U), std::pair(2U, 2U), std::pair(5U, 8U), std::pair(64U, 64U)}) {
        std::string const name = support::unique_name();
        auto a = open_sender<mpsc, std::uint64_t>(name, {.capacity = wanted});
        auto b = open_sender<mpsc, std::uint64_t>(name);
        auto r = open_receiver<mpsc, std::uint64_t>(name);
        BOOST_TEST(fill(a, 8) == given);
        BOOST_TEST((a.reserve(8, soon()).error() == errc::timed_out));
        BOOST_TEST(fill(b, 8) == given);
        BOOST_TEST(a.stats().depth == given);
        for (unsigned i = 0; i != 2 * given; ++i)
            BOOST_TEST(receive<std::uint64_t>(r, deadline::poll()).has_value());
        BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
        BOOST_TEST(fill(a, 8) == given);
        BOOST_TEST(mpsc::remove(name).has_value());  // unread messages would keep it
    }
}

BOOST_AUTO_TEST_CASE(there_are_lanes_for_64_senders_at_a_time)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 8};
    std::vector<std::optional<sender>> senders;
    for (int i = 0; i != 64; ++i)
        senders.emplace_back(open_sender<mpsc, int>(name, how));
    auto r = open_receiver<mpsc, int>(name);
    BOOST_TEST((refusal_of_sender<mpsc, int>(name) == errc::busy));
    for (int i = 0; i != 64; ++i)
        BOOST_TEST(send(*senders[static_cast<std::size_t>(i)], i, deadline::poll()).has_value());
    senders[17].reset();
    senders[17].emplace(open_sender<mpsc, int>(name));
    BOOST_TEST((refusal_of_sender<mpsc, int>(name) == errc::busy));
    BOOST_TEST(send(*senders[17], 99, deadline::poll()).has_value());
    std::multiset<int> seen;
    while (auto const m = receive<int>(r, deadline::poll()))
        seen.insert(*m);
    BOOST_TEST(seen.size() == 65U);
    BOOST_TEST((std::set<int>(seen.begin(), seen.end()).size() == 65U));
}

BOOST_AUTO_TEST_CASE(a_full_lane_stops_its_own_sender_only)
{
    std::string const name = support::unique_name();
    auto a = open_sender<mpsc, std::uint64_t>(name, {.capacity = 4});
    auto b = open_sender<mpsc, std::uint64_t>(name);
    auto r = open_receiver<mpsc, std::uint64_t>(name);
    BOOST_TEST(fill(a, 8) == 4U);
    for (std::uint64_t i = 0; i != 4; ++i)
        BOOST_TEST(send(b, i, deadline::poll()).has_value());
    BOOST_TEST((a.reserve(8, soon()).error() == errc::timed_out));
    BOOST_TEST(mpsc::remove(name).has_value());  // unread messages would keep it
}

BOOST_AUTO_TEST_CASE(lanes_with_messages_take_turns_of_32)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 1024};
    constexpr std::uint64_t each = 1000;
    std::vector<sender> senders;
    for (std::uint64_t i = 0; i != 5; ++i) {
        senders.push_back(open_sender<mpsc, tagged>(name, how));
        for (std::uint64_t k = 0; k != each; ++k)
            BOOST_TEST_REQUIRE(send(senders.back(), tagged{i, k}, deadline::poll()).has_value());
    }
    auto r = open_receiver<mpsc, tagged>(name);
    std::map<std::uint64_t, std::uint64_t> next;
    std::uint64_t run = 0;
    std::uint64_t longest = 0;
    std::uint64_t widest = 0;
    std::uint64_t last = 99;
    for (std::uint64_t n = 0; n != 5 * each; ++n) {
        auto const m = receive<tagged>(r, deadline::poll()).value();
        BOOST_TEST_REQUIRE(m.sequence == next[m.sender]++);
        run = m.sender == last ? run + 1 : 1;
        last = m.sender;
        auto const left = std::count_if(next.begin(), next.end(), [](auto const& known) { return known.second == each; });
        if (left == 0)
            longest = std::max(longest, run);
        if (next.size() == 5 && left == 0) {
            auto const [least, most] = std::minmax_element(next.begin(), next.end(), [](auto& a, auto& b) { return a.second < b.second; });
            widest = std::max(widest, most->second - least->second);
        }
    }
    BOOST_TEST(longest == 32U);
    BOOST_TEST(widest <= 64U);
}

BOOST_AUTO_TEST_CASE(a_sender_rather_takes_a_lane_that_is_drained)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 2};
    for (int i = 0; i != 64; ++i) {
        auto s = open_sender<mpsc, int>(name, how);
        BOOST_TEST(fill(s, 4) == 2U);  // an earlier sender has left no message in this lane
    }
    {
        auto s = open_sender<mpsc, int>(name);
        BOOST_TEST((s.reserve(4, deadline::poll()).error() == errc::full));  // but now
    }
    auto r = open_receiver<mpsc, int>(name);
    for (int i = 0; i != 2 * 64; ++i)
        BOOST_TEST(receive<int>(r, deadline::poll()).has_value());
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::closed));
    auto s = open_sender<mpsc, int>(name);
    BOOST_TEST(fill(s, 4) == 2U);
    BOOST_TEST(mpsc::remove(name).has_value());  // unread messages would keep it
}

BOOST_AUTO_TEST_CASE(where_no_lane_is_drained_a_sender_goes_on_behind_what_is_unread)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 1 << 17};
    for (std::uint64_t i = 0; i != 150; ++i) {
        auto s = open_sender<mpsc, std::string>(name, how);
        BOOST_TEST_REQUIRE(send(s, support::make_text(0, i), deadline::poll()).has_value());
        BOOST_TEST_REQUIRE(send(s, support::make_text(1, i), deadline::poll()).has_value());
    }
    auto r = open_receiver<mpsc, std::string>(name);
    support::sequence_checker seen;
    while (auto const m = receive<std::string>(r, deadline::poll()))
        BOOST_TEST_REQUIRE(seen.see(*m));
    BOOST_TEST(seen.count() == 300U);
}

BOOST_AUTO_TEST_CASE(lanes_are_recycled_without_end)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 4096};
    auto r = open_receiver<mpsc, std::string>(name, how);
    auto steady = open_sender<mpsc, std::string>(name);
    support::sequence_checker seen;
    for (std::uint64_t life = 1; life != 1000; ++life) {
        auto s = open_sender<mpsc, std::string>(name);
        for (std::uint64_t i = 0; i != life % 5; ++i)
            BOOST_TEST_REQUIRE(send(s, support::make_text(i, life), deadline::poll()).has_value());
        BOOST_TEST_REQUIRE(send(steady, support::make_text(life - 1, 0), deadline::poll()).has_value());
        if (life % 3 == 0)
            while (auto const m = receive<std::string>(r, deadline::poll()))
                BOOST_TEST_REQUIRE(seen.see(*m));
    }
    BOOST_TEST(seen.count() == 999U + 999 / 5 * 10 + 1 + 2 + 3 + 4);
    BOOST_TEST(lane_segment(name).opened().load() < 16U);  // four lanes did for all
}

BOOST_AUTO_TEST_CASE(a_message_whose_sender_did_not_wake_the_receiver_is_found_when_it_waits)
{
    std::string const name = support::unique_name();
    auto a = open_sender<mpsc, std::uint64_t>(name, {.capacity = 64});
    auto r = open_receiver<mpsc, std::uint64_t>(name);
    for (std::uint64_t i = 0; i != 3; ++i) {
        BOOST_TEST((r.peek(deadline::after(std::chrono::milliseconds(2))).error() == errc::timed_out));  // it has slept
        std::memcpy(a.reserve(8, deadline::poll())->data(), &i, 8);
        a.commit(8);  // and no flush, as if the sender had died here
        BOOST_TEST((receive<std::uint64_t>(r) == i));
    }
}

BOOST_AUTO_TEST_CASE(a_message_whose_sender_did_not_wake_the_receiver_is_found_while_others_are_busy)
{
    std::string const name = support::unique_name();
    auto quiet = open_sender<mpsc, std::uint64_t>(name, {.capacity = 4096});
    auto r = open_receiver<mpsc, std::uint64_t>(name);
    auto loud = open_sender<mpsc, std::uint64_t>(name);
    BOOST_TEST((r.peek(deadline::after(std::chrono::milliseconds(2))).error() == errc::timed_out));
    std::memset(quiet.reserve(8, deadline::poll())->data(), 0xff, 8);
    quiet.commit(8);
    fill(loud, 8);
    std::uint64_t others = 0;
    while (receive<std::uint64_t>(r, deadline::poll()).value() != ~std::uint64_t{0})
        ++others;
    BOOST_TEST(others > 0U);
    BOOST_TEST(others <= 64U * 32);
    BOOST_TEST(mpsc::remove(name).has_value());  // unread messages would keep it
}

BOOST_AUTO_TEST_CASE(messages_of_many_lanes_that_become_idle_and_busy_all_arrive)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 8};
    auto r = open_receiver<mpsc, std::uint64_t>(name, how);
    std::vector<sender> senders;
    for (int i = 0; i != 40; ++i)
        senders.push_back(open_sender<mpsc, std::uint64_t>(name));
    lane_segment const memory(name);
    for (std::uint64_t round = 0; round != 300; ++round) {
        std::set<std::uint64_t> wanted;
        for (std::uint64_t k = 0; k <= round % 7; ++k) {
            std::uint64_t const i = support::mixed(round * 8 + k) % 40;
            if (wanted.insert(i).second)
                BOOST_TEST_REQUIRE(send(senders[i], i, deadline::poll()).has_value());
        }
        while (!wanted.empty())
            BOOST_TEST_REQUIRE(wanted.erase(receive<std::uint64_t>(r).value()) == 1U);
        if (round % 11 == 0)
            BOOST_TEST((r.peek(deadline::after(std::chrono::microseconds(100))).error() == errc::timed_out));
        if (round % 13 == 0)
            for (int polls = 0; polls != 3; ++polls)
                BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
    }
    BOOST_TEST(memory.called().load() == 0U);
}

BOOST_AUTO_TEST_CASE(batches_go_on_over_the_turns_of_lanes)
{
    using channel = strait::channel<std::uint64_t, mpsc>;
    std::string const name = support::unique_name();
    channel::sender a{name};
    channel::sender b{name};
    channel::receiver in{name};
    std::vector<std::uint64_t> batch(100, 1);
    BOOST_TEST(a.send_batch(batch) == 100U);
    batch.assign(100, 2);
    BOOST_TEST(b.send_batch(batch) == 100U);
    batch.assign(256, 0);
    BOOST_TEST(in.receive_batch(batch) == 200U);
    BOOST_TEST(std::count(batch.begin(), batch.end(), 1U) == 100);
    BOOST_TEST(std::count(batch.begin(), batch.end(), 2U) == 100);
    BOOST_TEST((in.try_receive_batch(batch).error() == errc::empty));
}

BOOST_AUTO_TEST_CASE(a_lane_that_was_never_used_takes_no_memory)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 1 << 16};
    std::uint64_t const first = strait::detail::lanes_data_offset();
    auto r = open_receiver<mpsc, std::string>(name, how);
    BOOST_TEST(bytes_on_disk(file_of(name)) == first + (1 << 16));  // one lane is there, so that a sender finds room
    auto a = open_sender<mpsc, std::string>(name);
    BOOST_TEST(bytes_on_disk(file_of(name)) == first + (1 << 16));
    auto b = open_sender<mpsc, std::string>(name);
    BOOST_TEST(bytes_on_disk(file_of(name)) == first + 2 * (1 << 16));
    BOOST_TEST(send(b, std::string("x")).has_value());
    BOOST_TEST((receive<std::string>(r) == std::string("x")));
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
    BOOST_TEST(bytes_on_disk(file_of(name)) == first + 2 * (1 << 16));
    BOOST_TEST(std::filesystem::file_size(file_of(name)) == first + 64 * (1 << 16));
}

BOOST_AUTO_TEST_CASE(a_sender_that_finds_no_memory_gets_an_error_and_the_others_go_on)
{
    // In a name space of its own: a file system of 200 KiB, in which a third lane of 64 KiB finds no room.
    support::child apart([] {
        constexpr int cannot = 77;
        std::string const directory = std::filesystem::temp_directory_path() / support::unique_name();
        if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return cannot;
        std::filesystem::create_directory(directory);
        struct removed {
            std::string const& what;
            ~removed()
            {
                ::umount(what.c_str());
                std::filesystem::remove(what);
            }
        } const at_the_end{directory};
        if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("none", directory.c_str(), "tmpfs", 0, "size=200k,mode=700") != 0)
            return cannot;
        std::string const where = directory + "/channel";
        strait::channel_options const how{.capacity = 1 << 16};
        if (try_receiver<mpsc, std::string>(where, {.capacity = 1 << 20}).has_value())
            return 1;  // no room for one lane
        auto r = try_receiver<mpsc, std::string>(where, how);
        auto a = try_sender<mpsc, std::string>(where, how);
        auto b = try_sender<mpsc, std::string>(where, how);
        if (!r || !a || !b)
            return 2;
        for (int i = 0; i != 3; ++i) {
            auto const c = try_sender<mpsc, std::string>(where, how);
            if (c || c.error() != errc::out_of_memory)
                return 3;
        }
        // A bit that says of a lane without memory that it has some does not make the receiver read it.
        int const file = ::open((where + ".channel").c_str(), O_RDWR | O_CLOEXEC);
        std::uint64_t const all = ~std::uint64_t{0};
        if (::pwrite(file, &all, 8, header + 8) != 8 || ::close(file) != 0)
            return 6;
        if (r->peek(deadline::poll()).error() != errc::out_of_memory)
            return 4;
        std::string const text(60'000, 'x');
        for (int i = 0; i != 10; ++i)
            for (auto* s : {&*a, &*b})
                if (!send(*s, text) || receive<std::string>(*r) != text)
                    return 5;
        return 0;
    });
    int const status = apart.wait();
    if (status == 77)
        BOOST_TEST_MESSAGE("not allowed to mount: skipped");
    else
        BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_CASE(words_that_steer_the_receiver_can_only_delay_it)
{
    std::string const name = support::unique_name();
    auto r = open_receiver<mpsc, std::uint64_t>(name, {.capacity = 8});
    auto s = open_sender<mpsc, std::uint64_t>(name);
    lane_segment const memory(name);
    std::mt19937_64 random(7);
    for (std::uint64_t i = 0; i != 200; ++i) {
        memory.called() = random();
        memory.opened() = random() | 1;
        memory.receiver_sleeps() = i % 3;
        BOOST_TEST_REQUIRE(send(s, i).has_value());
        BOOST_TEST_REQUIRE((receive<std::uint64_t>(r) == i));
    }
    memory.receiver_sleeps() = 0;  // this says that the receiver is awake, though it is about to sleep
    BOOST_TEST((r.peek(deadline::after(std::chrono::milliseconds(1))).error() == errc::timed_out));
    memory.receiver_sleeps() = 0;
    BOOST_TEST(send(s, std::uint64_t{200}).has_value());
    BOOST_TEST((receive<std::uint64_t>(r) == 200U));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_mpsc
