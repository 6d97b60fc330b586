// Distributed under the Boost Software License, Version 1.0.

#include "raw_mpsc.hpp"

#include <support/child.hpp>
#include <support/watchdog.hpp>

#include <strait/channel.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <sched.h>
#include <sys/mount.h>

namespace {

using namespace lanes;

struct alignas(64) lined {
    std::uint64_t value;
};
struct alignas(4096) paged {
    std::uint64_t value;
};
struct large {
    std::array<std::byte, 1 << 20> bytes;
};
struct tagged {
    std::uint64_t sender;
    std::uint64_t sequence;
};

template <class Sender>
std::uint64_t fill(Sender& s, std::size_t size)
{
    std::uint64_t n = 0;
    for (; s.reserve(size, deadline::poll()); ++n) {
        s.commit(size);
        BOOST_TEST_REQUIRE(s.flush(deadline::poll()).has_value());
    }
    return n;
}

bool is_aligned(void const* p, std::size_t to) { return reinterpret_cast<std::uintptr_t>(p) % to == 0; }

template <message_layout L>
void check_alignment()
{
    constexpr std::size_t size = L.fixed_size == 0 ? 3 : L.fixed_size;
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 4};
    auto other = ring::sender_end<L>::open(name, how, "test").value();
    auto s = ring::sender_end<L>::open(name, how, "test").value();  // not of the first lane
    auto r = ring::receiver_end<L>::open(name, how, "test").value();
    for (int i = 0; i != 40; ++i) {
        auto const room = s.reserve(size, deadline::poll());
        BOOST_TEST_REQUIRE(room.has_value());
        BOOST_TEST(is_aligned(room->data(), L.alignment));
        s.commit(size);
        auto const shown = r.peek(deadline::poll());
        BOOST_TEST_REQUIRE(shown.has_value());
        BOOST_TEST(is_aligned(shown->data(), L.alignment));
        r.release();
    }
}

std::uint64_t bytes_on_disk(std::string const& path)
{
    struct ::stat found = {};
    BOOST_TEST_REQUIRE(::stat(path.c_str(), &found) == 0);
    return static_cast<std::uint64_t>(found.st_blocks) * 512;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_mpsc, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_capacity_is_of_each_lane_rounded_up_to_a_power_of_two_and_exact)
{
    for (auto const& [wanted, given] : {std::pair(1U, 1U), std::pair(2U, 2U), std::pair(5U, 8U), std::pair(64U, 64U)}) {
        std::string const name = support::unique_name();
        auto a = open_sender<std::uint64_t>(name, {.capacity = wanted});
        auto b = open_sender<std::uint64_t>(name);
        auto r = open_receiver<std::uint64_t>(name);
        BOOST_TEST(fill(a, 8) == given);
        BOOST_TEST((a.reserve(8, soon()).error() == errc::timed_out));
        BOOST_TEST(fill(b, 8) == given);
        BOOST_TEST(a.stats().depth == given);
        for (unsigned i = 0; i != 2 * given; ++i)
            BOOST_TEST(receive<std::uint64_t>(r, deadline::poll()).has_value());
        BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
        BOOST_TEST(fill(a, 8) == given);
        BOOST_TEST(ring::remove(name).has_value());  // unread messages would keep it
    }
}

BOOST_AUTO_TEST_CASE(by_default_a_lane_has_what_a_ring_of_one_sender_has)
{
    auto [s, r] = make_ends<std::array<std::uint64_t, 7>>();
    BOOST_TEST(fill(s, 56) == 16384U);
    auto [s2, r2] = make_ends<large>();
    BOOST_TEST(fill(s2, sizeof(large)) == 8U);
    auto [s3, r3] = make_ends<std::string>();
    BOOST_TEST(s3.reserve((1 << 20) - 16, deadline::poll()).has_value());
    BOOST_TEST((s3.reserve((1 << 20) - 15, deadline::poll()).error() == errc::message_too_large));
}

BOOST_AUTO_TEST_CASE(a_payload_keeps_its_alignment_up_to_a_page)
{
    check_alignment<layout_of<char>>();
    check_alignment<layout_of<lined>>();
    check_alignment<layout_of<paged>>();
    check_alignment<message_layout{24, 16, 1}>();
    check_alignment<message_layout{0, 1, 1}>();
    check_alignment<message_layout{0, 64, 1}>();
    check_alignment<message_layout{0, 4096, 1}>();
}

