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

// Blocking, and with a receiver that polls.
template <template <std::size_t> class Blocking, template <std::size_t> class Polled, std::size_t Max>
void add_both(std::vector<benchmark_case>& all, case_info info)
{
    std::string const name = info.name;
    std::string const title = info.title;
    info.name += "/block";
    info.title += ", blocking";
    info.waiting = "block";
    info.limit = "limit/futex";
    info.batches = {1, 64};
    all.push_back(sized_case<Blocking, Max>(info));
    info.name = name + "/spin";
    info.title = title + ", polled";
    info.waiting = "spin";
    info.settings += "; the receiver polls";
    info.limit = "limit/cache_line";
    all.push_back(sized_case<Polled, Max>(info));
}

// The messages of several writers stay apart in a pipe up to PIPE_BUF.
template <class Mechanism, std::size_t Max = 4'194'304>
void add_stream(std::vector<benchmark_case>& all, std::string const& name, std::string const& family,
                std::string const& how)
{
    case_info info{"bare/" + name, "bare", family, "block", name + " by hand",
                   how + "; one call for each message, or for each batch, which the receiver reads 64 KiB at a time"};
    add_both<stream<Mechanism, false>::template of, stream<Mechanism, true>::template of, Max>(all, info);
    info.name += "/coalesced";
    info.title += ", buffered";
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

    case_info queue{"bare/mqueue", "bare", "mqueue", "block", "POSIX queue by hand", "mq_send() and mq_receive(), 10 messages"};
    queue.max_senders = queue.max_receivers = 2;
    add_both<mqueue<false>::of, mqueue<true>::of, 4096>(all, queue);
    queue.name = "bare/sysv";
    queue.family = "sysv queue";
    queue.title = "System V queue by hand";
    queue.settings = "msgsnd() and msgrcv(), the default 16 KiB";
    add_both<sysv<false>::of, sysv<true>::of, 4096>(all, queue);

    case_info signal{"bare/signal", "bare", "signal", "block", "real-time signals by hand",
                     "rt_tgsigqueueinfo() and read() of a signalfd, up to 64 at once; a sender that finds too many pending yields"};
    signal.max_senders = 2;
    add_both<signals<false>::of, signals<true>::of, 8>(all, signal);

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
