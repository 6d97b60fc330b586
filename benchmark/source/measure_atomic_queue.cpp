// Distributed under the Boost Software License, Version 1.0.
#include "shared.hpp"
#include "sizes.hpp"

#include <algorithm>
#include <type_traits>

#include <atomic_queue/atomic_queue.h>

namespace benchmark {
namespace {

// One word is an atomic element; a larger message has a state beside it. Both as the library's README advises: a size
// that is a power of two, contention minimised, throughput maximised.
template <bool OneToOne>
struct queue {
    template <std::size_t N>
    struct of {
        static constexpr bool threads = false;
        static constexpr unsigned capacity = std::clamp<unsigned>((1U << 20) / N, 8, 65'536);
        using word_queue =
            atomic_queue::AtomicQueue<std::uint64_t, capacity, sequence::torn, true, true, false, OneToOne>;
        using any_queue = atomic_queue::AtomicQueue2<message<N>, capacity, true, true, false, OneToOne>;
        using memory = std::conditional_t<N == 8, word_queue, any_queue>;

        struct line {
            explicit line(setup const&) {}
            shared<memory> elements;
        };

        struct sender {
            explicit sender(line& l) : elements(l.elements), to(*elements) {}
            void send(std::uint64_t s)
            {
                if constexpr (N == 8)
                    to.push(s);
                else
                    with_message<N>(ready, s, [&](message<N> const& m) { to.push(m); });
            }
            shared<memory> elements;
            memory& to;
            messages<N> ready{1};
        };

        struct receiver {
            explicit receiver(line& l) : elements(l.elements), from(*elements) {}
            std::uint64_t receive()
            {
                if constexpr (N == 8)
                    return from.pop();
                else
                    return sequence_of<N>(from.pop());
            }
            shared<memory> elements;
            memory& from;
        };
    };
};

std::vector<benchmark_case> cases()
{
    case_info one{
        "rival/atomic_queue/spsc",
        "rival",
        "shared memory",
        "spin",
        "atomic_queue, one to one",
        "AtomicQueue2 (AtomicQueue for 8 bytes) with its SPSC flag, 1 MiB of messages, 8 to 65536, placed in shared "
        "memory; push() and pop(), which poll"};
    one.limit = "limit/cache_line";
    case_info many = one;
    many.name = "rival/atomic_queue/mpmc";
    many.title = "atomic_queue, many to many";
    many.settings =
        "AtomicQueue2 (AtomicQueue for 8 bytes), 1 MiB of messages, 8 to 65536, placed in shared memory; push() and "
        "pop(), which poll";
    many.max_senders = many.max_receivers = 2;
    return {sized_case<queue<true>::of, 65'536>(one), sized_case<queue<false>::of, 65'536>(many)};
}

}  // namespace
}  // namespace benchmark

int main(int argc, char** argv) { return benchmark::run_program(argc, argv, benchmark::cases()); }
