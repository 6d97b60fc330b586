// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/packed.hpp>
#include <strait/transport/posix_mqueue.hpp>
#include <strait/transport/sysv_mqueue.hpp>

#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/code.hpp>
#include <support/messages.hpp>
#include <support/print.hpp>
#include <support/raw_peer.hpp>
#include <support/shared_page.hpp>
#include <support/typed_case.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include <mqueue.h>
#include <sys/msg.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using strait::errc;
using strait::packed;
using strait::detail::stream_frame;
using support::code;
using support::frame_of;

using transports = std::tuple<strait::posix_mqueue, strait::sysv_mqueue>;

// A message of the kernel's queue, as anybody may send it.
template <class X>
void send_raw(std::string const& name, std::string const& bytes)
{
    if constexpr (std::is_same_v<X, strait::posix_mqueue>) {
        int const queue =
            ::mq_open(("/strait-" + std::to_string(::geteuid()) + "-" + name).c_str(), O_WRONLY | O_CLOEXEC);
        BOOST_REQUIRE_EQUAL(::mq_send(queue, bytes.data(), bytes.size(), 0), 0);
        ::mq_close(queue);
    } else {
        strait::detail::location where;
        BOOST_REQUIRE(!strait::detail::location::find(name, strait::access_mode::owner, where));
        int const queue = ::msgget(strait::detail::sysv_key(where, 0), 0);
        std::vector<char> record(sizeof(long) + bytes.size());
        long const type = strait::detail::sysv_data;
        std::memcpy(record.data(), &type, sizeof type);
        std::memcpy(record.data() + sizeof type, bytes.data(), bytes.size());
        BOOST_REQUIRE_EQUAL(::msgsnd(queue, record.data(), bytes.size(), IPC_NOWAIT), 0);
    }
}

