// Distributed under the Boost Software License, Version 1.0.
#ifndef CRASH_STAGE_HPP
#define CRASH_STAGE_HPP

#include "subject.hpp"

#include "progress.hpp"

#include <support/child.hpp>
#include <support/ledger.hpp>
#include <support/names.hpp>
#include <support/residue.hpp>
#include <support/segments.hpp>
#include <support/shared_page.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <sched.h>

namespace crash {

using strait::detail::role;

// What lies under the name when the victim comes.
enum class found { nothing, remains, unread, kept };

// What all the deaths have shown.
struct figures {
    std::uint64_t kills = 0;
    support::verdict checked;
    progress waiting;     // from a death until a sleeping peer has read everything, or filled the ring
    progress successors;  // from a death until a successor's messages have passed
};

// One channel: what is there before a victim comes, the victim, and those who go on when it has died.
template <class S>
class stage {
public:
    static constexpr std::uint64_t few = 5;

    stage(bool small, found before) : how_(S::options(small)), small_(small), before_(before)
    {
        how_.keep = before == found::kept;
        if (before == found::nothing)
            return;
        std::size_t const me = lives_++;
        support::child dead([&] {
            auto s = open_sender();
            if (before_ == found::kept) {
                s.close(deadline::never()).value();
                return;
            }
            send(s, me, 3);
            if (before_ == found::remains) {
                auto r = open_receiver();
                support::ledger_pen pen(book_, me, S::in_line);
                while (take(r, pen, deadline::poll())) {
                }
            }
            ::kill(::getpid(), SIGKILL);
        });
        dead.wait();
    }

    std::string const& name() const { return name_; }
    auto open_sender() { return S::sender::open(name_, how_, "test").value(); }
    auto open_receiver() { return S::receiver::open(name_, how_, "test").value(); }
    support::ledger const& book() const { return book_; }
    auto watch() const { return typename S::bystander(name_, small_); }

    // Until so many have been sent by this life.
    void send(typename S::sender& s, std::size_t me, std::uint64_t count)
    {
        auto& life = book_[me];
        for (std::uint64_t i = life.sent; i < count; ++i) {
            auto const message = support::make_message<typename S::message>(i, me);
            life.began.store(i + 1, std::memory_order_release);
            raw::send(s, message, deadline::never()).value();
            life.sent.store(i + 1, std::memory_order_release);
        }
    }

    // One more, if there is room.
    bool try_send(typename S::sender& s, std::size_t me)
    {
        auto& life = book_[me];
        std::uint64_t const i = life.sent;
        auto const message = support::make_message<typename S::message>(i, me);
        life.began.store(i + 1, std::memory_order_release);
        if (auto const done = raw::send(s, message, deadline::poll()); !done) {
            life.began.store(i, std::memory_order_release);
            return false;
        }
        life.sent.store(i + 1, std::memory_order_release);
        return true;
    }

    // False when nothing is there, or nothing will come.
    bool take(typename S::receiver& r, support::ledger_pen& pen, deadline until)
    {
        auto const message = raw::look<typename S::message>(r, until);
        if (!message && message.error() != errc::closed && message.error() != errc::empty)
            message.value();
        if (message) {
            pen.note(*message);
            r.release();
        }
        return message.has_value();
    }

    // What the processes of a stage do. Paced: each message when the peer sleeps.
    // Last: leaves when a receiver sleeps, which then asks at once whether this is the end; after a death it would ask
    // only when its slice is over.
    void send_some(std::size_t me, std::uint64_t count, bool paced, bool last = false)
    {
        auto s = open_sender();
        notes_->done.fetch_add(1);
        std::optional<typename S::bystander> peer;
        if (paced)
            peer.emplace(name_, small_);
        for (std::uint64_t i = 0; i != count && !(count == ~std::uint64_t{0} && told()); ++i) {
            while (peer && !told() && !peer->receiver_sleeps())
                ::sched_yield();
            send(s, me, i + 1);
        }
        if (last)
            for (auto const peers = watch(); !peers.receiver_sleeps();)
                ::sched_yield();
        s.close(deadline::never()).value();
    }

    // Belled: every other time it says first that it sleeps in an event loop.
    void receive_some(std::size_t me, std::uint64_t count, bool paced, bool to_the_end, bool belled = false)
    {
        auto r = open_receiver();
        notes_->done.fetch_add(1);
        support::ledger_pen pen(book_, me, S::in_line);
        std::optional<typename S::bystander> peer;
        if (paced)
            peer.emplace(name_, small_);
        for (std::uint64_t i = 0; i != count;) {
            while (peer && !told() && !hurried() && !peer->sender_sleeps())
                ::sched_yield();
            if (belled && i % 2 == 0)
                (void)r.arm();
            if (take(r, pen, to_the_end ? deadline::never() : deadline::poll()))
                ++i;
            else if (!to_the_end || told())
                break;
            else
                ::sched_yield();
        }
        r.close(deadline::never()).value();
    }

