// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SIGNAL_NUMBERS_HPP
#define STRAIT_DETAIL_SIGNAL_NUMBERS_HPP

#include <strait/detail/os/descriptor.hpp>
#include <strait/error.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace strait::detail {

// The real-time signals that one thread blocks for its receivers. A number that was blocked once stays blocked, because
// a late signal would kill the process, and serves the thread's next receiver.
struct thread_signals {
    ::pid_t process = ::getpid();
    std::uint64_t blocked = 0;           // by us; only this thread reads and writes it
    std::atomic<std::uint64_t> used{0};  // atomic: an end may be closed by another thread

    static std::shared_ptr<thread_signals> const& here()
    {
        thread_local std::shared_ptr<thread_signals> const mine = std::make_shared<thread_signals>();
        return mine;
    }

    static constexpr std::uint64_t bit(int number) noexcept { return std::uint64_t{1} << (number - 1); }
};

// One of them, owned by a receiver.
class signal_number {
public:
    signal_number() = default;
    signal_number(signal_number&& other) noexcept
        : owner_(std::move(other.owner_)), process_(other.process_), number_(std::exchange(other.number_, 0))
    {
    }
    signal_number& operator=(signal_number&& other) noexcept
    {
        if (this != &other) {
            reset();
            owner_ = std::move(other.owner_);
            process_ = other.process_;
            number_ = std::exchange(other.number_, 0);
        }
        return *this;
    }
    ~signal_number() { reset(); }

    int get() const noexcept { return number_; }
    bool is_of_this_thread() const { return owner_ == thread_signals::here(); }

    // Blocks one that is free: not blocked in this thread, and without a handler in this process. It looks from the
    // highest number down, because programs count from the lowest up. signal_limit: there is none.
    error_code take()
    {
        reset();
        auto const& here = thread_signals::here();
        if (here->process != ::getpid()) {  // the child of a fork() has none of its parent's receivers
            here->process = ::getpid();
            here->used.store(0, std::memory_order_relaxed);
        }
        ::sigset_t mask;
        ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
        int found = 0;
        for (int n = SIGRTMAX; n >= SIGRTMIN; --n) {
            std::uint64_t const bit = thread_signals::bit(n);
            bool const ours = (here->blocked & bit) != 0;
            if ((here->used.load(std::memory_order_relaxed) & bit) != 0 || (!ours && ::sigismember(&mask, n) != 0) ||
                is_handled(n))
                continue;
            found = found == 0 || ours ? n : found;
            if (ours)
                break;
        }
        if (found == 0)
            return errc::signal_limit;
        ::sigset_t one;
        ::sigemptyset(&one);
        ::sigaddset(&one, found);
        if (int const failed = ::pthread_sigmask(SIG_BLOCK, &one, nullptr); failed != 0)
            return system_failure(failed);
        here->blocked |= thread_signals::bit(found);
        here->used.fetch_or(thread_signals::bit(found), std::memory_order_relaxed);
        owner_ = here;
        process_ = here->process;
        number_ = found;
        return {};
    }

    // In a child of fork() no signal is in use by an end that it has inherited.
    void reset() noexcept
    {
        if (owner_ && number_ != 0 && process_ == ::getpid())
            owner_->used.fetch_and(~thread_signals::bit(number_), std::memory_order_relaxed);
        owner_.reset();
        number_ = 0;
    }

private:
    static bool is_handled(int number) noexcept
    {
        struct ::sigaction now = {};
        return ::sigaction(number, nullptr, &now) != 0 || (now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_DFL;
    }

    std::shared_ptr<thread_signals> owner_;
    ::pid_t process_ = 0;
    int number_ = 0;
};

}  // namespace strait::detail

#endif