// What lies in front of it.
template <class X>
std::string take_raw(std::string const& name)
{
    std::string bytes(10'000, '\xff');
    ::ssize_t size = -1;
    if constexpr (std::is_same_v<X, strait::posix_mqueue>) {
        int const queue =
            ::mq_open(("/strait-" + std::to_string(::geteuid()) + "-" + name).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        size = ::mq_receive(queue, bytes.data(), bytes.size(), nullptr);
        ::mq_close(queue);
    } else {
        strait::detail::location where;
        BOOST_REQUIRE(!strait::detail::location::find(name, strait::access_mode::owner, where));
        size = ::msgrcv(::msgget(strait::detail::sysv_key(where, 0), 0), bytes.data(), bytes.size() - sizeof(long), 0, IPC_NOWAIT);
        bytes.erase(0, sizeof(long));
    }
    BOOST_REQUIRE_GE(size, 0);
    bytes.resize(static_cast<std::size_t>(size));
    return bytes;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(packing, support::clean_host)

TYPED_CASE(a_batch_of_small_messages_shares_messages_of_the_kernel, X, transports)
{
    strait::receiver<std::uint64_t, packed<X>> in{name};
    strait::sender<std::uint64_t, packed<X>> out{name};
    std::vector<std::uint64_t> many(3000);
    std::iota(many.begin(), many.end(), 0u);
    auto const accepted = out.try_send_batch(many);
    BOOST_REQUIRE(accepted);
    BOOST_CHECK_GE(*accepted,
                   1024u);  // as many single ones have no room in a queue of 10, or 16 KiB with 16 bytes each
    BOOST_CHECK_LE(out.stats().depth, 10u);  // which counts packs
    std::vector<std::uint64_t> got(*accepted);
    for (std::size_t n = 0; n != got.size();)
        n += in.receive_batch(std::span(got).subspan(n));
    BOOST_CHECK(std::equal(got.begin(), got.end(), many.begin()));
    BOOST_CHECK_EQUAL(out.stats().messages, *accepted);
    BOOST_CHECK_EQUAL(in.stats().messages, *accepted);
    BOOST_CHECK_EQUAL(in.stats().bytes, 8 * *accepted);
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
}

TYPED_CASE(strings_of_any_size_up_to_the_limit_arrive_and_longer_ones_are_refused, X, transports)
{
    strait::receiver<std::string, packed<X>> in{name};
    strait::sender<std::string, packed<X>> out{name};
    for (std::size_t const size : {0u, 1u, 7u, 8u, 4000u, 8183u, 8184u}) {
        out.send(std::string(size, 'x'));
        BOOST_CHECK(in.receive() == std::string(size, 'x'));
    }
    BOOST_CHECK_EQUAL(code(out.try_send(std::string(8185, 'x'))), errc::message_too_large);
    std::vector<std::string> texts;
    for (std::uint64_t i = 0; i != 20; ++i)
        texts.push_back(support::make_text(i));
    std::size_t sent = 0;
    for (std::size_t got = 0; got != texts.size();) {
        auto const more = out.try_send_batch(std::span<std::string const>(texts).subspan(sent));
        sent += more ? *more : 0;
        while (auto const m = in.try_receive())
            BOOST_REQUIRE_EQUAL(*m, texts[got++]);
    }
}

TYPED_CASE(a_killed_receiver_takes_the_rest_of_its_pack_along_and_nothing_else, X, transports)
{
    strait::sender<std::uint64_t, packed<X>> out{name};
    support::shared_page page;
    support::child first([&] {
        strait::receiver<std::uint64_t, packed<X>> in{name};
        page->stage = 1;
        page->done = in.receive().value();
        page->stage = 2;
        ::pause();
    });
    support::notes::await(page->stage, 1);
    std::uint64_t const packs[2][3] = {{10, 11, 12}, {20, 21, 22}};
    BOOST_CHECK_EQUAL(out.send_batch(packs[0]), 3u);
    BOOST_CHECK_EQUAL(out.send_batch(packs[1]), 3u);
    support::notes::await(page->stage, 2);
    first.kill();
    BOOST_CHECK_EQUAL(page->done, 10u);
    strait::receiver<std::uint64_t, packed<X>> next{name};
    for (std::uint64_t const wanted : packs[1])
        BOOST_CHECK(next.receive() == wanted);
}

TYPED_CASE(it_is_another_transport_than_the_bare_one_and_another_type_is_refused, X, transports)
{
    strait::receiver<std::uint64_t, packed<X>> in{name};
    BOOST_CHECK_EQUAL(code(strait::sender<std::uint64_t, X>::open(name)), errc::transport_mismatch);
    BOOST_CHECK_EQUAL(code(strait::sender<double, packed<X>>::open(name)), errc::type_mismatch);
    BOOST_CHECK_EQUAL(code(strait::sender<std::string, packed<X>>::open(name)), errc::type_mismatch);
}

TYPED_CASE(what_is_not_made_of_whole_frames_is_malformed_and_costs_itself, X, transports)
{
    strait::receiver<std::string, packed<X>> in{name};
    strait::sender<std::string, packed<X>> out{name};
    std::uint64_t bad = 0;
    for (std::string const& row :
         {std::string(), std::string("x"), std::string(7, '\0'), frame_of(100, "short"), frame_of(0xffff'ffff, ""),
          frame_of(4, "four", 7), frame_of(0, "", stream_frame::end), frame_of(0x8000'0000, std::string(64, 'x'))}) {
        send_raw<X>(name, row);
        auto told = code(in.receive_for(10s));
        BOOST_CHECK_EQUAL(told, errc::malformed_message);
        BOOST_CHECK_EQUAL(in.stats().dropped, ++bad);
    }
    send_raw<X>(name, frame_of(4, "good") + frame_of(50, "bad"));
    BOOST_CHECK(in.receive() == "good");
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::malformed_message);
    out.send("after");
    BOOST_CHECK(in.receive() == "after");
}

TYPED_CASE(what_found_no_room_was_not_sent_and_a_claim_can_be_committed_again, X, transports)
{
    strait::channel_options little;
    little.capacity = 1;
    strait::receiver<std::uint64_t, packed<X>> in{name, little};
    strait::sender<std::uint64_t, packed<X>> out{name};
    std::uint64_t sent = 0;
    while (out.try_send(sent))
        ++sent;
    BOOST_REQUIRE_GT(sent, 0u);
    BOOST_CHECK_EQUAL(code(out.try_send(1000)), errc::full);
    auto claimed = out.try_claim();
    BOOST_REQUIRE(claimed.has_value());
    **claimed = 2000;
    BOOST_CHECK_EQUAL(code(claimed->try_commit()), errc::full);
    BOOST_CHECK(in.receive() == 0u);
    BOOST_CHECK(claimed->try_commit());
    for (std::uint64_t i = 1; i != sent; ++i)
        BOOST_REQUIRE(in.receive() == i);
    BOOST_CHECK(in.receive() == 2000u);
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    BOOST_CHECK_EQUAL(out.stats().messages, sent + 1);
    BOOST_CHECK_EQUAL(out.stats().bytes, 8 * (sent + 1));
}

TYPED_CASE(a_poll_without_a_receiver_says_so_and_the_first_one_is_awaited_still, X, transports)
{
    constexpr strait::message_layout number{8, 8, 1};
    auto const open = [&](strait::channel_options const& how) {
        return packed<X>::template sender_end<number>::open(name, how, "number").value();
    };
    auto const send = [](auto& out, strait::deadline until) -> strait::error_code {
        auto const room = out.reserve(8, until);
        if (!room)
            return room.error();
        std::memset(room->data(), 7, 8);
        out.commit(8);
        auto const sent = out.flush(until);
        return sent ? strait::error_code() : sent.error();
    };
    strait::channel_options brief;
    brief.connect_timeout = 1ms;
    auto late = open(brief);
    BOOST_CHECK_EQUAL(send(late, strait::deadline::never()), errc::no_receiver);
    BOOST_CHECK(!late.awaits_receiver());
    auto out = open({});
    for (int i = 0; i != 3; ++i) {
        BOOST_CHECK_EQUAL(send(out, strait::deadline::poll()), errc::no_receiver);
        BOOST_CHECK(out.awaits_receiver());
    }
    {
        auto in = packed<X>::template receiver_end<number>::open(name, {}, "number").value();
        BOOST_CHECK_EQUAL(send(out, strait::deadline::poll()), strait::error_code());
        BOOST_CHECK(!out.awaits_receiver());
        BOOST_CHECK(in.peek(strait::deadline::never()).has_value());
    }
    BOOST_CHECK_EQUAL(send(out, strait::deadline::poll()), errc::no_receiver);
    BOOST_CHECK(!out.awaits_receiver());
}

TYPED_CASE(what_is_unread_goes_with_its_receiver_and_the_sender_is_told, X, transports)
{
    strait::sender<std::uint64_t, packed<X>> out{name};
    {
        strait::receiver<std::uint64_t, packed<X>> in{name};
        out.send(1);
    }
    BOOST_CHECK_EQUAL(code(out.try_send(2)), errc::no_receiver);
    out.close().value();
    BOOST_CHECK(support::leftovers().empty());
}

TYPED_CASE(what_lies_behind_a_message_is_zero_and_not_what_was_there_before, X, transports)
{
    strait::receiver<std::string, packed<X>> in{name};
    strait::sender<std::string, packed<X>> out{name};
    out.send(std::string(100, 'x'));
    BOOST_CHECK(in.receive() == std::string(100, 'x'));
    out.send("abc");
    BOOST_CHECK(take_raw<X>(name) == frame_of(3, "abc"));
}

BOOST_AUTO_TEST_SUITE_END()
