// Distributed under the Boost Software License, Version 1.0.

#include "scenes.hpp"

#include <strait/board.hpp>
#include <strait/transport/shm_broadcast.hpp>

#include <support/watchdog.hpp>

#include <optional>

namespace crash_points_broadcast {

namespace {

using crash::deadline;
using crash::role;

// A ring whose messages go to everybody, with a witness: a receiver that is there from before the first message to after
// the last one, and lives.
template <class Overflow, class T>
class cast {
    using X = strait::shm_ring<strait::broadcast<Overflow>, crash::sleeps_at_once>;

public:
    static std::string name()
    {
        return std::string(Overflow::name) + (std::is_same_v<T, std::string> ? ", sizes vary" : ", one size");
    }

    cast()
    {
        witness_.emplace([this] { watch(); });
        support::notes::await(notes_->stage, 1);
    }

    // Up to so many senders die at this point, one after the other. `held_up`: by a receiver that is dead.
    void kill_senders(crash::plan& p, crash::point const* where, std::uint64_t hit, unsigned victims, bool held_up)
    {
        if (held_up) {
            support::child dead([&] {
                auto const r = receiver();
                ::kill(::getpid(), SIGKILL);
            });
            dead.wait();
        }
        for (std::size_t life = 0; life != victims; ++life) {
            support::child victim([&] {
                p.follow(where, hit);
                send(life, 40);
            });
            crash::sweep::all().died_of(victim, where);
        }
        support::child next([&] { send(victims, few); });
        BOOST_TEST_REQUIRE(next.wait() == 0);
        end(victims + 1);
    }

    // The same of receivers, while a sender is at work.
    void kill_receivers(crash::plan& p, crash::point const* where, std::uint64_t hit, unsigned victims)
    {
        support::child sender([&] { send(0, ~std::uint64_t{0}); });
        support::notes::await(notes_->other[1], 1);
        for (; victims != 0; --victims) {
            support::child victim([&] {
                p.follow(where, hit);
                return receive(20);
            });
            crash::sweep::all().died_of(victim, where);
        }
        support::child next([&] { return receive(few); });
        BOOST_TEST_REQUIRE(next.wait() == 0);
        notes_->other[0] = 1;
        BOOST_TEST_REQUIRE(sender.wait() == 0);
        end(1);
    }

private:
    static constexpr std::uint64_t few = 5;
    static constexpr std::uint64_t paced = 5;  // messages sent each to a receiver that sleeps
    static constexpr std::size_t sleepers = X::guarantees.reliable ? 4864 : 4480;

    static strait::channel_options options()
    {
        return {.capacity = std::is_same_v<T, std::string> ? 4096U : 16U, .history = X::guarantees.has_history ? 6U : 0U};
    }
    auto sender() const { return raw::sender<T, X>::open(name_, options(), "test").value(); }
    auto receiver() const { return raw::receiver<T, X>::open(name_, options(), "test").value(); }

    // Without end: until it is told to leave, and no faster than somebody receives.
    void send(std::size_t me, std::uint64_t count)
    {
        auto s = sender();
        raw::segment const memory(name_);
        auto& life = book_[me];
        for (std::uint64_t i = 0; i != count && i != support::ledger::most; ++i) {
            bool const endless = count == ~std::uint64_t{0};
            while (i < paced || (endless && i % 8 == 0)) {
                if ((memory.word(sleepers).load(std::memory_order_relaxed) & 1) != 0 || notes_->other[0] != 0)
                    break;
                ::sched_yield();
            }
            if (endless && notes_->other[0] != 0)
                break;
            auto const message = support::make_message<T>(i, me);
            life.began.store(i + 1, std::memory_order_release);
            raw::send(s, message, deadline::never()).value();
            life.sent.store(i + 1, std::memory_order_release);
            notes_->other[1].store(1, std::memory_order_relaxed);
        }
        s.close(deadline::never()).value();
    }

