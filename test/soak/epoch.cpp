// Distributed under the Boost Software License, Version 1.0.
// One channel whose processes are killed at random. The process that kills is also the watchdog: it opens no end of the
// channel while others live.

#include "epoch.hpp"

#include "account.hpp"
#include "worker.hpp"

#include <support/child.hpp>
#include <support/residue.hpp>
#include <support/segments.hpp>

#include <strait/wait.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <random>
#include <utility>

#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace soak {
namespace {

using namespace std::chrono_literals;
using conformance::subject;
using strait::deadline;

// A channel counts as wedged after so many looks, 100 microseconds apart or more. It is no time: on a host that gives these
// processes no turn nothing goes on either.
constexpr int wedged_after = 1'000'000;
constexpr int for_a_moment = 10'000;
constexpr std::int64_t microsecond = 1000;

// The processes of one channel, and who is killed when.
template <class T>
class arena {
public:
    arena(subject const& x, std::uint64_t seed, std::uint64_t kills)
        : x_(x), seed_(seed), wanted_(kills), random_(seed)
    {
    }

    figures run()
    {
        out_.epochs = 1;
        if (x_.named)
            use_a_name();
        else
            use_pairs();
        look_for_failures();
        findings const f = judge(x_, all_, lives_, removed_);
        out_.messages = f.messages;
        out_.lost = f.lost;
        out_.twice = f.twice;
        if (out_.wedged == 0) {
            out_.broken += f.broken;
            if (f.broken != 0)
                complain(f.why);
        }
        return out_;
    }

private:
    struct end {
        std::size_t life;
        bool sends;
        support::child process;
    };

    void complain(std::string const& what) const
    {
        std::fprintf(stderr, "%s: %s (--transport '%s' --seed %llu)\n", x_.name.c_str(), what.c_str(), x_.name.c_str(),
                     static_cast<unsigned long long>(seed_));
    }

    // ---- a channel with a name ----

    void use_a_name()
    {
        where_.emplace(x_.where());
        options_ = x_.options;
        options_.linger = 60s;
        bool const text = std::is_same_v<T, std::string>;
        if (x_.name.starts_with("shm_ring")) {
            bool const bytes = text && x_.guarantees.receivers == strait::multiplicity::one;
            options_.capacity = bytes || (text && x_.guarantees.delivery == strait::delivery_mode::each_to_all) ? 8192 : 16;
            options_.max_message_size = text ? 700 : 0;
        } else if (!text && !x_.guarantees.crosses_hosts && x_.guarantees.retained) {
            options_.capacity = 8;
        }
        bool const one_sender = x_.guarantees.senders == strait::multiplicity::one;
        bool const one_receiver = x_.guarantees.receivers == strait::multiplicity::one;
        for (int i = 0; i != (one_receiver ? 1 : 3); ++i)
            begin(false);
        for (int i = 0; i != (one_sender ? 1 : 3); ++i)
            begin(true);
        bool alive = goes_on();
        // Who has given up by itself has no successor: that is a fault, and with the last one the channel is over.
        while (alive && !ends_.empty() && out_.kills < wanted_ && lives_.size() + 16 < most_lives) {
            auto const dice = random_() % 64;
            if (dice == 0)
                alive = kill_all_of(true);
            else if (dice == 1)
                alive = kill_all_of(false);
            else if (dice == 2)
                kill_everyone();
            else
                kill_one();
            if (alive && random_() % 8 == 0)
                alive = goes_on();
        }
        if (alive && random_() % 4 == 0) {
            for (std::size_t i = ends_.size(); i-- != 0;)
                kill(i, out_.at_work);
            checked(x_.probes.remove(*where_), "remove");
            removed_ = true;
        } else {
            alive = alive && end_of_all();
        }
        if (!alive) {
            ++out_.wedged;
            complain("wedged");
            describe();
            ends_.clear();
            (void)x_.probes.remove(*where_);
        }
        look_for_leftovers();
    }

    // `dies_after`: it dies so many nanoseconds after it has begun.
    void begin(bool sends, std::uint64_t dies_after = 0)
    {
        std::size_t const me = lives_.size();
        lives_.push_back({.sends = sends});
        std::uint64_t const seed = random_();
        support::child process([this, me, sends, seed, dies_after] { return live(me, sends, seed, dies_after); });
        ends_.push_back({me, sends, std::move(process)});
    }

