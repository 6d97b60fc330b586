// Distributed under the Boost Software License, Version 1.0.
#ifndef CRASH_SOAK_HPP
#define CRASH_SOAK_HPP

#include "progress.hpp"

#include <support/child.hpp>
#include <support/ledger.hpp>
#include <support/names.hpp>
#include <support/shared_page.hpp>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <sched.h>
#include <sys/wait.h>

namespace crash {

// What random kills and stops of a busy queue have done to it.
struct soaked {
    std::string title;
    int rounds = 0;
    std::uint64_t wedged = 0;   // how often nobody could go on, and everything had to be thrown away
    std::uint64_t held_up = 0;  // how often a stopped end kept all others from going on
    std::uint64_t kills = 0;
    std::uint64_t killed_receivers = 0;
    std::uint64_t stops = 0;
    std::uint64_t failures = 0;  // ends that gave up by themselves
    support::verdict checked;
    progress after;
};

// Each row of the table, in a source of its own.
soaked soak_spsc_one_size();
soaked soak_spsc_sizes_vary();
soaked soak_mpmc_one_size();
soaked soak_mpmc_sizes_vary();
soaked soak_message_queue();

// A queue under test is a Medium:
//   message      a type of support/messages.hpp
//   in_line      one sender and one receiver at a time
//   senders, receivers   that live at a time
//   patience     seconds after which it counts as wedged
//   sender(name)     send(message) waits for room
//   receiver(name)   receive(message&) waits; false when nothing will come, or nothing has come for a while
//   remove(name)     takes it out of the way
// The process that kills is also the watchdog: it never touches the queue.
template <class Medium>
class soak {
public:
    soak(soaked& result, std::uint64_t seed) : result_(result), random_(seed) {}

    // On a fresh queue; ends early when it is wedged.
    void run(int rounds)
    {
        for (std::size_t i = 0; i != Medium::receivers; ++i)
            begin(false);
        for (std::size_t i = 0; i != Medium::senders; ++i)
            begin(true);
        bool alive = goes_on();
        for (int i = 0; i != rounds && alive && lives_ + 16 < book_.size(); ++i) {
            ++result_.rounds;
            pass_a_moment();
            alive = one_round() && goes_on();
        }
        if (alive)
            alive = ends();
        if (!alive)
            ++result_.wedged;
        killed_receivers_ += alive ? 0 : Medium::receivers;
        ends_.clear();
        result_.killed_receivers += killed_receivers_;
        result_.checked += support::judge(book_, lives_, Medium::in_line);
        Medium::remove(name_);
    }

private:
    struct end {
        std::size_t number;
        bool sends;
        support::child process;
    };

    void begin(bool sends)
    {
        std::size_t const me = lives_++;
        ends_.push_back({me, sends, support::child([this, me, sends] { sends ? send(me) : receive(me); })});
    }

    void send(std::size_t me)
    {
        auto& life = book_[me];
        typename Medium::sender s(name_);
        for (std::uint64_t i = 0; i != support::ledger::most && notes_->stage == 0; ++i) {
            auto const message = support::make_message<typename Medium::message>(i, me);
            life.began.store(i + 1, std::memory_order_release);
            s.send(message);
            life.sent.store(i + 1, std::memory_order_release);
        }
    }

    void receive(std::size_t me)
    {
        support::ledger_pen pen(book_, me, Medium::in_line);
        typename Medium::receiver r(name_);
        for (typename Medium::message message;;)
            if (r.receive(message, [&](auto const& m) { pen.note(m); }))
                continue;
            else if (notes_->proceed != 0)
                break;
            else
                ::sched_yield();
    }

    // Those whose pages are full have left; others come. For one that gave up nobody comes.
    void replace_who_left()
    {
        for (std::size_t i = ends_.size(); i-- != 0;)
            if (has_left(ends_[i].process)) {
                bool const well = ends_[i].process.wait() == 0;
                bool const sends = ends_[i].sends;
                result_.failures += !well;
                remove(i);
                if (well && lives_ != book_.size())
                    begin(sends);
            }
    }

    static bool has_left(support::child const& c)
    {
        ::siginfo_t how{};
        return ::waitid(P_PID, static_cast<::id_t>(c.pid()), &how, WEXITED | WNOHANG | WNOWAIT) == 0 && how.si_pid != 0;
    }

    void remove(std::size_t i)
    {
        std::swap(ends_[i], ends_.back());
        ends_.pop_back();
    }

    std::uint64_t received() const
    {
        std::uint64_t n = 0;
        for (std::size_t i = 0; i != lives_; ++i)
            n += book_[i].received.load(std::memory_order_relaxed);
        return n;
    }

    // Waits for more messages than can have been queued before.
    bool goes_on()
    {
        std::uint64_t const least = received() + 40;
        return await(
            [&] {
                replace_who_left();
                return received() >= least;
            },
            Medium::patience);
    }

    bool one_round()
    {
        if (ends_.empty())
            return false;
        std::size_t const victim = random_() % ends_.size();
        auto& process = ends_[victim].process;
        bool const through_the_door = book_[ends_[victim].number].began + book_[ends_[victim].number].received > 0;
        if (through_the_door && random_() % 4 == 0) {
            ++result_.stops;
            process.signal(SIGSTOP);
            ::siginfo_t how{};
            ::waitid(P_PID, static_cast<::id_t>(process.pid()), &how, WSTOPPED | WEXITED | WNOWAIT);
            std::int64_t const stopped = deadline::now();
            if (!Medium::in_line) {
                if (others_go_on())
                    result_.after.took(deadline::now() - stopped);
                else
                    ++result_.held_up;
            } else {
                pass_a_moment();
            }
            if (random_() % 2 == 0) {
                ends_[victim].process.signal(SIGCONT);
                return true;
            }
        }
        bool const sends = ends_[victim].sends;
        ++result_.kills;
        killed_receivers_ += !sends;
        remove(victim);  // by SIGKILL
        std::int64_t const killed = deadline::now();
        begin(sends);
        if (!goes_on())
            return false;
        result_.after.took(deadline::now() - killed);
        return true;
    }
    bool others_go_on()
    {
        std::uint64_t const least = received() + 40;
        return await([&] { return received() >= least; }, Medium::patience);
    }

    // Senders leave, receivers read what is left.
    bool ends()
    {
        notes_->stage = 1;
        bool const sent = await([&] { return leave(true); }, Medium::patience);
        notes_->proceed = 1;
        return sent && await([&] { return leave(false); }, Medium::patience);
    }
    bool leave(bool senders)
    {
        bool all = true;
        for (auto& e : ends_)
            if (e.sends == senders && e.process.pid() > 0) {
                if (has_left(e.process))
                    result_.failures += e.process.wait() != 0;
                else
                    all = false;
            }
        return all;
    }

    void pass_a_moment()
    {
        std::int64_t const until = deadline::now() + static_cast<std::int64_t>(random_() % 600'000);
        while (deadline::now() < until) {
        }
    }

    using deadline = strait::deadline;

    soaked& result_;
    std::mt19937_64 random_;
    support::ledger book_{1200};
    support::shared_page notes_;
    std::string name_ = support::unique_name();
    std::size_t lives_ = 0;
    std::uint64_t killed_receivers_ = 0;
    std::vector<end> ends_;
};

}  // namespace crash

#endif