    // Each message is whole, and of later than the one before; false otherwise.
    static bool is_next(T const& message, std::uint64_t& last)
    {
        std::uint64_t const before = std::exchange(last, support::ledger::key_of(support::origin_of(message)));
        return support::is_whole(message) && last > before;
    }

    int receive(std::uint64_t count)
    {
        auto r = receiver();
        std::uint64_t last = 0;
        for (std::uint64_t i = 0; i != count; ++i) {
            if (!is_next(raw::look<T>(r, deadline::never()).value(), last))
                return 1;
            if constexpr (X::guarantees.shows_present)
                if (!r.current())
                    return 3;
            r.release();
        }
        return r.close(deadline::never()) ? 0 : 2;
    }

    void watch()
    {
        auto r = receiver();
        notes_->stage = 1;
        std::uint64_t last = 0;
        for (;;) {
            bool const over = notes_->proceed != 0;
            auto const m = raw::look<T>(r, deadline::never());
            if (!m && m.error() != strait::errc::closed)
                notes_->wrong.fetch_add(1);
            if (!m && over)
                break;
            if (m) {
                auto const o = support::origin_of(*m);
                if (!is_next(*m, last) || o.sender >= book_.size() || o.sequence >= support::ledger::most)
                    notes_->wrong.fetch_add(1);
                else
                    book_[o.sender].times[o.sequence].fetch_add(1);
                r.release();
            } else {
                ::sched_yield();
            }
        }
        auto const stats = r.stats();
        notes_->other[2] = stats.messages;
        notes_->other[3] = stats.dropped;
        r.close(deadline::never()).value();
    }

    // Everybody has left but the witness.
    void end(std::size_t lives)
    {
        notes_->proceed = 1;
        BOOST_TEST_REQUIRE(witness_->wait() == 0);
        BOOST_TEST(notes_->wrong == 0U);
        auto v = support::judge(book_, lives, false);
        std::uint64_t begun = 0;
        for (std::size_t i = 0; i != lives; ++i)
            begun += book_[i].began;
        std::uint64_t const known = notes_->other[2] + notes_->other[3];
        if (X::guarantees.reliable) {
            BOOST_TEST(v.lost == 0U, v);
            BOOST_TEST(notes_->other[3] == 0U);
        } else {
            v.lost = 0;  // counted
        }
        BOOST_TEST((v.twice == 0 && v.unsent == 0), v);
        BOOST_TEST(v.received == notes_->other[2]);
        BOOST_TEST((v.committed <= known && known <= begun), known << " known of " << v.committed << " to " << begun);
        crash::sweep::all().sum.checked += v;
        BOOST_TEST(support::files_of(name_ + ".").empty());
    }

    support::ledger book_{4};
    support::shared_page notes_;
    std::string name_ = support::unique_name();
    std::optional<support::child> witness_;
};

template <class C>
void kill_everywhere(bool sample = false)
{
    ++crash::sweep::all().subjects;
    auto const victims = [](std::uint64_t hit) { return hit == 1 && !support::sanitized ? 2U : 1U; };
    for (bool const held_up : {false, true})
        crash::kill_at_each_point(C::name() + (held_up ? ": a sender that a dead receiver holds up" : ": a sender"),
                                  [&](crash::plan& p, crash::point const* where, std::uint64_t hit) {
                                      C().kill_senders(p, where, hit, victims(hit), held_up);
                                  },
                                  sample || held_up);
    crash::kill_at_each_point(
        C::name() + ": a receiver",
        [&](crash::plan& p, crash::point const* where, std::uint64_t hit) { C().kill_receivers(p, where, hit, victims(hit)); },
        sample);
}

struct keys {
    support::probe one;
    std::string text;
};

// A key of a board, with a reader that lives: the value is the last one before a death or the one that was being written.
template <auto Key>
class board_cast {
    using board = strait::board<keys, 1024, crash::sleeps_at_once>;
    using writer = typename board::template writer<Key>;
    using reader = typename board::template reader<Key>;
    using T = typename writer::value_type;

public:
    static std::string name() { return std::string("board, ") + (std::is_same_v<T, std::string> ? "sizes vary" : "one size"); }