    int live(std::size_t me, bool sends, std::uint64_t seed, std::uint64_t dies_after)
    {
        return protect(me, [&] {
            die_after(dies_after);
            worker<T> w(x_, all_, me, seed);
            if (sends)
                w.send(opened([&] { return x_.makers<T>().open_sender(*where_, &options_); }));
            else
                w.receive(opened([&] { return x_.makers<T>().open_receiver(*where_, &options_); }));
        });
    }

    template <class Work>
    int protect(std::size_t me, Work work)
    {
        ::alarm(0);  // it dies with the process that kills
        try {
            work();
            return 0;
        } catch (std::exception const& e) {
            std::snprintf(all_.of(me).failure.data(), all_.of(me).failure.size(), "%s", e.what());
            return 3;
        }
    }

    // Those that have left by themselves get a successor, unless all of a kind are to be gone.
    void look_around(bool replace = true)
    {
        for (std::size_t i = ends_.size(); i-- != 0;) {
            note_joined(ends_[i].life);
            if (!has_ended(ends_[i].process))
                continue;
            bool const well = ends_[i].process.wait() == 0;
            bool const sends = ends_[i].sends;
            out_.failed += !well;
            take_out(i);
            if (replace && well && lives_.size() != most_lives)
                begin(sends);
        }
    }

    void note_joined(std::size_t life)
    {
        if (lives_[life].was_joined || all_.of(life).joined.load(std::memory_order_acquire) == 0)
            return;
        lives_[life].was_joined = true;
        lives_[life].lives_before_it_joined = lives_.size();
    }

    static bool has_ended(support::child const& c)
    {
        ::siginfo_t how{};
        return ::waitid(P_PID, static_cast<::id_t>(c.pid()), &how, WEXITED | WNOHANG | WNOWAIT) == 0 && how.si_pid != 0;
    }

    void take_out(std::size_t i)
    {
        std::swap(ends_[i], ends_.back());
        ends_.pop_back();
    }

    void pause(std::uint64_t most_microseconds)
    {
        auto const length = static_cast<std::int64_t>(random_() % (most_microseconds * microsecond));
        std::int64_t const until = deadline::now() + length;
        if (until - deadline::now() > 100 * microsecond)
            ::usleep(static_cast<::useconds_t>((until - deadline::now()) / microsecond));
        while (deadline::now() < until) {
        }
    }

    // Kills this process, and counts it as one of `kind` if it lived.
    bool kill(std::size_t i, std::uint64_t& kind)
    {
        auto& e = ends_[i];
        note_joined(e.life);
        e.process.signal(SIGKILL);
        int const status = e.process.wait();
        bool const killed = status == -SIGKILL;
        lives_[e.life].killed = killed;
        if (killed) {
            ++out_.kills;
            ++kind;
            out_.receivers += !e.sends;
        } else {
            out_.failed += status != 0;
        }
        take_out(i);
        return killed;
    }