BOOST_AUTO_TEST_CASE(messages_of_every_size_go_whole_through_every_lane)
{
    std::string const name = support::unique_name();
    std::vector<sender<std::string>> senders;
    for (int i = 0; i != 3; ++i)
        senders.push_back(open_sender<std::string>(name, {.capacity = 4096}));
    auto r = open_receiver<std::string>(name);
    for (std::size_t size = 0; size <= 4080; ++size) {  // each lane wraps at each size in turn
        std::string const message = support::make_text(size, 0, 1) + std::string(size, 'x');
        std::string const cut = message.substr(0, size);
        for (auto& s : senders) {
            BOOST_TEST_REQUIRE(send(s, cut, deadline::poll()).has_value());
            BOOST_TEST_REQUIRE((receive<std::string>(r, deadline::poll()) == cut));
        }
    }
    BOOST_TEST((senders[2].reserve(4081, deadline::poll()).error() == errc::message_too_large));
    BOOST_TEST((senders[2].reserve(static_cast<std::size_t>(-1), deadline::poll()).error() == errc::message_too_large));
    BOOST_TEST(r.stats().messages == 3U * 4081);
    BOOST_TEST(r.stats().bytes == 3U * 4080 * 4081 / 2);
}

BOOST_AUTO_TEST_CASE(messages_lie_in_the_lane_when_filled_and_when_shown)
{
    auto [s, r] = make_ends<support::probe>();
    for (std::uint64_t i = 0; i != 3; ++i) {
        auto const room = s.reserve(sizeof(support::probe), deadline::poll());
        auto const message = support::make_probe(i);
        std::memcpy(room->data(), &message, sizeof message);
        s.commit(sizeof message);
        auto const shown = r.peek(deadline::poll());
        BOOST_TEST((shown->data() == room->data()));  // over one mapping
        BOOST_TEST((r.peek(deadline::poll())->data() == shown->data()));
        BOOST_TEST((receive<support::probe>(r) == message));
    }
}

BOOST_AUTO_TEST_CASE(a_reservation_that_is_not_committed_never_existed)
{
    auto [s, r] = make_ends<std::string>();
    std::memset(s.reserve(500, deadline::poll())->data(), 0xff, 500);
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
    BOOST_TEST(send(s, std::string("after"), deadline::poll()).has_value());
    BOOST_TEST((receive<std::string>(r, deadline::poll()) == std::string("after")));
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
}

BOOST_AUTO_TEST_CASE(there_are_lanes_for_64_senders_at_a_time)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 8};
    std::vector<std::optional<sender<int>>> senders;
    for (int i = 0; i != 64; ++i)
        senders.emplace_back(open_sender<int>(name, how));
    auto r = open_receiver<int>(name);
    BOOST_TEST((sender<int>::open(name, {}, "test").error() == errc::busy));
    for (int i = 0; i != 64; ++i)
        BOOST_TEST(send(*senders[static_cast<std::size_t>(i)], i, deadline::poll()).has_value());
    senders[17].reset();
    senders[17].emplace(open_sender<int>(name));
    BOOST_TEST((sender<int>::open(name, {}, "test").error() == errc::busy));
    BOOST_TEST(send(*senders[17], 99, deadline::poll()).has_value());
    std::multiset<int> seen;
    while (auto const m = receive<int>(r, deadline::poll()))
        seen.insert(*m);
    BOOST_TEST(seen.size() == 65U);
    BOOST_TEST((std::set<int>(seen.begin(), seen.end()).size() == 65U));
}

BOOST_AUTO_TEST_CASE(there_is_one_receiver_at_a_time)
{
    std::string const name = support::unique_name();
    auto r = open_receiver<int>(name);
    BOOST_TEST((receiver<int>::open(name, {}, "test").error() == errc::busy));
    BOOST_TEST(r.close(deadline::poll()).has_value());
    BOOST_TEST(receiver<int>::open(name, {}, "test").has_value());
}

BOOST_AUTO_TEST_CASE(a_full_lane_stops_its_own_sender_only)
{
    std::string const name = support::unique_name();
    auto a = open_sender<std::uint64_t>(name, {.capacity = 4});
    auto b = open_sender<std::uint64_t>(name);
    auto r = open_receiver<std::uint64_t>(name);
    BOOST_TEST(fill(a, 8) == 4U);
    for (std::uint64_t i = 0; i != 4; ++i)
        BOOST_TEST(send(b, i, deadline::poll()).has_value());
    BOOST_TEST((a.reserve(8, soon()).error() == errc::timed_out));
    BOOST_TEST(ring::remove(name).has_value());  // unread messages would keep it
}

