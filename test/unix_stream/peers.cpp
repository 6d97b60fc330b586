// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/tcp.hpp>
#include <strait/transport/unix_stream.hpp>

#include <support/child.hpp>
#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>

namespace unix_stream_peers {

using namespace strait;
using namespace std::chrono_literals;

namespace {

constexpr message_layout word{8, 8, 1};
constexpr message_layout bytes{0, 1, 2};
using word_sender = unix_stream::sender_end<word>;
using word_receiver = unix_stream::receiver_end<word>;
using byte_sender_end = unix_stream::sender_end<bytes>;
using byte_receiver_end = unix_stream::receiver_end<bytes>;

struct fixture {
    support::watchdog watchdog;
};

template <class End>
void put(End& out, std::uint64_t value)
{
    auto room = out.reserve(8, deadline::never()).value();
    std::memcpy(room.data(), &value, 8);
    out.commit(8);
    out.flush(deadline::never()).value();
}

template <class End>
result<std::uint64_t> get(End& in, deadline until)
{
    auto m = in.peek(until);
    if (!m)
        return result<std::uint64_t>(strait::unexpect, m.error());
    std::uint64_t v = 0;
    std::memcpy(&v, m->data(), 8);
    in.release();
    return v;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(stream_peers, fixture)

BOOST_AUTO_TEST_CASE(a_deadline_in_the_past_still_takes_what_is_there)
{
    auto const name = support::unique_name();
    auto in = word_receiver::open(name, {}, "").value();
    auto out = word_sender::open(name, {}, "").value();
    put(out, 1);
    auto const got = get(in, deadline::after(-1s));
    BOOST_TEST(!!got);
}

BOOST_AUTO_TEST_CASE(many_senders_that_wrote_before_the_first_look_are_all_heard)
{
    auto const name = support::unique_name();
    auto in = word_receiver::open(name, {}, "").value();
    std::vector<word_sender> out;
    for (std::uint64_t i = 0; i < 150; ++i) {
        out.push_back(word_sender::open(name, {}, "").value());
        put(out.back(), i);
    }
    std::size_t heard = 0;
    while (auto got = get(in, deadline::poll()))
        ++heard;
    BOOST_TEST(heard == 150U);
    BOOST_TEST(in.stats().dropped == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_shown_is_not_shown_in_a_child)
{
    auto const name = support::unique_name();
    auto in = word_receiver::open(name, {}, "").value();
    auto out = word_sender::open(name, {}, "").value();
    put(out, 1);
    BOOST_TEST_REQUIRE(!!in.peek(deadline::never()));
    support::child child([&] { return get(in, deadline::poll()).error() == errc::inherited_handle ? 0 : 1; });
    BOOST_TEST(child.wait() == 0);
}

BOOST_AUTO_TEST_CASE(room_is_aligned_behind_the_rest_of_a_message)
{
    auto const name = support::unique_name();
    auto in = byte_receiver_end::open(name, {}, "").value();
    auto out = byte_sender_end::open(name, {}, "").value();
    bool aligned = true;
    for (std::size_t odd = 1; odd < 64; ++odd) {
        std::size_t const size = (3U << 20) + odd * 37;
        auto room = out.reserve(size, deadline::never()).value();
        std::memset(room.data(), 'x', room.size());
        out.commit(size);
        BOOST_TEST_REQUIRE(!!out.flush(deadline::poll()));
        // read a little, so that some of the rest goes with odd amounts
        (void)in.peek(deadline::poll());
        (void)out.flush(deadline::poll());
        if (auto next = out.reserve(100'000, deadline::poll()))
            aligned = aligned && reinterpret_cast<std::uintptr_t>(next->data()) % 8 == 0;
        std::jthread reading([&] {
            auto m = in.peek(deadline::never());
            if (m) in.release();
        });
        out.flush(deadline::never()).value();
    }
    BOOST_TEST(aligned);
}

BOOST_AUTO_TEST_CASE(a_flush_of_nothing_needs_no_receiver)
{
    auto const name = support::unique_name();
    auto out = word_sender::open(name, {}, "").value();
    BOOST_TEST(!!out.flush(deadline::after(100ms)));
}

BOOST_AUTO_TEST_CASE(closing_flushes_what_was_committed)
{
    auto const name = support::unique_name();
    auto in = word_receiver::open(name, {}, "").value();
    auto out = word_sender::open(name, {}, "").value();
    put(out, 1);
    auto room = out.reserve(8, deadline::never()).value();
    std::memset(room.data(), 0, 8);
    out.commit(8);
    BOOST_TEST(!!out.close(deadline::after(1s)));
    BOOST_TEST(get(in, deadline::after(5s)).value() == 1U);
    BOOST_TEST(!!get(in, deadline::after(5s)));
}

BOOST_AUTO_TEST_CASE(a_short_connect_timeout_does_not_shorten_opening)
{
    auto const name = support::unique_name();
    strait::unix_stream::options how;
    how.connect_timeout = 0ns;
    support::shared_page page;
    auto in = word_receiver::open(name, {}, "").value();
    std::vector<support::child> others;
    for (int i = 0; i < 2; ++i)
        others.emplace_back([&] {
            while (page->done.load() == 0)
                (void)word_sender::open(name, {}, "");
        });
    int failed = 0;
    for (int i = 0; i < 100; ++i)
        if (auto out = word_sender::open(name, how, ""); !out)
            ++failed;
    page->done = 1;
    BOOST_TEST(failed == 0);
}

BOOST_AUTO_TEST_CASE(a_wider_access_is_never_refused_because_of_the_umask)
{
    ::umask(0077);
    std::string const path = "/tmp/streams-review-" + std::to_string(::getpid());
    strait::unix_stream::options how;
    how.access = access_mode::everyone;
    support::shared_page page;
    support::child receiving([&] {
        while (page->done.load() == 0)
            (void)word_receiver::open(path, how, "");
    });
    int refused = 0;
    for (int i = 0; i < 300; ++i)
        if (auto out = word_sender::open(path, how, ""); !out && out.error() == errc::untrusted_object)
            ++refused;
    page->done = 1;
    receiving.wait();
    ::umask(0022);
    (void)unix_stream::remove(path);
    BOOST_TEST(refused == 0);
}

BOOST_AUTO_TEST_CASE(names_of_tcp_end_after_all_messages_of_short_lived_senders)
{
    auto const name = support::unique_name();
    std::size_t lost = 0;
    for (int round = 0; round < 100; ++round) {
        auto in = tcp::receiver_end<word>::open(name, {}, "").value();
        std::vector<support::child> senders;
        for (int i = 0; i < 4; ++i)
            senders.emplace_back([&] {
                auto out = tcp::sender_end<word>::open(name, {}, "").value();
                put(out, 7);
            });
        for (auto& s : senders)
            s.wait();
        std::size_t heard = 0;
        while (get(in, deadline::never()))
            ++heard;
        lost += 4 - heard;
    }
    BOOST_TEST(lost == 0U);
}

BOOST_AUTO_TEST_CASE(a_rejection_is_seen_over_unix_stream_too)
{
    auto pair = unix_stream::pair<word>::make({}, "");
    BOOST_TEST(!!pair);
    auto const name = support::unique_name();
    auto in = word_receiver::open(name, {}, "").value();
    auto out = word_sender::open(name, {}, "").value();
    put(out, 1);
    BOOST_TEST(!!in.close(deadline::after(1s)));
    auto room = out.reserve(8, deadline::never());
    error_code e = room ? error_code() : room.error();
    if (room) {
        out.commit(8);
        auto f = out.flush(deadline::never());
        e = f ? error_code() : f.error();
    }
    BOOST_TEST((e == errc::no_receiver));
    auto in2 = word_receiver::open(name, {}, "").value();
    put(out, 2);
    BOOST_TEST(get(in2, deadline::never()).value() == 2U);
}

BOOST_AUTO_TEST_CASE(remove_of_nothing_succeeds_as_elsewhere)
{
    BOOST_TEST(!!unix_stream::remove("/nonexistent-directory/x"));
    BOOST_TEST(!!unix_stream::remove(support::unique_name()));
    BOOST_TEST(!!tcp::remove(support::unique_name()));
}

BOOST_AUTO_TEST_CASE(a_message_a_silent_peer_and_a_queue_full_of_frames_are_fair)
{
    auto const name = support::unique_name();
    auto in = word_receiver::open(name, {}, "").value();
    support::shared_page page;
    std::vector<support::child> flood;
    for (int i = 0; i < 1; ++i)
        flood.emplace_back([&] {
            auto out = word_sender::open(name, {}, "").value();
            while (page->done.load() == 0)
                put(out, 1);
        });
    BOOST_TEST(get(in, deadline::never()).value() == 1U);
    support::child quiet([&] {
        auto out = word_sender::open(name, {}, "").value();
        put(out, 2);
    });
    std::uint64_t n = 0;
    while (get(in, deadline::never()).value() != 2U)
        ++n;
    BOOST_TEST_MESSAGE("heard the quiet one after " << n);
    page->done = 1;
    while (get(in, deadline::poll())) {
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace unix_stream_peers
