// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_BARE_MQUEUE_HPP
#define STRAIT_BENCHMARK_BARE_MQUEUE_HPP

#include "contestant.hpp"
#include "shared.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <mqueue.h>
#include <unistd.h>

namespace benchmark {

/// A POSIX message queue, one call for each message.
template <bool Polled, std::size_t N>
struct bare_mqueue {
    static constexpr bool threads = false;
    static constexpr long capacity = 10;  // what a process without privileges gets

    // Two descriptions of one queue, since O_NONBLOCK belongs to the description; the name goes at once.
    struct line {
        explicit line(setup const& s)
        {
            std::string const name =
                "/strait-benchmark-bare-" + std::to_string(::getpid()) + "-" + std::to_string(s.index);
            mq_attr how{};
            how.mq_maxmsg = capacity;
            how.mq_msgsize = static_cast<long>(N);
            write = checked(::mq_open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600, &how), "mq_open");
            read = ::mq_open(name.c_str(), O_RDONLY | (Polled ? O_NONBLOCK : 0));
            ::mq_unlink(name.c_str());
            checked(read, "mq_open");
        }
        line(line const&) = delete;
        line& operator=(line const&) = delete;
        ~line()
        {
            ::mq_close(read);
            ::mq_close(write);
        }
        mqd_t read;
        mqd_t write;
    };

    struct sender {
        explicit sender(line& l) : queue(l.write) {}
        void send(std::uint64_t s)
        {
            with_message<N>(ready, s, [&](message<N> const& m) {
                checked(::mq_send(queue, reinterpret_cast<char const*>(m.data()), N, 0), "mq_send");
            });
        }
        mqd_t queue;
        messages<N> ready{1};
    };

    struct receiver {
        explicit receiver(line& l) : queue(l.read) {}
        std::uint64_t receive()
        {
            for (;;) {
                ssize_t const got = ::mq_receive(queue, reinterpret_cast<char*>(ready[0].data()), N, nullptr);
                if (got == static_cast<ssize_t>(N))
                    return sequence_of<N>(ready[0]);
                if (!Polled || errno != EAGAIN)
                    throw std::runtime_error("mq_receive has failed");
            }
        }
        mqd_t queue;
        messages<N> ready{1};
    };
};

}  // namespace benchmark

#endif
