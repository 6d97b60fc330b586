// Distributed under the Boost Software License, Version 1.0.

#include "segment.hpp"

#include <support/child.hpp>
#include <support/shared_page.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>

#include <unistd.h>

namespace rings_damage {

// Words that no end writes are found to be corrupt, and do no harm.
namespace {

using namespace rings;

constexpr std::uint64_t bit(int n) { return std::uint64_t{1} << n; }

// The sender whose words resumed_segment has: in lane 1 of an mpsc ring, where another sender, that is idle, has lane 0.
template <class X, class T>
struct looked_at {
    looked_at(std::string const& name, channel_options const& how)
        : idle(many_senders<X> ? std::optional(open_sender<X, T>(name, how)) : std::nullopt), end(open_sender<X, T>(name, how))
    {
    }

    std::optional<sender> idle;
    sender end;
};

void expect_corrupt(receiver& r)
{
    for (deadline const until : {deadline::poll(), deadline::never()})
        BOOST_TEST((r.peek(until).error() == errc::peer_corrupt));
}

// Capacities and largest messages that the control block of a ring of 8 messages, or of strings, cannot have.
template <class X>
struct impossible {
    channel_options strings{.capacity = 4096};
    std::array<std::uint64_t, 5> capacities{0, 4, 16, 12, bit(63)};
    std::array<std::uint64_t, 0> largest{};
};
template <>
struct impossible<mpmc> {
    channel_options strings{.capacity = 8, .max_message_size = 100};
    std::array<std::uint64_t, 5> capacities{0, 12, bit(22), bit(30), bit(63)};
    std::array<std::uint64_t, 4> largest{1000, 99'999, bit(40), ~std::uint64_t{0}};
};

// Of a ring of 8 messages: the word that says that the first message is there, as no sender leaves it.
template <class X>
void damage_first_message(std::string const& name)
{
    if constexpr (std::is_same_v<X, spsc>)
        segment(name).message(0).store(99);
    else if constexpr (std::is_same_v<X, mpsc>)
        lane_segment(name).message(0).store(99);
    else
        places_segment(name, 8).place(0).store(5);  // neither empty nor full
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_damage, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_sequence_that_no_sender_writes_is_corrupt)
{
    std::string const name = support::unique_name();
    auto s = open_sender<spsc, std::uint64_t>(name, {.capacity = 8});
    auto r = open_receiver<spsc, std::uint64_t>(name);
    segment const memory(name);
    BOOST_TEST(send(s, std::uint64_t{1}).has_value());
    for (std::uint64_t const wrong : {std::uint64_t{2}, std::uint64_t{9}, ~std::uint64_t{0}}) {
        memory.message(0).store(wrong);
        expect_corrupt(r);
        BOOST_TEST(s.close(deadline::poll()).has_value());
        BOOST_TEST((refusal_of_sender<spsc, std::uint64_t>(name) == errc::peer_corrupt));
    }
    memory.message(0).store(1);
    BOOST_TEST((receive<std::uint64_t>(r) == 1U));
}

BOOST_AUTO_TEST_CASE(damage_of_one_lane_is_reported_when_no_other_has_a_message)
{
    std::string const name = support::unique_name();
    auto a = open_sender<mpsc, std::uint64_t>(name, {.capacity = 8});
    auto b = open_sender<mpsc, std::uint64_t>(name);
    auto r = open_receiver<mpsc, std::uint64_t>(name);
    lane_segment const memory(name);
    BOOST_TEST(send(a, std::uint64_t{1}).has_value());
    for (std::uint64_t const wrong : {std::uint64_t{2}, std::uint64_t{9}, ~std::uint64_t{0}}) {
        memory.message(0).store(wrong);
        BOOST_TEST(send(b, wrong).has_value());
        BOOST_TEST((receive<std::uint64_t>(r) == wrong));
        expect_corrupt(r);
        BOOST_TEST(a.close(deadline::poll()).has_value());
        BOOST_TEST((refusal_of_sender<mpsc, std::uint64_t>(name) == errc::peer_corrupt));
    }
    memory.message(0).store(1);
    BOOST_TEST((receive<std::uint64_t>(r) == 1U));
}

// A sender that dies before it calls the receiver leaves a message that the receiver finds when it looks at all lanes.
BOOST_AUTO_TEST_CASE(a_message_of_one_lane_comes_before_the_damage_of_another)
{
    for (std::size_t const damaged : {0U, 1U}) {
        std::string const name = support::unique_name();
        auto a = open_sender<mpsc, std::uint64_t>(name, {.capacity = 8});
        auto b = open_sender<mpsc, std::uint64_t>(name);
        auto r = open_receiver<mpsc, std::uint64_t>(name);
        BOOST_TEST((r.peek(deadline::after(std::chrono::milliseconds(1))).error() == errc::timed_out));  // it watches no lane now
        lane_segment const memory(name, damaged);
        memory.message(0).store(99);
        auto& other = damaged == 0 ? b : a;
        auto const room = other.reserve(8, deadline::poll()).value();
        std::uint64_t const number = 7;
        std::memcpy(room.data(), &number, sizeof number);
        other.commit(8);  // and no flush()
        BOOST_TEST((receive<std::uint64_t>(r) == number));
        expect_corrupt(r);
        memory.message(0).store(0);
    }
}

TYPED_CASE(indices_that_cannot_be_are_corrupt, X, resumed)
{
    std::string const name = support::unique_name();
    looked_at<X, std::uint64_t> s(name, {.capacity = 8});
    resumed_segment<X> const memory(name);
    for (int i = 0; i != 8; ++i)
        BOOST_TEST(send(s.end, std::uint64_t{1}).has_value());
    for (std::uint64_t const wrong : {std::uint64_t{9}, bit(63), ~std::uint64_t{0}}) {
        memory.consumed().store(wrong);  // more than was ever sent
        for (deadline const until : {deadline::poll(), deadline::never()})
            BOOST_TEST((s.end.reserve(8, until).error() == errc::peer_corrupt));
        memory.consumed().store(0);
        memory.head().store(wrong);  // before what was consumed
        BOOST_TEST((refusal_of_receiver<X, std::uint64_t>(name) == errc::peer_corrupt));
        BOOST_TEST((s.end.reserve(8, deadline::poll()).error() == errc::peer_corrupt));
        memory.head().store(0);
    }
    auto r = open_receiver<X, std::uint64_t>(name);
    for (int i = 0; i != 8; ++i)
        BOOST_TEST((receive<std::uint64_t>(r) == 1U));
}

TYPED_CASE(a_record_that_cannot_be_is_corrupt, X, resumed)
{
    std::string const name = support::unique_name();
    looked_at<X, std::string> s(name, {.capacity = 4096});
    auto r = open_receiver<X, std::string>(name);
    resumed_segment<X> const memory(name);
    BOOST_TEST(send(s.end, std::string("whole")).has_value());
    std::uint64_t const right = memory.message(0).load();
    for (std::uint64_t const wrong : {std::uint64_t{4096}, std::uint64_t{0xffff'ffff}, bit(32), bit(32) + 6, ~std::uint64_t{0}}) {
        memory.message(0).store(wrong);
        expect_corrupt(r);
        BOOST_TEST(s.end.close(deadline::poll()).has_value());
        BOOST_TEST((refusal_of_sender<X, std::string>(name) == errc::peer_corrupt));
    }
    memory.message(0).store(right);
    BOOST_TEST((receive<std::string>(r) == std::string("whole")));
    s.idle.reset();
    BOOST_TEST(r.close(deadline::poll()).has_value());
    BOOST_TEST(support::files_of(name).empty());
}

TYPED_CASE(a_record_ring_resumed_at_a_position_between_records_is_corrupt, X, resumed)
{
    std::string const name = support::unique_name();
    looked_at<X, std::string> s(name, {.capacity = 4096});
    resumed_segment<X> const memory(name);
    for (std::uint64_t const wrong : {std::uint64_t{1}, std::uint64_t{7}, ~std::uint64_t{0}}) {
        memory.consumed().store(wrong);
        BOOST_TEST((refusal_of_receiver<X, std::string>(name) == errc::peer_corrupt));
    }
    memory.consumed().store(0);
    BOOST_TEST((try_receiver<X, std::string>(name).has_value()));
}

TYPED_CASE(a_capacity_that_does_not_fit_the_segment_is_corrupt, X, but_latest)
{
    impossible<X> const values;
    std::string const name = support::unique_name();
    auto s = open_sender<X, std::uint64_t>(name, {.capacity = 8});
    auto t = open_sender<X, std::string>(name + "t", values.strings);
    segment const fixed(name);
    segment const varying(name + "t");
    auto const expect_refusals_with = [&](std::size_t at, std::uint64_t wrong) {
        std::uint64_t const right[2] = {fixed.word(at).exchange(wrong), varying.word(at).exchange(wrong)};
        BOOST_TEST((refusal_of_receiver<X, std::uint64_t>(name) == errc::peer_corrupt));
        BOOST_TEST((refusal_of_receiver<X, std::string>(name + "t") == errc::peer_corrupt));
        if (many_senders<X>)
            BOOST_TEST((refusal_of_sender<X, std::uint64_t>(name) == errc::peer_corrupt));
        fixed.word(at).store(right[0]);
        varying.word(at).store(right[1]);
    };
    for (std::uint64_t const wrong : values.capacities)
        expect_refusals_with(40, wrong);
    for (std::uint64_t const wrong : values.largest)
        expect_refusals_with(48, wrong);
    if (values.largest.empty())
        varying.word(48).store(~std::uint64_t{0});  // the largest message is bounded by the ring all the same
    auto r = open_receiver<X, std::string>(name + "t");
    BOOST_TEST(send(t, std::string("x")).has_value());
    BOOST_TEST((receive<std::string>(r) == std::string("x")));
}

TYPED_CASE(what_is_damaged_is_not_kept_for_a_later_receiver, X, retained)
{
    std::string const name = support::unique_name();
    {
        auto s = open_sender<X, std::uint64_t>(name, {.capacity = 8});
        BOOST_TEST(send(s, std::uint64_t{1}).has_value());
        damage_first_message<X>(name);
    }
    BOOST_TEST(support::files_of(name).empty());
}

TYPED_CASE(a_truncated_segment_is_refused_while_an_end_uses_it_and_replaced_afterwards, X, all_topologies)
{
    std::string const name = support::unique_name();
    support::shared_page page;
    for (::off_t const size : {0, 100, 4096, 5000, 8192, 8200, 36864, 40960, 40961}) {
        page->stage = 0;
        support::child holder([&] {
            auto s = open_sender<X, std::uint64_t>(name, {.capacity = 8});
            (void)send(s, std::uint64_t{1}, deadline::poll());
            page->stage = 1;
            for (;;)
                ::pause();
        });
        support::notes::await(page->stage, 1);
        if (std::filesystem::file_size(file_of(name)) == static_cast<std::uintmax_t>(size))
            continue;  // that is the right size
        BOOST_TEST(::truncate(file_of(name).c_str(), size) == 0);
        BOOST_TEST((refusal_of_receiver<X, std::uint64_t>(name) == errc::peer_corrupt));
        holder.kill();
        auto r = try_receiver<X, std::uint64_t>(name);
        BOOST_TEST_REQUIRE(r.has_value());
        BOOST_TEST((r->peek(deadline::poll()).error() == errc::empty));
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_damage
