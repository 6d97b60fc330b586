// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_BARE_SIGNAL_HPP
#define STRAIT_BENCHMARK_BARE_SIGNAL_HPP

#include "contestant.hpp"
#include "shared.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#include <sched.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace benchmark {

/// A real-time signal with a value, to a thread that reads a signalfd.
template <bool Polled, std::size_t N>
struct bare_signal {
    static_assert(N <= sizeof(sigval));
    static constexpr bool threads = false;

    struct line {
        explicit line(setup const&) {}
        int number = SIGRTMAX;
        shared<std::atomic<pid_t>> receiver;  // its only thread
    };

    struct sender {
        explicit sender(line& l) : number(l.number)
        {
            while ((to = l.receiver->load(std::memory_order_acquire)) == 0)
                ::sched_yield();
        }
        void send(std::uint64_t s)
        {
            siginfo_t info;
            std::memset(&info, 0, sizeof info);
            info.si_code = SI_QUEUE;
            message<N> m;
            stamp<N>(m, s);
            std::memcpy(&info.si_value, m.data(), N);
            while (::syscall(SYS_rt_tgsigqueueinfo, to, to, number, &info) != 0) {
                if (errno != EAGAIN)
                    checked(-1, "rt_tgsigqueueinfo");
                ::sched_yield();
            }
        }
        int number;
        pid_t to;
    };

    struct receiver {
        explicit receiver(line& l)
        {
            sigset_t one;
            ::sigemptyset(&one);
            ::sigaddset(&one, l.number);
            ::pthread_sigmask(SIG_BLOCK, &one, nullptr);
            fd = checked(::signalfd(-1, &one, SFD_CLOEXEC | (Polled ? SFD_NONBLOCK : 0)), "signalfd");
            l.receiver->store(::getpid(), std::memory_order_release);
        }
        receiver(receiver const&) = delete;
        receiver& operator=(receiver const&) = delete;
        ~receiver() { ::close(fd); }

        std::uint64_t receive()
        {
            while (at == have) {
                ssize_t const n = ::read(fd, come.data(), sizeof come);
                if (n < 0 && !(Polled && errno == EAGAIN))
                    throw std::runtime_error("read has failed");
                at = 0;
                have = n < 0 ? 0 : static_cast<std::size_t>(n) / sizeof come[0];
            }
            message<N> m;
            std::memcpy(m.data(), &come[at++].ssi_ptr, N);
            return sequence_of<N>(m);
        }
        int fd;
        std::size_t at = 0;
        std::size_t have = 0;
        std::array<signalfd_siginfo, 64> come;
    };
};

}  // namespace benchmark

#endif
