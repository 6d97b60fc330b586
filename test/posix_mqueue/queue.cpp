// Distributed under the Boost Software License, Version 1.0.
#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/messages.hpp>
#include <support/other_user.hpp>
#include <support/shared_page.hpp>

#include <strait/transport/posix_mqueue.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <mqueue.h>
#include <sys/resource.h>

namespace {

using namespace std::chrono_literals;
using strait::deadline;
using strait::errc;

constexpr strait::message_layout numbers{8, 8, 1};
constexpr strait::message_layout texts{0, 1, 3};

template <strait::message_layout L>
using sender = strait::posix_mqueue::sender_end<L>;
template <strait::message_layout L>
using receiver = strait::posix_mqueue::receiver_end<L>;

template <strait::message_layout L>
sender<L> open_sender(std::string const& name, strait::channel_options const& how = {})
{
    return sender<L>::open(name, how, "test").value();
}

template <strait::message_layout L>
receiver<L> open_receiver(std::string const& name, strait::channel_options const& how = {})
{
    return receiver<L>::open(name, how, "test").value();
}

template <class S>
strait::error_code send(S& out, std::string_view bytes, deadline until = deadline::never())
{
    auto room = out.reserve(bytes.size(), until);
    if (!room)
        return room.error();
    if (!bytes.empty())
        std::memcpy(room->data(), bytes.data(), bytes.size());
    out.commit(bytes.size());
    auto const flushed = out.flush(until);
    return flushed ? strait::error_code() : flushed.error();
}

template <class S>
strait::error_code send(S& out, std::uint64_t value, deadline until = deadline::never())
{
    return send(out, std::string_view(reinterpret_cast<char const*>(&value), sizeof value), until);
}

template <class R, class T>
strait::error_code receive(R& in, T& value, deadline until = deadline::never())
{
    auto bytes = in.peek(until);
    if (!bytes)
        return bytes.error();
    if constexpr (std::is_same_v<T, std::string>)
        value.assign(reinterpret_cast<char const*>(bytes->data()), bytes->size());
    else
        std::memcpy(&value, bytes->data(), sizeof value);
    in.release();
    return {};
}

std::string queue_of(std::string const& name) { return "/strait-" + std::to_string(::geteuid()) + "-" + name; }

// A limit that root does not feel, met by somebody else.
template <class Body>
int unprivileged(Body body)
{
    support::other_user const user;
    support::child c([&] { return user.become() ? static_cast<int>(body()) : 98; });
    return c.wait();
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(posix_mqueue, support::clean_host)

BOOST_AUTO_TEST_CASE(messages_of_every_size_arrive_and_empty_ones_are_messages)
{
    auto out = open_sender<texts>(name);
    auto in = open_receiver<texts>(name);
    std::string got = "x";
    BOOST_CHECK(receive(in, got, deadline::poll()) == errc::empty);
    for (std::size_t const size : {0u, 1u, 4097u, 8191u, 8192u}) {
        BOOST_REQUIRE(!send(out, std::string(size, 'y')));
        BOOST_REQUIRE(!receive(in, got));
        BOOST_CHECK_EQUAL(got, std::string(size, 'y'));
    }
    for (std::size_t const size : {std::size_t{8193}, std::size_t{1} << 31, ~std::size_t{0}})
        BOOST_CHECK(out.reserve(size, deadline::never()).error() == errc::message_too_large);
    BOOST_CHECK(out.close(deadline::never()).has_value());
    BOOST_CHECK(receive(in, got) == errc::closed);
    BOOST_CHECK(in.ended() == strait::end_reason::left);
}

BOOST_AUTO_TEST_CASE(a_full_queue_says_so_and_keeps_its_order)
{
    strait::channel_options three;
    three.capacity = 3;
    auto out = open_sender<numbers>(name, three);
    std::uint64_t const values[] = {0, 1, 2, 3, 4};
    BOOST_CHECK_EQUAL(out.put_n(std::as_bytes(std::span(values)), deadline::poll()).value(), 3u);
    BOOST_CHECK(send(out, std::uint64_t{3}, deadline::poll()) == errc::full);
    BOOST_CHECK(send(out, std::uint64_t{3}, deadline::after(1ms)) == errc::timed_out);
    auto in = open_receiver<numbers>(name);
    std::uint64_t got = 9;
    for (std::uint64_t i = 0; i != 3; ++i) {
        BOOST_CHECK(!receive(in, got));
        BOOST_CHECK_EQUAL(got, i);
    }
    BOOST_CHECK(receive(in, got, deadline::after(1ms)) == errc::timed_out);
}

BOOST_AUTO_TEST_CASE(what_is_unread_outlives_everybody)
{
    {
        auto out = open_sender<numbers>(name);
        BOOST_REQUIRE(!send(out, std::uint64_t{1}));
        BOOST_REQUIRE(!send(out, std::uint64_t{2}));
    }
    BOOST_CHECK(support::has_queue(name));
    BOOST_CHECK(receiver<texts>::open(name, {}, "test").error() == errc::type_mismatch);
    auto in = open_receiver<numbers>(name);
    std::uint64_t got = 0;
    BOOST_CHECK(!receive(in, got));
    BOOST_CHECK(!receive(in, got));
    BOOST_CHECK_EQUAL(got, 2u);
    BOOST_CHECK(receive(in, got) == errc::closed);
}

BOOST_AUTO_TEST_CASE(unread_empty_messages_are_kept_and_stray_hints_are_not)
{
    {
        auto out = open_sender<texts>(name);
        BOOST_REQUIRE(!send(out, ""));
        BOOST_REQUIRE(!send(out, ""));
        strait::detail::descriptor const queue(::mq_open(queue_of(name).c_str(), O_WRONLY | O_CLOEXEC));
        BOOST_REQUIRE_EQUAL(::mq_send(queue.get(), "", 0, 1), 0);
    }
    {
        auto in = open_receiver<texts>(name);
        std::string got = "x";
        BOOST_CHECK(!receive(in, got, deadline::poll()));
        BOOST_CHECK(!receive(in, got, deadline::poll()));
        BOOST_CHECK(receive(in, got, deadline::poll()) == errc::closed);
        strait::detail::descriptor const queue(::mq_open(queue_of(name).c_str(), O_WRONLY | O_CLOEXEC));
        BOOST_REQUIRE_EQUAL(::mq_send(queue.get(), "", 0, 1), 0);
    }
    BOOST_CHECK(!support::has_queue(name));
}

BOOST_AUTO_TEST_CASE(foreign_messages_are_malformed)
{
    auto in = open_receiver<numbers>(name);
    auto out = open_sender<numbers>(name);
    strait::detail::descriptor const queue(::mq_open(queue_of(name).c_str(), O_WRONLY | O_CLOEXEC));
    std::uint64_t got = 0;
    for (auto const& [size, priority] : {std::pair{7u, 0u}, {0u, 0u}, {8u, 5u}, {3u, 1u}}) {
        BOOST_REQUIRE_EQUAL(::mq_send(queue.get(), "12345678", size, priority), 0);
        BOOST_CHECK(receive(in, got) == errc::malformed_message);
        BOOST_CHECK(!send(out, std::uint64_t{1}));
        BOOST_CHECK(!receive(in, got));
    }
    BOOST_CHECK_EQUAL(in.stats().dropped, 4u);
}

BOOST_AUTO_TEST_CASE(each_limit_has_its_own_error)
{
    strait::channel_options deep;
    deep.capacity = 100'000;
    BOOST_CHECK(sender<numbers>::open(name, deep, "test").error() == errc::queue_limit);
    deep.capacity = ~std::size_t{0};
    BOOST_CHECK(sender<numbers>::open(name, deep, "test").error() == errc::queue_limit);
    BOOST_CHECK_EQUAL(unprivileged([&] {
                          strait::channel_options wide;
                          wide.max_message_size = 1u << 20;
                          return sender<texts>::open(name, wide, "test").error() == errc::queue_limit ? 0 : 1;
                      }),
                      0);
    BOOST_CHECK_EQUAL(unprivileged([&] {
                          rlimit const little{1000, 1000};
                          ::setrlimit(RLIMIT_MSGQUEUE, &little);
                          return sender<texts>::open(name, {}, "test").error() == errc::queue_memory_limit ? 0 : 1;
                      }),
                      0);
    BOOST_CHECK_EQUAL(unprivileged([&] {
                          rlimit files{};
                          ::getrlimit(RLIMIT_NOFILE, &files);
                          for (rlim_t n = 3; n != 12; ++n) {  // whichever descriptor is the first one too many
                              files.rlim_cur = n;
                              ::setrlimit(RLIMIT_NOFILE, &files);
                              auto const opened = sender<texts>::open(name, {}, "test");
                              if (!opened && opened.error() != errc::descriptor_limit)
                                  return 1;
                          }
                          return 0;
                      }),
                      0);
    BOOST_CHECK_EQUAL(unprivileged([&] {
                          rlimit const much{RLIM_INFINITY, RLIM_INFINITY};
                          ::setrlimit(RLIMIT_MSGQUEUE, &much);
                          std::vector<sender<numbers>> all;
                          strait::channel_options small;
                          small.capacity = 1;
                          for (int i = 0; i != 1000; ++i) {
                              auto opened = sender<numbers>::open(name + "-" + std::to_string(i), small, "test");
                              if (!opened) {
                                  auto const e = opened.error();
                                  return e == errc::queue_count_limit || e == errc::queue_memory_limit ? 0 : 1;
                              }
                              all.push_back(std::move(*opened));
                          }
                          return 2;
                      }),
                      0);
}

BOOST_AUTO_TEST_CASE(an_inherited_end_says_so)
{
    auto in = open_receiver<numbers>(name);
    auto out = open_sender<numbers>(name);
    BOOST_REQUIRE(!send(out, std::uint64_t{1}));
    BOOST_REQUIRE(in.peek(deadline::never()));
    support::child c([&] {
        std::uint64_t x = 0;
        return receive(in, x) == errc::inherited_handle && send(out, x) == errc::inherited_handle &&
                       in.close(deadline::never()).error() == errc::inherited_handle
                   ? 0
                   : 1;
    });
    BOOST_CHECK_EQUAL(c.wait(), 0);
    std::uint64_t got = 0;
    BOOST_CHECK(!receive(in, got, deadline::poll()));
    BOOST_CHECK_EQUAL(got, 1u);
}

BOOST_AUTO_TEST_CASE(many_senders_keep_their_order_and_what_a_killed_one_sent_arrives)
{
    auto in = open_receiver<texts>(name);
    for (int round = 0; round != support::rounds(25); ++round) {
        support::shared_page page;
        std::vector<support::child> senders;
        for (std::uint64_t s = 0; s != 4; ++s)
            senders.emplace_back([&, s] {
                auto out = open_sender<texts>(name);
                page->stage += 1;
                for (std::uint64_t i = 0; s == 0 || i != 200; ++i) {
                    if (send(out, support::make_text(i, s)))
                        return 1;
                    page->other[s] = i + 1;
                }
                return 0;
            });
        page->await(page->stage, 4);
        support::sequence_checker checker;
        std::string got;
        strait::error_code e;
        std::uint64_t const enough = support::mixed(static_cast<std::uint64_t>(round)) % 300 + 1;
        while (!(e = receive(in, got))) {
            BOOST_REQUIRE(checker.see(got));
            if (checker.next(0) == enough)
                senders[0].kill();
        }
        BOOST_REQUIRE(e == errc::closed);
        BOOST_CHECK(in.ended() == strait::end_reason::died);
        BOOST_CHECK_GE(checker.next(0), page->other[0].load());
        for (std::uint64_t s = 1; s != 4; ++s) {
            BOOST_CHECK_EQUAL(checker.next(s), 200u);
            BOOST_CHECK_EQUAL(senders[s].wait(), 0);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_killed_receiver_loses_at_most_the_message_in_its_hands)
{
    auto out = open_sender<numbers>(name);
    std::uint64_t sent = 0;
    std::uint64_t expected = 0;
    for (int round = 0; round != support::rounds(60); ++round) {
        support::shared_page page;
        page->done = expected;
        support::child reader([&] {
            auto in = open_receiver<numbers>(name);
            for (;;) {
                std::uint64_t got = 0;
                if (receive(in, got))
                    return 1;
                if (got != page->done && !(page->stage == 0 && got == page->done + 1))
                    page->wrong += 1;
                page->stage = 1;
                page->done = got + 1;
            }
        });
        std::uint64_t const enough = expected + support::mixed(static_cast<std::uint64_t>(round)) % 500 + 1;
        while (page->done < enough)
            if (!send(out, sent, deadline::after(10ms)))
                ++sent;
        reader.kill();
        BOOST_REQUIRE_EQUAL(page->wrong, 0u);
        expected = page->done;
    }
    auto in = open_receiver<numbers>(name);
    for (std::uint64_t got = 0; !receive(in, got, deadline::poll());) {
    }
}

BOOST_AUTO_TEST_CASE(every_sleeping_receiver_sees_the_end)
{
    for (bool const killed : {false, true}) {
        support::shared_page page;
        std::vector<support::child> readers;
        support::child writer([&] {
            auto out = open_sender<numbers>(name);
            page->stage = 1;
            page->await(page->proceed, 1);
            return 0;
        });
        page->await(page->stage, 1);
        for (int i = 0; i != 3; ++i)
            readers.emplace_back([&] {
                auto in = open_receiver<numbers>(name);
                page->done += 1;
                std::uint64_t got = 0;
                auto const reason = killed ? strait::end_reason::died : strait::end_reason::left;
                return receive(in, got) == errc::closed && in.ended() == reason ? 0 : 1;
            });
        page->await(page->done, 3);
        if (killed)
            writer.kill();
        page->proceed = 1;
        for (auto& r : readers)
            BOOST_CHECK_EQUAL(r.wait(), 0);
    }
}

BOOST_AUTO_TEST_CASE(a_swapped_queue_is_refused)
{
    auto out = open_sender<numbers>(name);
    BOOST_REQUIRE_EQUAL(::mq_unlink(queue_of(name).c_str()), 0);
    ::mq_attr attributes = {};
    attributes.mq_maxmsg = 1;
    attributes.mq_msgsize = 8;
    strait::detail::descriptor const planted(
        ::mq_open(queue_of(name).c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600, &attributes));
    BOOST_REQUIRE(planted);
    BOOST_CHECK(!receiver<numbers>::open(name, {}, "test"));
    ::fchmod(planted.get(), 0666);
    BOOST_CHECK(receiver<numbers>::open(name, {}, "test").error() == errc::untrusted_object);
}

BOOST_AUTO_TEST_SUITE_END()