    void kill_writers(crash::plan& p, crash::point const* where, std::uint64_t hit)
    {
        reader witness(name_);
        support::child victim([&] {
            p.follow(where, hit);
            write(0, 12);
        });
        crash::sweep::all().died_of(victim, where);
        std::uint64_t const begun = notes_->other[0];
        std::uint64_t const written = notes_->other[1];
        see(witness, 0, begun, written);
        support::child next([&] { write(1, 3); });
        BOOST_TEST_REQUIRE(next.wait() == 0);
        see(witness, 1, 3, 3);
        auto const taken = witness.try_receive();
        BOOST_TEST_REQUIRE(taken.has_value());
        BOOST_TEST((*taken == support::make_message<T>(2, 1)));
        std::uint64_t const known = witness.stats().messages + witness.stats().dropped;
        BOOST_TEST((written + 3 <= known && known <= begun + 3));
    }

    void kill_readers(crash::plan& p, crash::point const* where, std::uint64_t hit)
    {
        writer out(name_);
        out.send(support::make_message<T>(0));
        support::child victim([&] {
            p.follow(where, hit);
            reader in(name_);
            return in.current() && in.try_receive() && in.current() ? 0 : 1;
        });
        crash::sweep::all().died_of(victim, where);
        out.send(support::make_message<T>(1));
        reader late(name_);
        see(late, 0, 2, 2);
    }

private:
    void write(std::uint64_t life, std::uint64_t count)
    {
        writer out(name_);
        for (std::uint64_t i = 0; i != count; ++i) {
            notes_->other[0] = i + 1;  // begun, and
            out.send(support::make_message<T>(i, life));
            notes_->other[1] = i + 1;  // written
        }
    }

    void see(reader& in, std::uint64_t life, std::uint64_t begun, std::uint64_t written)
    {
        auto const value = in.current();
        if (!value) {
            BOOST_TEST((value.error() == strait::errc::empty && written == 0));
            return;
        }
        auto const from = support::origin_of(*value);
        BOOST_TEST((support::is_whole(*value) && from.sender == life && written <= from.sequence + 1 && from.sequence < begun));
    }

    support::shared_page notes_;
    std::string name_ = support::unique_name();
};

template <class C>
void kill_at_board()
{
    ++crash::sweep::all().subjects;
    crash::kill_at_each_point(C::name() + ": a writer", [&](crash::plan& p, crash::point const* where, std::uint64_t hit) { C().kill_writers(p, where, hit); });
    crash::kill_at_each_point(C::name() + ": a reader", [&](crash::plan& p, crash::point const* where, std::uint64_t hit) { C().kill_readers(p, where, hit); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crash_points_broadcast, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_death_at_any_point_of_a_ring_that_overwrites_is_counted)
{
    kill_everywhere<cast<strait::lossy, support::probe>>();
    kill_everywhere<cast<strait::lossy, std::string>>();
}

BOOST_AUTO_TEST_CASE(a_death_at_any_point_of_a_ring_of_the_latest_is_counted)
{
    kill_everywhere<cast<strait::latest, std::string>>(true);
}

BOOST_AUTO_TEST_CASE(a_death_at_any_point_of_a_board_leaves_the_old_value_or_the_new_one)
{
    kill_at_board<board_cast<&keys::one>>();
    kill_at_board<board_cast<&keys::text>>();
}

BOOST_AUTO_TEST_CASE(a_death_at_any_point_of_a_ring_that_everybody_reads_costs_nobody_else_anything)
{
    kill_everywhere<cast<strait::lossless, support::probe>>();
    kill_everywhere<cast<strait::lossless, std::string>>(true);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace crash_points_broadcast
