// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_BARE_SYSV_HPP
#define STRAIT_BENCHMARK_BARE_SYSV_HPP

#include "contestant.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

#include <sys/ipc.h>
#include <sys/msg.h>

namespace benchmark {

/// A System V message queue, one call for each message.
template <bool Polled, std::size_t N>
struct bare_sysv {
    static constexpr bool threads = false;

    struct line {
        explicit line(setup const&) : queue(checked(::msgget(IPC_PRIVATE, 0600), "msgget")) {}
        line(line const&) = delete;
        line& operator=(line const&) = delete;
        ~line() { ::msgctl(queue, IPC_RMID, nullptr); }
        int queue;
    };

    // The type, then the message.
    struct record {
        long type = 1;
        message<N> content;
    };

    struct sender {
        explicit sender(line& l) : queue(l.queue) {}
        void send(std::uint64_t s)
        {
            stamp<N>(room[0].content, s);
            checked(::msgsnd(queue, room.data(), N, 0), "msgsnd");
        }
        int queue;
        std::vector<record> room{1};
    };

    struct receiver {
        explicit receiver(line& l) : queue(l.queue) {}
        std::uint64_t receive()
        {
            for (;;) {
                ssize_t const got = ::msgrcv(queue, room.data(), N, 0, Polled ? IPC_NOWAIT : 0);
                if (got == static_cast<ssize_t>(N))
                    return sequence_of<N>(room[0].content);
                if (!Polled || errno != ENOMSG)
                    throw std::runtime_error("msgrcv has failed");
            }
        }
        int queue;
        std::vector<record> room{1};
    };
};

}  // namespace benchmark

#endif