BOOST_AUTO_TEST_CASE(lanes_with_messages_take_turns_of_32)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 1024};
    constexpr std::uint64_t each = 1000;
    std::vector<sender<tagged>> senders;
    for (std::uint64_t i = 0; i != 5; ++i) {
        senders.push_back(open_sender<tagged>(name, how));
        for (std::uint64_t k = 0; k != each; ++k)
            BOOST_TEST_REQUIRE(send(senders.back(), tagged{i, k}, deadline::poll()).has_value());
    }
    auto r = open_receiver<tagged>(name);
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
        auto const left = std::count_if(next.begin(), next.end(), [](auto const& n) { return n.second == each; });
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
        auto s = open_sender<int>(name, how);
        BOOST_TEST(fill(s, 4) == 2U);  // nothing is left of anybody
    }
    {
        auto s = open_sender<int>(name);
        BOOST_TEST((s.reserve(4, deadline::poll()).error() == errc::full));  // but now
    }
    auto r = open_receiver<int>(name);
    for (int i = 0; i != 2 * 64; ++i)
        BOOST_TEST(receive<int>(r, deadline::poll()).has_value());
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::closed));
    auto s = open_sender<int>(name);
    BOOST_TEST(fill(s, 4) == 2U);
    BOOST_TEST(ring::remove(name).has_value());  // unread messages would keep it
}

BOOST_AUTO_TEST_CASE(where_no_lane_is_drained_a_sender_goes_on_behind_what_is_unread)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 1 << 17};
    for (std::uint64_t i = 0; i != 150; ++i) {
        auto s = open_sender<std::string>(name, how);
        BOOST_TEST_REQUIRE(send(s, support::make_text(0, i), deadline::poll()).has_value());
        BOOST_TEST_REQUIRE(send(s, support::make_text(1, i), deadline::poll()).has_value());
    }
    auto r = open_receiver<std::string>(name);
    support::sequence_checker seen;
    while (auto const m = receive<std::string>(r, deadline::poll()))
        BOOST_TEST_REQUIRE(seen.see(*m));
    BOOST_TEST(seen.count() == 300U);
}

BOOST_AUTO_TEST_CASE(lanes_are_recycled_without_end)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 4096};
    auto r = open_receiver<std::string>(name, how);
    auto steady = open_sender<std::string>(name);
    support::sequence_checker seen;
    for (std::uint64_t life = 1; life != 1000; ++life) {
        auto s = open_sender<std::string>(name);
        for (std::uint64_t i = 0; i != life % 5; ++i)
            BOOST_TEST_REQUIRE(send(s, support::make_text(i, life), deadline::poll()).has_value());
        BOOST_TEST_REQUIRE(send(steady, support::make_text(life - 1, 0), deadline::poll()).has_value());
        if (life % 3 == 0)
            while (auto const m = receive<std::string>(r, deadline::poll()))
                BOOST_TEST_REQUIRE(seen.see(*m));
    }
    BOOST_TEST(seen.count() == 999U + 999 / 5 * 10 + 1 + 2 + 3 + 4);
    BOOST_TEST(segment(name).opened().load() < 16U);  // four lanes did for all
}

BOOST_AUTO_TEST_CASE(a_message_that_the_receiver_was_not_called_to_is_found_when_it_waits)
{
    std::string const name = support::unique_name();
    auto a = open_sender<std::uint64_t>(name, {.capacity = 64});
    auto r = open_receiver<std::uint64_t>(name);
    for (std::uint64_t i = 0; i != 3; ++i) {
        BOOST_TEST((r.peek(deadline::after(std::chrono::milliseconds(2))).error() == errc::timed_out));  // it has slept
        std::memcpy(a.reserve(8, deadline::poll())->data(), &i, 8);
        a.commit(8);  // and no flush, as if the sender had died here
        BOOST_TEST((receive<std::uint64_t>(r) == i));
    }
}

