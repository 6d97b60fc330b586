// Distributed under the Boost Software License, Version 1.0.
#include "bare_mqueue.hpp"
#include "bare_ring.hpp"
#include "bare_serialization.hpp"
#include "bare_signal.hpp"
#include "bare_stream.hpp"
#include "bare_sysv.hpp"
#include "sizes.hpp"

#include <string>

namespace benchmark {
namespace {

template <class Mechanism, bool Polled, bool Coalesced = false>
struct stream {
    template <std::size_t N>
    using of = bare_stream<Mechanism, Polled, Coalesced, N>;
};

template <bool Polled>
struct mqueue {
    template <std::size_t N>
    using of = bare_mqueue<Polled, N>;
};

template <bool Polled>
struct sysv {
    template <std::size_t N>
    using of = bare_sysv<Polled, N>;
};

template <bool Polled>
struct signals {
    template <std::size_t N>
    using of = bare_signal<Polled, N>;
};

// The messages of several writers stay apart in a pipe up to PIPE_BUF.
template <class Mechanism, std::size_t Max = 4'194'304>
void add_stream(std::vector<benchmark_case>& all, std::string const& name, std::string const& family,
                std::string const& how)
{
    case_info info{"bare/" + name + "/block",
                   "bare",
                   family,
                   "block",
                   name + " by hand, blocking",
                   how + "; one call for each message, or for each batch, which the receiver reads 64 KiB at a time"};
    info.limit = "limit/futex";
    info.batches = {1, 64};
    all.push_back(sized_case<stream<Mechanism, false>::template of, Max>(info));
    info.name = "bare/" + name + "/spin";
    info.title = name + " by hand, polled";
    info.waiting = "spin";
    info.settings += "; the receiver polls";
    info.limit = "limit/cache_line";
    all.push_back(sized_case<stream<Mechanism, true>::template of, Max>(info));
    info.name = "bare/" + name + "/coalesced";
    info.title = name + " by hand, buffered";
    info.waiting = "block";
    info.settings = how + "; buffers of 64 KiB at both ends, written when full";
    info.limit = "limit/memcpy";
    info.measures = {measure::throughput};
    info.batches = {64};
    all.push_back(sized_case<stream<Mechanism, false, true>::template of, Max>(info));
}

std::vector<benchmark_case> cases()
{
    std::vector<benchmark_case> all;
    case_info ring{"bare/ring",      "bare",
                   "shared memory",  "spin",
                   "a ring by hand", "a slot holds its sequence; about 1 MiB, at least 8 slots; polled every 20 ns"};
    ring.limit = "limit/cache_line";
    all.push_back(sized_case<bare_ring>(ring));

    add_stream<bare_pipe>(all, "pipe", "pipe", "mkfifo(), write() and read(), 64 KiB");
    add_stream<bare_anonymous_pipe>(all, "anonymous_pipe", "anonymous pipe", "pipe2(), write() and read(), 64 KiB");

    case_info queue{"bare/mqueue/block",
                    "bare",
                    "mqueue",
                    "block",
                    "POSIX queue by hand, blocking",
                    "mq_send() and mq_receive(), 10 messages"};
    queue.limit = "limit/futex";
    queue.batches = {1, 64};
    queue.max_senders = queue.max_receivers = 2;
    all.push_back(sized_case<mqueue<false>::of, 4096>(queue));
    queue.name = "bare/mqueue/spin";
    queue.title = "POSIX queue by hand, polled";
    queue.waiting = "spin";
    queue.limit = "limit/cache_line";
    queue.settings += "; the receiver polls";
    all.push_back(sized_case<mqueue<true>::of, 4096>(queue));

    queue.name = "bare/sysv/block";
    queue.family = "sysv queue";
    queue.title = "System V queue by hand, blocking";
    queue.waiting = "block";
    queue.settings = "msgsnd() and msgrcv(), the default 16 KiB";
    queue.limit = "limit/futex";
    all.push_back(sized_case<sysv<false>::of, 4096>(queue));
    queue.name = "bare/sysv/spin";
    queue.title = "System V queue by hand, polled";
    queue.waiting = "spin";
    queue.limit = "limit/cache_line";
    queue.settings += "; the receiver polls";
    all.push_back(sized_case<sysv<true>::of, 4096>(queue));

    case_info signal{"bare/signal/block",
                     "bare",
                     "signal",
                     "block",
                     "real-time signals by hand, blocking",
                     "rt_tgsigqueueinfo() and read() of a signalfd, up to 64 at once; whoever finds too many pending yields"};
    signal.limit = "limit/futex";
    signal.batches = {1, 64};
    signal.max_senders = 2;
    all.push_back(sized_case<signals<false>::of, 8>(signal));
    signal.name = "bare/signal/spin";
    signal.title = "real-time signals by hand, polled";
    signal.waiting = "spin";
    signal.limit = "limit/cache_line";
    signal.settings += "; the receiver polls";
    all.push_back(sized_case<signals<true>::of, 8>(signal));

    add_stream<bare_unix_stream>(all, "unix_stream", "unix socket", "socketpair(), send() and recv()");
    add_stream<bare_unix_datagram, 65'536>(all, "unix_datagram", "unix datagram", "bind(), connect(), send() and recv()");
    add_stream<bare_unix_seqpacket, 65'536>(all, "unix_seqpacket", "unix seqpacket", "socketpair(), send() and recv()");
    add_stream<bare_udp, 4096>(all, "udp", "udp", "bind(), connect(), send() and recv() over the loopback");
    add_stream<bare_tcp>(all, "tcp", "tcp", "TCP_NODELAY over the loopback, send() and recv()");

    std::string const how = "a copy for each member, counts of 32 bits, one check of the room left for each; ";
    all.push_back(serialization_case<bare_format<true>>("bare/serialization/reused", "bare",
                                                        "encoded by hand, decoded into the same order",
                                                        how + "into one order whose memory is reused"));
    all.push_back(serialization_case<bare_format<false>>("bare/serialization/new", "bare",
                                                         "encoded by hand, decoded into a new order",
                                                         how + "into a new order each time"));
    return all;
}

}  // namespace
}  // namespace benchmark

int main(int argc, char** argv) { return benchmark::run_program(argc, argv, benchmark::cases()); }
