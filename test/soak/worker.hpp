// Distributed under the Boost Software License, Version 1.0.
#ifndef SOAK_WORKER_HPP
#define SOAK_WORKER_HPP

#include "account.hpp"

#include <support/any_ends.hpp>

#include <strait/error.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <time.h>
#include <unistd.h>

namespace soak {

using strait::errc;

// The deadline of each operation, after which a process looks whether it is to leave.
inline constexpr std::chrono::milliseconds operation{20};

struct gave_up : std::exception {
    std::string why;
    explicit gave_up(std::string w) : why(std::move(w)) {}
    char const* what() const noexcept override { return why.c_str(); }
};

template <class T>
T checked(strait::result<T> r, char const* what)
{
    if (!r)
        throw gave_up(std::string(what) + ": " + r.error().message());
    if constexpr (!std::is_void_v<T>)
        return std::move(r).value();
}

// Kills this process by SIGKILL after so many nanoseconds; 0 for never.
inline void die_after(std::uint64_t nanoseconds)
{
    if (nanoseconds == 0)
        return;
    ::sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGKILL;
    ::timer_t timer{};
    ::itimerspec when{};
    when.it_value.tv_nsec = static_cast<long>(nanoseconds);
    if (::timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
        ::timer_settime(timer, 0, &when, nullptr);
}

// Opens an end; once more where the set-up lock is held by a process that is stopped, or that has no turn on a busy host.
template <class Open>
auto opened(Open open)
{
    auto end = open();
    for (int more = 20; !end && end.error() == errc::timed_out && more != 0; --more)
        end = open();
    return checked(std::move(end), "open");
}

// What a process does. It is killed at any moment of this.
template <class T>
class worker {
public:
    worker(conformance::subject const& x, account const& all, std::size_t me, std::uint64_t seed)
        : x_(x), all_(all), me_(me), mine_(all.of(me)), random_(seed)
    {
    }

    void send(support::any_sender<T> out)
    {
        mine_.joined.store(1, std::memory_order_release);
        std::uint64_t next = 0;
        while (!asked_to_leave() && next + 8 < support::ledger::most) {
            next += random_() % 8 == 0 ? send_batch(out, next) : send_one(out, next);
            if (random_() % 32 == 0)
                ::usleep(100);  // it is kills that count, not messages
        }
        about_to_leave();
        if (auto const closed = out.close(); closed)
            mine_.left.store(1, std::memory_order_release);
        else if (closed.error() != errc::no_receiver && closed.error() != errc::timed_out)
            throw gave_up("close: " + closed.error().message());
    }

    void receive(support::any_receiver<T> in)
    {
        mine_.joined.store(1, std::memory_order_release);
        while (mine_.leave.load(std::memory_order_relaxed) == 0) {
            bool const all_have_left = all_.notes->proceed.load(std::memory_order_acquire) != 0;  // before it looks
            if (!take(in) && all_have_left)
                break;
        }
        about_to_leave();
        checked(in.close(), "close");
        mine_.left.store(1, std::memory_order_release);
    }

private:
    void about_to_leave()
    {
        mine_.leaving.store(1, std::memory_order_release);
        die_after(mine_.dies_after.load(std::memory_order_relaxed));
    }

    bool asked_to_leave() const
    {
        return mine_.leave.load(std::memory_order_relaxed) != 0 || all_.notes->stage.load(std::memory_order_relaxed) != 0;
    }

    std::uint64_t send_one(support::any_sender<T>& out, std::uint64_t next)
    {
        auto& life = all_.book[me_];
        auto const message = support::make_message<T>(next, me_);
        life.began.store(next + 1, std::memory_order_release);
        auto const sent = out.send_for(message, operation);
        return note_sent(next, sent ? 1 : 0, sent ? strait::error_code() : sent.error());
    }

    std::uint64_t send_batch(support::any_sender<T>& out, std::uint64_t next)
    {
        auto& life = all_.book[me_];
        std::vector<T> batch;
        std::uint64_t const size = 1 + random_() % 8;
        for (std::uint64_t i = 0; i != size; ++i)
            batch.push_back(support::make_message<T>(next + i, me_));
        life.began.store(next + batch.size(), std::memory_order_release);
        auto const sent = out.send_batch_for(batch, operation);
        return note_sent(next, sent ? *sent : 0, sent ? strait::error_code() : sent.error());
    }

    std::uint64_t note_sent(std::uint64_t next, std::uint64_t n, strait::error_code const& e)
    {
        if (n != 0)
            all_.book[me_].sent.store(next + n, std::memory_order_release);
        if (e == errc::no_receiver) {
            mine_.no_receiver.fetch_add(1, std::memory_order_release);
            ::usleep(200);
        } else if (e && e != errc::timed_out && e != errc::full) {
            throw gave_up("send: " + e.message());
        }
        return n;
    }

    // False when nothing is there: at the end of the stream, or after the deadline where the end cannot be known.
    bool take(support::any_receiver<T>& in)
    {
        auto got = in.borrow_for(operation);
        if (!got && got.error() == errc::timed_out)
            return x_.guarantees.detects_end && !x_.by_address;
        if (!got && got.error() != errc::closed)
            throw gave_up("receive: " + got.error().message());
        if (!got) {
            if (in.end_reason() == strait::end_reason::died)
                mine_.died.fetch_add(1, std::memory_order_release);
            mine_.ended.fetch_add(1, std::memory_order_release);
            ::usleep(200);
            return false;
        }
        note(**got);
        got->release();
        return true;
    }

    void note(T const& message)
    {
        support::origin const o = support::origin_of(message);
        if (o.sender < most_lives && support::is_whole(message)) {
            auto& seen = all_.seen(me_, o.sender);
            auto const number = static_cast<std::uint32_t>(o.sequence + 1);
            std::uint32_t const last = seen.last.load(std::memory_order_relaxed);
            if (last != 0 && number > last + 1)
                mine_.gaps.fetch_add(number - last - 1, std::memory_order_relaxed);
            if (last == 0)
                seen.first.store(number, std::memory_order_relaxed);
            if (number > last)
                seen.last.store(number, std::memory_order_relaxed);
        }
        pen_.note(message);
    }

    conformance::subject const& x_;
    account const& all_;
    std::size_t me_;
    state& mine_;
    std::mt19937_64 random_;
    support::ledger_pen pen_{all_.book, me_, false};
};

}  // namespace soak

#endif