BOOST_AUTO_TEST_CASE(a_message_that_the_receiver_was_not_called_to_is_found_while_others_keep_it_busy)
{
    std::string const name = support::unique_name();
    auto quiet = open_sender<std::uint64_t>(name, {.capacity = 4096});
    auto r = open_receiver<std::uint64_t>(name);
    auto loud = open_sender<std::uint64_t>(name);
    BOOST_TEST((r.peek(deadline::after(std::chrono::milliseconds(2))).error() == errc::timed_out));
    std::memset(quiet.reserve(8, deadline::poll())->data(), 0xff, 8);
    quiet.commit(8);
    fill(loud, 8);
    std::uint64_t others = 0;
    while (receive<std::uint64_t>(r, deadline::poll()).value() != ~std::uint64_t{0})
        ++others;
    BOOST_TEST(others > 0U);
    BOOST_TEST(others <= 64U * 32);
    BOOST_TEST(ring::remove(name).has_value());  // unread messages would keep it
}

BOOST_AUTO_TEST_CASE(many_lanes_that_come_and_go_idle_are_all_heard)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 8};
    auto r = open_receiver<std::uint64_t>(name, how);
    std::vector<sender<std::uint64_t>> senders;
    for (int i = 0; i != 40; ++i)
        senders.push_back(open_sender<std::uint64_t>(name));
    auto memory = segment(name);
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
    using channel = strait::channel<std::uint64_t, ring>;
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

BOOST_AUTO_TEST_CASE(a_lane_that_nobody_has_used_takes_no_memory)
{
    std::string const name = support::unique_name();
    strait::channel_options const how{.capacity = 1 << 16};
    std::uint64_t const first = strait::detail::lanes_data_offset();
    auto r = open_receiver<std::string>(name, how);
    BOOST_TEST(bytes_on_disk(file_of(name)) == first + (1 << 16));  // one lane is there, so that a sender finds room
    auto a = open_sender<std::string>(name);
    BOOST_TEST(bytes_on_disk(file_of(name)) == first + (1 << 16));
    auto b = open_sender<std::string>(name);
    BOOST_TEST(bytes_on_disk(file_of(name)) == first + 2 * (1 << 16));
    BOOST_TEST(send(b, std::string("x")).has_value());
    BOOST_TEST((receive<std::string>(r) == std::string("x")));
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
    BOOST_TEST(bytes_on_disk(file_of(name)) == first + 2 * (1 << 16));
    BOOST_TEST(std::filesystem::file_size(file_of(name)) == first + 64 * (1 << 16));
}

BOOST_AUTO_TEST_CASE(a_sender_that_finds_the_memory_full_is_told_and_the_others_go_on)
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
        if (receiver<std::string>::open(where, {.capacity = 1 << 20}, "test").has_value())
            return 1;  // no room for one lane
        auto r = receiver<std::string>::open(where, how, "test");
        auto a = sender<std::string>::open(where, how, "test");
        auto b = sender<std::string>::open(where, how, "test");
        if (!r || !a || !b)
            return 2;
        for (int i = 0; i != 3; ++i) {
            auto const c = sender<std::string>::open(where, how, "test");
            if (c || c.error() != errc::out_of_memory)
                return 3;
        }
        // Who lies about a lane makes nobody look into a hole.
        int const file = ::open((where + ".channel").c_str(), O_RDWR | O_CLOEXEC);
        std::uint64_t const all = ~std::uint64_t{0};
        if (::pwrite(file, &all, 8, segment::header + 8) != 8 || ::close(file) != 0)
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

BOOST_AUTO_TEST_CASE(another_type_or_topology_is_refused)
{
    std::string const name = support::unique_name();
    auto s = open_sender<int>(name);
    BOOST_TEST((receiver<std::uint64_t>::open(name, {}, "test").error() == errc::type_mismatch));
    BOOST_TEST((receiver<std::string>::open(name, {}, "test").error() == errc::type_mismatch));
    BOOST_TEST((raw::receiver<int>::open(name, {}, "test").error() == errc::transport_mismatch));
    auto t = raw::open_sender<int>(name + "t");
    BOOST_TEST((receiver<int>::open(name + "t", {}, "test").error() == errc::transport_mismatch));
}

