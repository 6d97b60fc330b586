// Distributed under the Boost Software License, Version 1.0.
#include <named_pipe/ends.hpp>
#include <support/other_user.hpp>

#include <array>
#include <numeric>
#include <optional>
#include <vector>

namespace named_pipe_frames {

BOOST_FIXTURE_TEST_SUITE(frames, support::clean_host)

using namespace pipes;

BOOST_AUTO_TEST_CASE(both_ends_open_in_one_thread_in_any_order)
{
    for (bool const sender_first : {true, false}) {
        auto const where = support::unique_name();
        auto first = sender_first ? std::optional(open_sender<numbers>(where)) : std::nullopt;
        auto in = open_receiver<numbers>(where);
        auto out = first ? std::move(*first) : open_sender<numbers>(where);
        std::uint64_t got = 0;
        BOOST_CHECK(receive(in, got, deadline::poll()) == errc::empty);
        BOOST_CHECK(!send(out, std::uint64_t{7}));
        BOOST_CHECK(!receive(in, got));
        BOOST_CHECK_EQUAL(got, 7u);
        BOOST_CHECK(out.close(deadline::never()).has_value());
        BOOST_CHECK(receive(in, got) == errc::closed);
        BOOST_CHECK(in.ended() == strait::end_reason::left);
    }
}

BOOST_AUTO_TEST_CASE(variable_sizes_up_to_4088_arrive_aligned_and_larger_ones_are_refused)
{
    auto in = open_receiver<texts>(name);
    auto out = open_sender<texts>(name);
    for (std::size_t const size : {0u, 1u, 7u, 8u, 9u, 4080u, 4087u, 4088u}) {
        std::string const text(size, 'x');
        BOOST_REQUIRE(!send(out, text));
        auto const bytes = in.peek(deadline::never());
        BOOST_REQUIRE_EQUAL(bytes->size(), size);
        BOOST_CHECK_EQUAL(reinterpret_cast<std::uintptr_t>(bytes->data()) % 8, 0u);
        in.release();
    }
    for (std::size_t const size : {std::size_t{4089}, std::size_t{1} << 31, ~std::size_t{0}})
        BOOST_CHECK(out.reserve(size, deadline::never()).error() == errc::message_too_large);
    BOOST_CHECK_EQUAL(in.stats().messages, 8u);
}

BOOST_AUTO_TEST_CASE(a_fixed_size_of_the_whole_pipe_buffer_fits)
{
    constexpr strait::message_layout page{4096, 8, 9};
    auto in = open_receiver<page>(name);
    auto out = open_sender<page>(name);
    std::array<std::uint64_t, 512> sent{};
    std::iota(sent.begin(), sent.end(), 1u);
    auto got = sent;
    got.fill(0);
    BOOST_CHECK(!send(out, sent));
    BOOST_CHECK(!receive(in, got));
    BOOST_CHECK(got == sent);
}

BOOST_AUTO_TEST_CASE(a_batch_arrives_whole_and_a_polled_one_takes_what_there_is_room_for)
{
    strait::channel_options small;
    small.capacity = 4096;
    auto in = open_receiver<numbers>(name, small);
    auto out = open_sender<numbers>(name, small);
    std::vector<std::uint64_t> many(5000);
    std::iota(many.begin(), many.end(), 0u);
    std::size_t sent = 0;
    std::uint64_t expected = 0;
    std::uint64_t got = 0;
    while (sent != many.size()) {
        auto const n = out.put_n(std::as_bytes(std::span(many).subspan(sent)), deadline::poll());
        if (n)
            sent += *n;
        else
            BOOST_REQUIRE(n.error() == errc::full);
        while (!receive(in, got, deadline::poll()))
            BOOST_REQUIRE_EQUAL(got, expected++);
    }
    BOOST_CHECK_EQUAL(expected, many.size());
    BOOST_CHECK_EQUAL(out.stats().messages, many.size());
}

BOOST_AUTO_TEST_CASE(a_batch_that_finds_room_for_some_sends_those)
{
    strait::channel_options small;
    small.capacity = 4096;
    auto in = open_receiver<numbers>(name, small);
    auto out = open_sender<numbers>(name, small);
    for (std::uint64_t i = 0; i != 500; ++i)
        BOOST_REQUIRE(!send(out, i));
    for (std::uint64_t i = 500; i != 600; ++i) {  // 12 fit
        auto room = out.reserve(8, deadline::poll());
        BOOST_REQUIRE(room);
        std::memcpy(room->data(), &i, 8);
        out.commit(8);
    }
    BOOST_CHECK(out.flush(deadline::poll()).error() == errc::full);
    BOOST_CHECK_EQUAL(out.stats().messages, 512u);
    BOOST_CHECK(out.flush(deadline::poll()).has_value());  // the rest was withdrawn
    std::uint64_t got = 0;
    for (std::uint64_t i = 0; i != 512; ++i) {
        BOOST_REQUIRE(!receive(in, got, deadline::poll()));
        BOOST_REQUIRE_EQUAL(got, i);
    }
    BOOST_CHECK(receive(in, got, deadline::poll()) == errc::empty);
}

BOOST_AUTO_TEST_CASE(full_and_timed_out_are_told_and_leave_the_channel_usable)
{
    auto in = open_receiver<probes>(name);
    auto out = open_sender<probes>(name);
    std::uint64_t n = 0;
    strait::error_code e;
    while (!(e = send(out, support::make_probe(n), deadline::poll())))
        ++n;
    BOOST_CHECK(e == errc::full);
    BOOST_CHECK(send(out, support::make_probe(n), deadline::after(1ms)) == errc::timed_out);
    support::probe p;
    for (std::uint64_t i = 0; i != n; ++i) {
        BOOST_REQUIRE(!receive(in, p));
        BOOST_REQUIRE(p == support::make_probe(i));
    }
    BOOST_CHECK(receive(in, p, deadline::after(1ms)) == errc::timed_out);
    BOOST_CHECK(!send(out, support::make_probe(n)));
    BOOST_CHECK(!receive(in, p));
}

BOOST_AUTO_TEST_CASE(an_impossible_capacity_is_refused_and_leaves_nothing)
{
    strait::channel_options huge;
    huge.capacity = std::size_t{1} << 40;
    BOOST_CHECK(sender<numbers>::open(support::unique_name(), huge, "test").error() == errc::capacity_limit);
    support::other_user const user;
    support::child unprivileged([&] {
        if (!user.become())
            return 77;
        strait::channel_options more;
        more.capacity = 64u << 20;
        return sender<numbers>::open(name, more, "test").error() == errc::capacity_limit ? 0 : 1;
    });
    int const status = unprivileged.wait();
    BOOST_CHECK(status == 0 || status == 77);
}

BOOST_AUTO_TEST_CASE(another_type_is_refused)
{
    auto in = open_receiver<numbers>(name);
    BOOST_CHECK(sender<probes>::open(name, {}, "test").error() == errc::type_mismatch);
    BOOST_CHECK(receiver<numbers>::open(name, {}, "test").error() == errc::busy);
}

BOOST_AUTO_TEST_CASE(an_end_inherited_by_fork_says_so_and_shows_no_message_of_the_parent)
{
    auto in = open_receiver<numbers>(name);
    auto out = open_sender<numbers>(name);
    BOOST_REQUIRE(!send(out, std::uint64_t{1}));
    BOOST_REQUIRE(!send(out, std::uint64_t{2}));
    std::uint64_t got = 0;
    BOOST_REQUIRE(!receive(in, got));  // 2 is read ahead
    support::child c([&] {
        std::uint64_t x = 0;
        bool const right = receive(in, x) == errc::inherited_handle && send(out, x) == errc::inherited_handle &&
                           out.close(deadline::never()).error() == errc::inherited_handle;
        return right ? 0 : 1;
    });
    BOOST_CHECK_EQUAL(c.wait(), 0);
    BOOST_REQUIRE(!receive(in, got));
    BOOST_CHECK_EQUAL(got, 2u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace named_pipe_frames
