// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"

#include <strait/rpc.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/unix_stream.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <unistd.h>

namespace benchmark {

namespace {

/// Round trips of a call, whose request and reply have this size. Half of one is set beside a message one way.
template <class X, std::size_t N>
struct strait_call {
    static constexpr bool threads = false;
    using interface = strait::rpc_interface<message<N>(message<N>)>;

    struct line {
        explicit line(setup const&) : name("strait-benchmark-" + std::to_string(::getpid()) + "-rpc") {}
        std::string name;
        std::uint64_t asked = 0;
    };

    // The one line that a client has says by `last` what is to be asked.
    struct sender {
        explicit sender(line&) {}
        void send(std::uint64_t s) { last = s; }
    };
    struct receiver {
        explicit receiver(line& l) : name(l.name) {}
        std::uint64_t receive()
        {
            if (!client) [[unlikely]]
                client.emplace(name);
            message<N> m;
            stamp<N>(m, last);
            return sequence_of<N>(client->call(m));
        }
        std::string name;
        std::optional<strait::rpc_client<interface, X>> client;
    };

    static inline std::uint64_t last = 0;

    static outcome run(request const& r)
    {
        line both(setup{r.size, 1, 1, 1, 0});
        shared<detail::ping_pong_result> result;
        auto const answer = [&] {
            strait::rpc_server<interface, X> server(both.name);
            result->opened.arrive_and_wait();
            server.serve([&](message<N> const& m) {
                if (sequence_of<N>(m) == sequence::stop)
                    server.stop();
                return m;
            });
            result->finished.arrive_and_wait();
        };
        run_ends<strait_call>({[&] { detail::ping<strait_call>(both, both, r.seconds, *result); }, answer}, r);
        outcome o;
        o.messages = 2 * result->latency.messages;
        o.seconds = result->seconds;
        o.latency = latency_histogram::summary(result->latency);
        return o;
    }
};

template <class X, std::size_t... N>
outcome run_at(request const& r, std::index_sequence<N...>)
{
    outcome o;
    if (!((r.size == N && (o = strait_call<X, N>::run(r), true)) || ...))
        throw not_applicable("there are requests of 8, 64, 256, 1024 and 4096 bytes");
    return o;
}

template <class X>
benchmark_case calls(std::string const& name, std::string const& family, std::string const& waiting)
{
    case_info info{"strait/rpc/" + name,
                   "strait",
                   family,
                   waiting,
                   "strait rpc over " + name,
                   "default options; half of a call(), whose request and reply have this size; serve() in one thread"};
    info.measures = {measure::latency};
    info.max_size = 4096;
    return {info, [](request const& r) { return run_at<X>(r, std::index_sequence<8, 64, 256, 1024, 4096>()); }};
}

}  // namespace

std::vector<benchmark_case> rpc_cases()
{
    return {calls<strait::shm_ring<strait::spsc, strait::busy_spin>>("shm_ring", "shared memory", "spin"),
            calls<strait::unix_stream>("unix_stream", "unix socket", "block")};
}

}  // namespace benchmark