    // The numbers of the lives are given in the order in which they begin.
    void live_sender(bool paced)
    {
        std::size_t const me = new_life();
        live([this, me, paced] { send_some(me, ~std::uint64_t{0}, paced); });
    }
    void live_receiver(bool paced)
    {
        std::size_t const me = new_life();
        live([this, me, paced] { receive_some(me, ~std::uint64_t{0}, paced, true); });
    }
    std::size_t new_life() { return lives_++; }
    void lost_its_past() { removed_ = lives_; }

    // Everybody who is left goes on, a successor comes, and then all leave. `killed`: whether the victim died.
    void go_on(role victim, bool killed, bool paced, figures& sum)
    {
        std::int64_t const died = deadline::now();
        sum.kills += killed;
        killed_receivers_ += killed && victim == role::receiver;
        if (victim == role::sender)
            replace_sender(died, killed, paced, sum);
        else
            replace_receiver(died, killed, sum);
        support::verdict const v = support::judge(book_, lives_, S::in_line, removed_);
        sum.checked += v;
        std::uint64_t const in_hands = killed_receivers_;
        bool const right = v.lost <= (S::many ? in_hands : 0) && v.twice <= (S::many ? 0 : in_hands) && v.torn == 0 &&
                           v.unordered == 0 && v.unsent == 0;
        BOOST_TEST(right, v);
        if (how_.keep)
            BOOST_TEST(S::ring::remove(name_).has_value());
        BOOST_TEST(support::files_of(name_ + ".").empty());
        BOOST_TEST(support::segments_left() == 0U);
    }
    void one_more_killed(role victim) { killed_receivers_ += victim == role::receiver; }

private:
    template <class Body>
    void live(Body body)
    {
        std::uint64_t const before = notes_->done;
        peer_.emplace(body);
        BOOST_TEST_REQUIRE(await([&] { return notes_->done > before; }), "an end cannot join");
    }
    bool told() const { return notes_->proceed.load(std::memory_order_relaxed) != 0; }
    bool hurried() const { return notes_->stage.load(std::memory_order_relaxed) != 0; }

    void replace_sender(std::int64_t died, bool killed, bool paced, figures& sum)
    {
        notes_->stage = 1;
        if (peer_) {
            BOOST_TEST_REQUIRE(await([&] { return !watch().queued(); }), "a live receiver does not read what was committed");
            if (killed)
                sum.waiting.took(deadline::now() - died);
        } else {
            live_receiver(false);
        }
        std::size_t const me = new_life();
        support::child next([&] { send_some(me, few, paced, true); });
        BOOST_TEST_REQUIRE(await([&] { return book_[me].times[few - 1] != 0; }), "a successor's messages do not arrive");
        if (killed)
            sum.successors.took(deadline::now() - died);
        BOOST_TEST_REQUIRE(next.wait() == 0);
        notes_->proceed = 1;
        BOOST_TEST_REQUIRE(peer_->wait() == 0);
    }

    void replace_receiver(std::int64_t died, bool killed, figures& sum)
    {
        bool const slept = peer_ && small_;  // a live sender that fills the ring
        if (slept) {
            BOOST_TEST_REQUIRE(await([&] { return watch().full(); }), "a live sender does not fill the room that was made");
            if (killed)
                sum.waiting.took(deadline::now() - died);
        } else if (!peer_) {
            live_sender(false);
        }
        std::size_t const me = new_life();
        support::child next([&] { receive_some(me, ~std::uint64_t{0}, false, true); });
        BOOST_TEST_REQUIRE(await([&] { return book_[me].received >= few; }), "a successor receives nothing");
        if (killed)
            sum.successors.took(deadline::now() - died);
        notes_->proceed = 1;
        BOOST_TEST_REQUIRE(peer_->wait() == 0);
        BOOST_TEST_REQUIRE(next.wait() == 0);
    }

    support::ledger book_{12};
    support::shared_page notes_;
    std::string name_ = support::unique_name();
    strait::channel_options how_;
    bool small_;
    found before_;
    std::size_t lives_ = 0;
    std::size_t removed_ = 0;
    std::uint64_t killed_receivers_ = 0;
    std::optional<support::child> peer_;
};

}  // namespace crash

#endif