    void kill_one()
    {
        look_around();
        if (ends_.empty())
            return;
        std::size_t const victim = random_() % ends_.size();
        bool const sends = ends_[victim].sends;
        auto& its = all_.of(ends_[victim].life);
        switch (random_() % 8) {
        case 0:  // while it leaves
            its.dies_after.store(1 + random_() % 150'000, std::memory_order_relaxed);
            its.leave.store(1, std::memory_order_release);
            await([&] { return has_ended(ends_[victim].process); }, for_a_moment);
            kill(victim, its.leaving.load(std::memory_order_acquire) != 0 ? out_.leaving : out_.at_work);
            break;
        case 1:  // in the middle of something, for a while
            pause(1000);
            ends_[victim].process.signal(SIGSTOP);
            pause(3000);
            kill(victim, out_.stopped);
            break;
        default:
            pause(1000);
            kill(victim, its.joined.load(std::memory_order_acquire) != 0 ? out_.at_work : out_.opening);
        }
        while (random_() % 3 == 0 && lives_.size() + 16 < most_lives) {  // successors, while they open
            begin(sends, 1 + random_() % 600'000);
            auto& successor = all_.of(ends_.back().life);
            await([&] { return has_ended(ends_.back().process); }, for_a_moment);
            kill(ends_.size() - 1, successor.joined.load(std::memory_order_acquire) != 0 ? out_.at_work : out_.opening);
        }
        begin(sends);
    }

    void kill_everyone()
    {
        look_around();
        std::vector<bool> roles;
        for (auto const& e : ends_) {
            roles.push_back(e.sends);
            e.process.signal(SIGSTOP);  // so that none notices the death of another
        }
        while (!ends_.empty())
            kill(ends_.size() - 1, out_.stopped);
        for (bool const sends : roles)
            begin(sends);
    }

    // Kills all senders, or all receivers, and waits until the others say that they know.
    bool kill_all_of(bool senders)
    {
        bool const promised = senders ? x_.guarantees.detects_end && x_.guarantees.detects_death && !x_.by_address
                                      : !x_.guarantees.retained && x_.guarantees.detects_death && x_.guarantees.bounded;
        if (!goes_on() || !all_joined())
            return false;
        std::vector<std::pair<std::size_t, std::uint32_t>> told;  // who, and how often so far
        for (auto const& e : ends_)
            if (e.sends != senders && (senders || all_.book[e.life].sent != 0))  // others wait for their first receiver
                told.emplace_back(e.life, count_of(e.life, senders));
        std::size_t others = 0;
        for (auto const& e : ends_)
            others += e.sends != senders;
        std::size_t gone = 0;
        for (std::size_t i = ends_.size(); i-- != 0;)
            if (ends_[i].sends == senders) {
                kill(i, out_.at_work);
                ++gone;
            }
        bool know = true;
        if (promised) {
            know = await([&] {
                look_around(false);
                for (auto const& [life, before] : told)
                    if (count_of(life, senders) == before && lives_here(life))
                        return false;
                return true;
            });
            if (!know) {
                ++out_.silent;
                complain(senders ? "a receiver was not told of a death" : "a sender was not told of a death");
                describe();
            }
        }
        for (auto const& e : ends_)
            others -= e.sends != senders;
        for (; others != 0; --others)  // some have left meanwhile
            begin(!senders);
        for (std::size_t i = 0; i != gone; ++i)
            begin(senders);
        return know;
    }
    std::uint32_t count_of(std::size_t life, bool senders) const
    {
        return (senders ? all_.of(life).died : all_.of(life).no_receiver).load(std::memory_order_acquire);
    }
    bool lives_here(std::size_t life) const
    {
        for (auto const& e : ends_)
            if (e.life == life)
                return true;
        return false;
    }

    template <class Done>
    bool await(Done done, int looks = wedged_after)
    {
        for (int left = looks; !done(); ::usleep(100))
            if (left-- == 0)
                return false;
        return true;
    }

    bool all_joined()
    {
        return await([&] {
            look_around();
            for (auto const& e : ends_)
                if (all_.of(e.life).joined.load(std::memory_order_acquire) == 0)
                    return false;
            return true;
        });
    }

    std::uint64_t received() const
    {
        std::uint64_t n = 0;
        for (std::size_t i = 0; i != lives_.size(); ++i)
            n += all_.book[i].received.load(std::memory_order_relaxed);
        return n;
    }

    // Waits until messages of senders that live now arrive.
    bool goes_on()
    {
        std::uint64_t const least = received() + 20;
        return await([&] {
            look_around();
            return out_.failed != 0 || received() >= least;
        });
    }

    // Senders leave, then receivers read what is left.
    bool end_of_all()
    {
        if (!all_joined())
            return false;
        all_.notes->stage.store(1, std::memory_order_release);
        if (!await([&] { return none_of(true); }))
            return false;
        all_.notes->proceed.store(1, std::memory_order_release);
        return await([&] { return none_of(false); });
    }
    bool none_of(bool senders)
    {
        bool none = true;
        for (std::size_t i = ends_.size(); i-- != 0;)
            if (ends_[i].sends == senders) {
                note_joined(ends_[i].life);
                if (!has_ended(ends_[i].process)) {
                    none = false;
                    continue;
                }
                out_.failed += ends_[i].process.wait() != 0;
                lives_[ends_[i].life].to_the_end = !senders && all_.of(ends_[i].life).leave.load() == 0;
                take_out(i);
            }
        return none;
    }

    // ---- channels without a name: both ends are inherited, and none has a successor ----

    void use_pairs()
    {
        while (out_.kills < wanted_ && lives_.size() + 2 < most_lives && out_.wedged == 0)
            use_pair();
    }

    void use_pair()
    {
        std::size_t const first = lives_.size();
        {
            auto pair = std::optional(x_.makers<T>().make_pair(nullptr));
            for (bool const sends : {true, false}) {
                std::size_t const me = lives_.size();
                lives_.push_back({.sends = sends, .channel = first});
                ends_.push_back({me, sends, support::child([&] {
                                     return protect(me, [&] {
                                         worker<T> w(x_, all_, me, seed_ + me);
                                         auto mine = std::move(*pair);
                                         pair.reset();
                                         if (sends)
                                             w.send(std::move(mine).sender());
                                         else
                                             w.receive(std::move(mine).receiver());
                                     });
                                 })});
            }
        }
        pause(random_() % 2 == 0 ? 500 : 3000);
        bool const of_sender = random_() % 2 == 0;
        std::size_t const other = first + (of_sender ? 1 : 0);
        auto& its = all_.of(first + (of_sender ? 0 : 1));
        if (random_() % 8 == 0) {
            ends_[of_sender ? 0 : 1].process.signal(SIGSTOP);
            pause(2000);
            kill(of_sender ? 0 : 1, out_.stopped);
        } else {
            kill(of_sender ? 0 : 1, its.joined.load() != 0 ? out_.at_work : out_.opening);
        }
        bool const told = await([&] {
            auto const& told_it = of_sender ? all_.of(other).died : all_.of(other).no_receiver;
            return has_ended(ends_[0].process) || told_it.load() != 0;
        });
        if (!told) {
            ++out_.silent;
            complain(of_sender ? "a receiver was not told of a death" : "a sender was not told of a death");
        }
        note_joined(other);
        lives_[other].lives_before_it_joined = first;
        all_.of(other).leave.store(1);
        if (!await([&] { return has_ended(ends_[0].process); })) {
            ++out_.wedged;
            complain("wedged");
        } else {
            out_.failed += ends_[0].process.wait() != 0;
            lives_[other].to_the_end = of_sender;  // it has read until the end of the stream
        }
        ends_.clear();
    }

    // ---- afterwards ----

    void look_for_failures()
    {
        for (std::size_t i = 0; i != lives_.size(); ++i)
            if (all_.of(i).failure[0] != 0)
                complain((lives_[i].sends ? "sender " : "receiver ") + std::to_string(i) +
                         " gave up: " + all_.of(i).failure.data());
    }

    void look_for_leftovers()
    {
        auto found = support::leftovers();
        if (own_ipc_)
            for (auto const& left : support::segments())
                found.push_back("segment " + std::to_string(left.id));
        for (auto const& f : found) {
            ++out_.left;
            complain("left on the host: " + f);
        }
        if (!found.empty())
            (void)x_.probes.remove(*where_);
    }

    void describe() const
    {
        for (auto const& e : ends_) {
            auto const& s = all_.of(e.life);
            std::fprintf(stderr,
                         "  %s %zu: joined %u, asked to leave %u, leaving %u; sent %llu, received %llu; told %u %u %u\n",
                         e.sends ? "sender" : "receiver", e.life, s.joined.load(), s.leave.load(), s.leaving.load(),
                         static_cast<unsigned long long>(all_.book[e.life].sent),
                         static_cast<unsigned long long>(all_.book[e.life].received), s.no_receiver.load(), s.died.load(),
                         s.ended.load());
        }
    }

    subject const& x_;
    bool own_ipc_ = ::unshare(CLONE_NEWIPC) == 0;  // so that a segment that is left is one of this channel
    std::uint64_t seed_;
    std::uint64_t wanted_;
    std::mt19937_64 random_;
    account all_;
    std::optional<strait::endpoint> where_;
    strait::channel_options options_;
    std::vector<past> lives_;
    std::vector<end> ends_;
    bool removed_ = false;
    figures out_;
};

}  // namespace

figures run_epoch(subject const& x, std::uint64_t seed, std::uint64_t kills)
{
    if (!x.one_word && seed % 2 == 1)
        return arena<std::string>(x, seed, kills).run();
    return arena<support::probe>(x, seed, kills).run();
}

}  // namespace soak
