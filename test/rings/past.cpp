// Distributed under the Boost Software License, Version 1.0.
// What a receiver of a broadcast ring gets that was sent before it joined.

#include "segment.hpp"

#include <strait/channel.hpp>

#include <support/child.hpp>
#include <support/shared_page.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <optional>
#include <random>
#include <type_traits>
#include <vector>

namespace rings_past {

namespace {

using namespace rings;
using state = strait::channel<std::uint64_t, latest>;
using text_state = strait::channel<std::string, latest>;

/// A ring that keeps `history` messages, all of which fit.
template <class X, class T>
channel_options with_history(std::size_t history)
{
    channel_options how = small<X, T>();
    if (std::is_same_v<T, std::string>) {
        how.max_message_size = 640;
        how.capacity = 64 << 10;
    }
    how.history = history;
    return how;
}

// Late receivers come while messages are sent; each gets its history, then all that follows, each once.
template <class X, class T>
void check_late_receivers()
{
    std::string const name = support::unique_name();
    constexpr std::size_t most = 12;
    std::optional<sender> s(open_sender<X, T>(name, with_history<X, T>(most)));
    auto first = open_receiver<X, T>(name);
    std::mt19937 random(3);
    std::uint64_t sent = 0;
    for (int round = 0; round != support::rounds(600); ++round) {
        for (auto n = random() % 9; n != 0; --n, ++sent)
            BOOST_TEST_REQUIRE(send(*s, support::make_message<T>(sent), deadline::poll()).has_value());
        std::size_t const wanted = random() % (most + 1);
        auto late = open_receiver<X, T>(name, {.history = wanted});
        if (random() % 3 == 0)
            BOOST_TEST_REQUIRE(send(*s, support::make_message<T>(sent++), deadline::poll()).has_value());
        std::uint64_t const more = random() % 3;
        for (std::uint64_t k = 0; k != more; ++k)
            BOOST_TEST_REQUIRE(send(*s, support::make_message<T>(sent++), deadline::poll()).has_value());
        std::uint64_t next = ~std::uint64_t{0};
        std::uint64_t got = 0;
        for (auto m = receive<T>(late, deadline::poll()); m; m = receive<T>(late, deadline::poll()), ++got) {
            auto const number = support::origin_of(*m).sequence;
            BOOST_TEST_REQUIRE((next == ~std::uint64_t{0} || number == next));  // no gap
            BOOST_TEST_REQUIRE((*m == support::make_message<T>(number)));
            next = number + 1;
        }
        BOOST_TEST_REQUIRE((got == 0 || next == sent));
        BOOST_TEST_REQUIRE(late.stats().dropped == 0U);
        BOOST_TEST_REQUIRE(got >= std::min<std::uint64_t>(wanted, sent - more));
        BOOST_TEST_REQUIRE(got <= std::min<std::uint64_t>(wanted, sent) + more + 1);
        while (receive<T>(first, deadline::poll())) {
        }
        if (random() % 16 == 0) {  // the next sender goes on
            s.reset();
            s.emplace(open_sender<X, T>(name));
        }
    }
    BOOST_TEST(sent > 100U);
}

template <class X, class T>
void check_exact_history()
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, T>(name, with_history<X, T>(8));
    auto first = open_receiver<X, T>(name);
    for (std::uint64_t sent = 0; sent != 100; ++sent) {
        for (std::uint64_t const wanted : {0U, 1U, 5U, 8U}) {
            auto late = open_receiver<X, T>(name, {.history = wanted});
            std::uint64_t const there = std::min(wanted, sent);
            for (std::uint64_t i = sent - there; i != sent; ++i)
                BOOST_TEST_REQUIRE((receive<T>(late, deadline::poll()) == support::make_message<T>(i)));
            BOOST_TEST_REQUIRE((late.peek(deadline::poll()).error() == errc::empty));
            BOOST_TEST_REQUIRE(late.stats().dropped == 0U);
        }
        BOOST_TEST_REQUIRE(send(s, support::make_message<T>(sent), deadline::poll()).has_value());
        BOOST_TEST_REQUIRE((receive<T>(first, deadline::poll()) == support::make_message<T>(sent)));
    }
}

// Processes that join, read and are killed while a sender is at work that is killed, too, and has successors.
template <class X>
void check_histories_of_killed_senders()
{
    using T = support::probe;
    std::string const name = support::unique_name();
    auto first = open_receiver<X, T>(name, with_history<X, T>(6));
    for (int life = 0; life != support::rounds(12); ++life) {
        support::shared_page page;
        support::child producer([&] {
            auto s = open_sender<X, T>(name);
            for (std::uint64_t i = 0;; ++i) {
                send(s, support::make_message<T>(i, static_cast<std::uint64_t>(life)), deadline::never()).value();
                page->stage.store(1, std::memory_order_relaxed);
            }
        });
        std::uint64_t kills = 0;
        while (kills != 5) {
            while (receive<T>(first, deadline::poll())) {
            }
            if (page->stage == 0)
                continue;
            auto late = open_receiver<X, T>(name, {.history = 6});
            std::uint64_t next = 0;
            for (int n = 0; n != 6; ++n) {
                auto const m = receive<T>(late);
                BOOST_TEST_REQUIRE(m.has_value());
                BOOST_TEST_REQUIRE(support::is_whole(*m));
                if (X::guarantees.reliable && n != 0 && m->sender == static_cast<std::uint64_t>(life) && m->sequence != 0)
                    BOOST_TEST_REQUIRE(m->sequence == next);
                next = m->sequence + 1;
            }
            ++kills;
        }
        producer.kill();
    }
    while (receive<T>(first, deadline::poll())) {
    }
}

template <class T>
T value(std::uint64_t number)
{
    if constexpr (std::is_same_v<T, std::string>)
        return support::make_text(number, 0, 200);
    else
        return number;
}

template <class C>
void check_present_value()
{
    using T = typename C::value_type;
    std::string const name = support::unique_name();
    typename C::receiver early(name);
    BOOST_TEST((early.current().error() == errc::empty));
    typename C::sender out(name);
    for (std::uint64_t i = 0; i != 40; ++i) {
        out.send(value<T>(i));
        typename C::receiver late(name);
        BOOST_TEST_REQUIRE((late.current() == value<T>(i)));
        BOOST_TEST_REQUIRE((late.current() == value<T>(i)));
        BOOST_TEST_REQUIRE((late.try_receive() == value<T>(i)));
        BOOST_TEST_REQUIRE((late.try_receive().error() == errc::empty));
        BOOST_TEST_REQUIRE((late.current() == value<T>(i)));
        BOOST_TEST_REQUIRE(late.stats().dropped == 0U);
        BOOST_TEST_REQUIRE((early.current() == value<T>(i)));
    }
    auto const shown = early.try_borrow();
    BOOST_TEST_REQUIRE(shown.has_value());
    out.send(value<T>(40));
    BOOST_TEST((early.current() == value<T>(40)));
    BOOST_TEST((**shown == value<T>(39)));  // what was borrowed stays
    BOOST_TEST(out.close().has_value());
    typename C::receiver later(name);
    BOOST_TEST((later.try_receive() == value<T>(40)));
    BOOST_TEST((later.try_receive().error() == errc::closed));
    BOOST_TEST((later.current() == value<T>(40)));
    BOOST_TEST(later.close().has_value());
    BOOST_TEST((later.current().error() == errc::not_open));
}

template <class C>
void check_kept_value()
{
    using T = typename C::value_type;
    std::string const name = support::unique_name();
    for (std::uint64_t life = 0; life != 4; ++life) {
        support::child killed([&] {
            typename C::sender out(name, {.keep = true});
            if (life != 0 && typename C::receiver(name).current() != value<T>(life * 10 - 1))
                return 1;
            for (std::uint64_t i = 0; i != 10; ++i)
                out.send(value<T>(life * 10 + i));
            if (life % 2 == 0)
                ::kill(::getpid(), SIGKILL);
            return 0;
        });
        BOOST_TEST(killed.wait() == (life % 2 == 0 ? -SIGKILL : 0));
        support::child late([&] {
            typename C::receiver in(name);
            return in.current() == value<T>(life * 10 + 9) && in.try_receive() == value<T>(life * 10 + 9) ? 0 : 1;
        });
        BOOST_TEST(late.wait() == 0);
    }
    BOOST_TEST(C::remove(name).has_value());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_past, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_late_receiver_gets_the_present_value_at_once_and_again)
{
    check_present_value<state>();
    check_present_value<text_state>();
}

BOOST_AUTO_TEST_CASE(a_present_value_that_is_kept_outlives_a_sender_that_leaves_or_is_killed)
{
    check_kept_value<state>();
    check_kept_value<text_state>();
}

BOOST_AUTO_TEST_CASE(a_late_receiver_gets_exactly_its_history)
{
    check_exact_history<lossy, support::probe>();
    check_exact_history<lossy, std::string>();
    check_exact_history<lossless, support::probe>();
    check_exact_history<lossless, std::string>();
}

BOOST_AUTO_TEST_CASE(a_history_has_no_gap_to_what_follows)
{
    check_late_receivers<lossy, support::probe>();
    check_late_receivers<lossy, std::string>();
    check_late_receivers<lossless, support::probe>();
    check_late_receivers<lossless, std::string>();
}

BOOST_AUTO_TEST_CASE(what_is_overwritten_of_a_history_is_counted)
{
    std::string const name = support::unique_name();
    auto s = open_sender<lossy, std::string>(name, {.capacity = 4096});
    for (std::uint64_t i = 0; i != 500; ++i)
        BOOST_TEST_REQUIRE(send(s, support::make_text(i), deadline::poll()).has_value());
    for (std::uint64_t const wanted : {3U, 100U, 200U}) {
        auto late = open_receiver<lossy, std::string>(name, {.history = wanted});
        std::uint64_t got = 0;
        for (auto m = receive<std::string>(late, deadline::poll()); m; m = receive<std::string>(late, deadline::poll()), ++got)
            BOOST_TEST_REQUIRE((*m == support::make_text(500 - wanted + late.stats().dropped + got)));
        BOOST_TEST(got + late.stats().dropped == wanted);
        BOOST_TEST(got >= 3U);
        BOOST_TEST((late.stats().dropped == 0) == (wanted == 3));
    }
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_of_a_lossless_history_is_counted)
{
    std::string const name = support::unique_name();
    auto s = open_sender<lossless, std::string>(name, {.capacity = 4096, .history = 1000});
    auto first = open_receiver<lossless, std::string>(name);
    std::string const text(100, 'x');
    for (std::uint64_t i = 0; i != 300; ++i) {
        BOOST_TEST_REQUIRE(send(s, text, deadline::poll()).has_value());
        BOOST_TEST_REQUIRE((receive<std::string>(first, deadline::poll()) == text));
    }
    auto late = open_receiver<lossless, std::string>(name, {.history = 250});
    std::uint64_t got = 0;
    for (; receive<std::string>(late, deadline::poll()); ++got) {
    }
    BOOST_TEST(got + late.stats().dropped == 250U);
    BOOST_TEST(got >= 20U);
    auto few = open_receiver<lossless, std::string>(name, {.history = 5});
    BOOST_TEST(few.stats().dropped == 0U);
    BOOST_TEST((send(s, std::string(2100, 'y'), deadline::poll()).error() == errc::message_too_large));
}

BOOST_AUTO_TEST_CASE(a_history_that_the_channel_cannot_hold_is_refused)
{
    std::string const name = support::unique_name();
    auto slots = open_sender<lossy, int>(name, {.capacity = 8});
    BOOST_TEST((refusal_of_receiver<lossy, int>(name, {.history = 9}) == errc::history_too_large));
    BOOST_TEST((!refusal_of_receiver<lossy, int>(name, {.history = 8})));
    BOOST_TEST((refusal_of_sender<lossy, int>(support::unique_name(), {.capacity = 8, .history = 9}) == errc::history_too_large));
    auto records = open_sender<lossy, std::string>(name + "s", {.capacity = 4096});
    BOOST_TEST((refusal_of_receiver<lossy, std::string>(name + "s", {.history = 257}) == errc::history_too_large));
    auto none = open_receiver<lossless, int>(name + "n");
    BOOST_TEST((refusal_of_receiver<lossless, int>(name + "n", {.history = 1}) == errc::history_too_large));
    BOOST_TEST((refusal_of_sender<lossless, int>(name + "n", {.history = 1}) == errc::history_too_large));
    auto four = open_receiver<lossless, int>(name + "f", {.history = 4});
    BOOST_TEST((refusal_of_receiver<lossless, int>(name + "f", {.history = 5}) == errc::history_too_large));
    BOOST_TEST((!refusal_of_receiver<lossless, int>(name + "f", {.history = 4})));
    BOOST_TEST((refusal_of_sender<lossless, int>(name + "h", {.history = std::size_t{1} << 62}) == errc::history_too_large));
    BOOST_TEST(
        (refusal_of_sender<lossless, std::string>(name + "h", {.max_message_size = 1 << 20, .history = std::size_t{1} << 40}) == errc::history_too_large));
    BOOST_TEST(support::files_of(name + "h").empty());
}

BOOST_AUTO_TEST_CASE(receivers_of_a_history_hold_a_lossless_sender_back_from_where_they_begin)
{
    std::string const name = support::unique_name();
    auto s = open_sender<lossless, int>(name, {.capacity = 4, .history = 4});  // eight slots
    auto first = open_receiver<lossless, int>(name);
    int sent = 0;
    for (; sent != 40; ++sent) {
        BOOST_TEST_REQUIRE(send(s, sent, deadline::poll()).has_value());
        BOOST_TEST_REQUIRE((receive<int>(first, deadline::poll()) == sent));
    }
    auto late = open_receiver<lossless, int>(name, {.history = 4});
    for (; send(s, sent, deadline::poll()); ++sent)
        BOOST_TEST_REQUIRE((receive<int>(first, deadline::poll()) == sent));
    BOOST_TEST(sent == 44);
    for (int i = 36; i != sent; ++i)
        BOOST_TEST_REQUIRE((receive<int>(late, deadline::poll()) == i));
    BOOST_TEST((late.peek(deadline::poll()).error() == errc::empty));
}

BOOST_AUTO_TEST_CASE(late_receivers_of_killed_senders_get_whole_messages_in_order)
{
    check_histories_of_killed_senders<lossless>();
}

BOOST_AUTO_TEST_CASE(thousands_of_receivers_come_and_go)
{
    std::string const name = support::unique_name();
    auto s = open_sender<lossless, std::uint64_t>(name, {.capacity = 16, .history = 3});
    auto first = open_receiver<lossless, std::uint64_t>(name);
    std::string const other = support::unique_name();
    state::sender out(other);
    std::uint64_t sent = 0;
    for (int i = 0; i != support::rounds(2000); ++i, ++sent) {
        BOOST_TEST_REQUIRE(send(s, sent, deadline::poll()).has_value());
        BOOST_TEST_REQUIRE((receive<std::uint64_t>(first, deadline::poll()) == sent));
        out.send(sent);
        auto late = open_receiver<lossless, std::uint64_t>(name, {.history = 3});
        BOOST_TEST_REQUIRE((receive<std::uint64_t>(late, deadline::poll()) == (sent < 2 ? 0 : sent - 2)));
        BOOST_TEST_REQUIRE((state::receiver(other).current() == sent));
    }
}

BOOST_AUTO_TEST_CASE(damaged_notes_of_a_history_are_reported)
{
    std::string const name = support::unique_name();
    auto s = open_sender<lossless, std::string>(name, with_history<lossless, std::string>(8));
    auto first = open_receiver<lossless, std::string>(name);
    for (std::uint64_t i = 0; i != 200; ++i) {
        BOOST_TEST_REQUIRE(send(s, support::make_text(i), deadline::poll()).has_value());
        BOOST_TEST_REQUIRE(receive<std::string>(first, deadline::poll()).has_value());
    }
    segment const memory(name);
    std::vector<std::uint64_t> right;
    for (std::size_t i = 0; i != 16; ++i)
        right.push_back(memory.word(header + 33664 + 16 * i).load());
    for (std::uint64_t const wrong : {std::uint64_t{8}, ~std::uint64_t{0}, std::uint64_t{1} << 40}) {
        for (std::size_t i = 0; i != 16; ++i)
            memory.word(header + 33664 + 16 * i).store(right[i] + wrong);
        BOOST_TEST((refusal_of_receiver<lossless, std::string>(name, {.history = 8}) == errc::peer_corrupt));
    }
    for (std::size_t i = 0; i != 16; ++i)
        memory.word(header + 33664 + 16 * i).store(right[i]);
    BOOST_TEST((!refusal_of_receiver<lossless, std::string>(name, {.history = 8})));
    std::uint64_t const tail = memory.word(header + 512).load();
    for (std::uint64_t const wrong : {tail + 1, ~std::uint64_t{0}}) {
        memory.word(header + 512).store(wrong);
        BOOST_TEST((refusal_of_receiver<lossless, std::string>(name, {.history = 8}) == errc::peer_corrupt));
    }
    memory.word(header + 512).store(tail);
    memory.word(192 + 48).store(~std::uint64_t{0});  // how much is kept
    BOOST_TEST((refusal_of_receiver<lossless, std::string>(name, {.history = 8}) == errc::peer_corrupt));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_past