BOOST_AUTO_TEST_CASE(closed_and_moved_from_ends_say_so_and_do_nothing)
{
    auto [s, r] = make_ends<std::uint64_t>();
    auto [s2, r2] = make_ends<std::string>();
    auto const check = [](auto& out, auto& in) {
        for (int i = 0; i != 3; ++i) {
            BOOST_TEST((out.reserve(8, deadline::never()).error() == errc::not_open));
            BOOST_TEST((out.flush(deadline::never()).error() == errc::not_open));
            BOOST_TEST((in.peek(deadline::never()).error() == errc::not_open));
            out.commit(8);  // too late
            in.release();
            BOOST_TEST(!in.has_message());
            BOOST_TEST(out.stats().depth == 0U);
            BOOST_TEST(out.close(deadline::never()).has_value());
            BOOST_TEST(in.close(deadline::never()).has_value());
        }
    };
    auto moved = std::move(s);
    auto moved_2 = std::move(s2);
    auto moved_r = std::move(r);
    auto moved_r2 = std::move(r2);
    check(s, r);
    check(s2, r2);
    BOOST_TEST(send(moved, std::uint64_t{5}, deadline::poll()).has_value());
    BOOST_TEST((look<std::uint64_t>(moved_r, deadline::poll()) == 5U));
    auto again = std::move(moved_r);  // with a message in its hands
    again.release();
    BOOST_TEST((again.peek(deadline::poll()).error() == errc::empty));
    BOOST_TEST(again.stats().messages == 1U);
    BOOST_TEST(moved.close(deadline::never()).has_value());
    BOOST_TEST(again.close(deadline::never()).has_value());
    BOOST_TEST(again.stats().messages == 1U);
    check(moved, again);
    check(moved, moved_r);
    moved = std::move(s);
    again = std::move(r);
    check(moved, again);
}

BOOST_AUTO_TEST_CASE(the_stream_ends_when_all_senders_have_left_and_goes_on_with_the_next)
{
    std::string const name = support::unique_name();
    auto r = open_receiver<int>(name);
    BOOST_TEST((r.peek(soon()).error() == errc::timed_out));  // nobody has come yet
    for (int i = 0; i != 3; ++i) {
        auto s = open_sender<int>(name);
        auto t = open_sender<int>(name);
        BOOST_TEST(send(s, i).has_value());
        BOOST_TEST(s.close(deadline::poll()).has_value());
        BOOST_TEST((receive<int>(r, deadline::poll()) == i));
        BOOST_TEST((r.peek(soon()).error() == errc::timed_out));
        BOOST_TEST(t.close(deadline::poll()).has_value());
        for (deadline const until : {deadline::poll(), deadline::never(), soon()})
            BOOST_TEST((r.peek(until).error() == errc::closed));
        BOOST_TEST((r.ended() == strait::end_reason::left));
    }
}

BOOST_AUTO_TEST_CASE(unread_messages_of_every_lane_outlive_all_ends)
{
    std::string const name = support::unique_name();
    {
        auto a = open_sender<std::string>(name);
        auto b = open_sender<std::string>(name);
        for (std::uint64_t i = 0; i != 10; ++i)
            for (auto* s : {&a, &b})
                BOOST_TEST(send(*s, support::make_text(i, s == &a ? 0 : 1)).has_value());
    }
    support::sequence_checker seen;
    for (int i = 0; i != 20; ++i) {
        auto r = open_receiver<std::string>(name);
        BOOST_TEST(seen.see(receive<std::string>(r, deadline::poll()).value()));
    }
    BOOST_TEST(support::files_of(name).empty());
}

BOOST_AUTO_TEST_CASE(unread_messages_of_another_type_are_not_dropped)
{
    std::string const name = support::unique_name();
    {
        auto idle = open_sender<lined>(name);
        auto s = open_sender<lined>(name);
        BOOST_TEST(send(s, lined{7}).has_value());
    }
    BOOST_TEST((receiver<std::string>::open(name, {}, "test").error() == errc::type_mismatch));
    auto r = open_receiver<lined>(name);
    BOOST_TEST(receive<lined>(r)->value == 7U);
}

BOOST_AUTO_TEST_CASE(more_memory_than_there_is_leaves_nothing_behind)
{
    for (std::size_t const capacity : {std::size_t{1} << 38, std::size_t{1} << 42, std::size_t{1} << 60, ~std::size_t{0}}) {
        std::string const name = support::unique_name();
        strait::channel_options const how{.capacity = capacity};
        BOOST_TEST((sender<int>::open(name, how, "test").error() == errc::out_of_memory));
        BOOST_TEST((receiver<std::string>::open(name, how, "test").error() == errc::out_of_memory));
        BOOST_TEST((pair<std::string>::make(how, "test").error() == errc::out_of_memory));
        BOOST_TEST(support::files_of(name).empty());
    }
}

BOOST_AUTO_TEST_SUITE_END()
