// Distributed under the Boost Software License, Version 1.0.
#include "shared.hpp"
#include "sizes.hpp"

#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>

#include <unistd.h>

namespace benchmark {
namespace {

namespace ipc = boost::interprocess;

// About 1 MiB, as strait's rings have, within what each of them allows.
template <std::size_t N, std::size_t Fewest, std::size_t Most>
constexpr std::size_t capacity_for = std::clamp((std::size_t{1} << 20) / N, Fewest, Most);

template <bool Polled>
struct message_queue {
    template <std::size_t N>
    struct of {
        static constexpr bool threads = false;

        // The children inherit the mapping; the name goes at once.
        struct line {
            explicit line(setup const& s)
                : name("strait-benchmark-boost-" + std::to_string(::getpid()) + "-" + std::to_string(s.index)),
                  queue(ipc::create_only, name.c_str(), capacity_for<N, 8, 1024>, N)
            {
                ipc::message_queue::remove(name.c_str());
            }
            std::string name;
            ipc::message_queue queue;
        };

        struct sender {
            explicit sender(line& l) : queue(l.queue) {}
            void send(std::uint64_t s)
            {
                with_message<N>(ready, s, [&](message<N> const& m) {
                    if constexpr (Polled)
                        while (!queue.try_send(m.data(), N, 0))
                            ;
                    else
                        queue.send(m.data(), N, 0);
                });
            }
            ipc::message_queue& queue;
            messages<N> ready{1};
        };

        struct receiver {
            explicit receiver(line& l) : queue(l.queue) {}
            std::uint64_t receive()
            {
                std::size_t got = 0;
                unsigned priority;
                if constexpr (Polled)
                    while (!queue.try_receive(ready[0].data(), N, got, priority))
                        ;
                else
                    queue.receive(ready[0].data(), N, got, priority);
                if (got != N)
                    throw std::runtime_error("a message of another size");
                return sequence_of<N>(ready[0]);
            }
            ipc::message_queue& queue;
            messages<N> ready{1};
        };
    };
};

// push() and pop() in a loop, as the documentation's examples have it.
template <template <std::size_t> class Queue>
struct lockfree {
    template <std::size_t N>
    struct of {
        static constexpr bool threads = false;
        using queue = typename Queue<N>::type;

        struct line {
            explicit line(setup const& s) : batch(s.batch) {}
            shared<queue> memory;
            std::size_t batch;
        };

        struct sender {
            explicit sender(line& l) : memory(l.memory), to(*memory), ready(l.batch) {}
            void send(std::uint64_t s)
            {
                with_message<N>(ready, s, [&](message<N> const& m) {
                    while (!to.push(m))
                        ;
                });
            }
            void send_batch(std::uint64_t first, std::size_t n)
                requires(Queue<N>::batches)
            {
                for (std::size_t i = 0; i != n; ++i)
                    stamp<N>(ready[i], first + i);
                for (std::size_t sent = 0; sent != n;)
                    sent += to.push(ready.data() + sent, n - sent);
            }
            shared<queue> memory;
            queue& to;
            messages<N> ready;
        };

        struct receiver {
            explicit receiver(line& l) : memory(l.memory), from(*memory), ready(l.batch) {}
            std::uint64_t receive()
            {
                if constexpr (N <= largest_made_anew) {
                    message<N> m;
                    while (!from.pop(m))
                        ;
                    return sequence_of<N>(m);
                } else {
                    while (!from.pop(ready[0]))
                        ;
                    return sequence_of<N>(ready[0]);
                }
            }
            template <class Seen>
            void receive_batch(Seen seen)
                requires(Queue<N>::batches)
            {
                std::size_t n;
                while ((n = from.pop(ready.data(), ready.size())) == 0)
                    ;
                for (std::size_t i = 0; i != n; ++i)
                    seen(sequence_of<N>(ready[i]));
            }
            shared<queue> memory;
            queue& from;
            messages<N> ready;
        };
    };
};

template <std::size_t N>
struct spsc {
    static constexpr bool batches = true;
    using type = boost::lockfree::spsc_queue<message<N>, boost::lockfree::capacity<capacity_for<N, 8, 131'072>>>;
};

template <std::size_t N>
struct mpmc {
    static constexpr bool batches = false;
    using type = boost::lockfree::queue<message<N>, boost::lockfree::capacity<capacity_for<N, 8, 65'000>>>;
};

std::vector<benchmark_case> cases()
{
    case_info queue{"rival/boost_message_queue/block",
                    "rival",
                    "shared memory",
                    "block",
                    "Boost message_queue, blocking",
                    "Boost.Interprocess, send() and receive(); 1 MiB of messages, 8 to 1024"};
    queue.limit = "limit/futex";
    queue.max_senders = queue.max_receivers = 2;
    case_info polled = queue;
    polled.name = "rival/boost_message_queue/spin";
    polled.title = "Boost message_queue, polled";
    polled.waiting = "spin";
    polled.limit = "limit/cache_line";
    polled.settings = "Boost.Interprocess, try_send() and try_receive() in loops; 1 MiB of messages, 8 to 1024";

    case_info one{
        "rival/boost_lockfree_spsc",
        "rival",
        "shared memory",
        "spin",
        "Boost lockfree spsc_queue",
        "boost::lockfree::spsc_queue of fixed capacity, 1 MiB of messages, at least 8, placed in shared memory; "
        "push() and pop() in loops, in batches those of arrays"};
    one.limit = "limit/cache_line";
    one.batches = {1, 64};
    case_info many{
        "rival/boost_lockfree_queue",
        "rival",
        "shared memory",
        "spin",
        "Boost lockfree queue",
        "boost::lockfree::queue of fixed capacity, 1 MiB of messages, 8 to 65000, placed in shared memory; push() "
        "and pop() in loops"};
    many.limit = "limit/cache_line";
    many.max_senders = many.max_receivers = 2;
    return {sized_case<message_queue<false>::of>(queue), sized_case<message_queue<true>::of>(polled),
            sized_case<lockfree<spsc>::of>(one), sized_case<lockfree<mpmc>::of>(many)};
}

}  // namespace
}  // namespace benchmark

int main(int argc, char** argv) { return benchmark::run_program(argc, argv, benchmark::cases()); }
