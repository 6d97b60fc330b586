// Distributed under the Boost Software License, Version 1.0.
#include "transports.hpp"

#include "stream.hpp"

#include <utility>

namespace tour {
namespace {

template <strait::transport X>
constexpr mechanism over(std::string_view name)
{
    mechanism m{name, strait::object_transport<X>,
                [](std::string const& channel, std::vector<file> const& files) { produce(strait::sender<line, X>{channel}, files); },
                [](std::string const& channel, meter& progress) { return consume(strait::receiver<line, X>{channel}, progress); },
                [](std::string const& channel) { static_cast<void>(strait::channel<line, X>::remove(channel)); }};
    if constexpr (!X::guarantees.reliable)
        m.sample = [](std::string const& channel, std::vector<file> originals, meter& progress) {
            return consume_what_comes(strait::receiver<line, X>{channel}, std::move(originals), progress);
        };
    return m;
}

template <strait::transport X>
constexpr mechanism digests_over(std::string_view name)
{
    using channel_of_digests = strait::channel<std::uint64_t, X>;
    mechanism m{name, false,
                [](std::string const& channel, std::vector<file> const& files) {
                    produce_digests(strait::sender<std::uint64_t, X>{channel}, files);
                },
                nullptr, [](std::string const& channel) { static_cast<void>(channel_of_digests::remove(channel)); }};
    m.compare = [](std::string const& channel, std::vector<file> const& originals, meter& progress) {
        compare_digests(strait::receiver<std::uint64_t, X>{channel}, originals, progress);
    };
    return m;
}

// Of a transport without names, both ends are made at once.
template <strait::transport X>
auto& ends()
{
    static auto both = strait::channel<line, X>::make_pair().split();
    return both;
}

template <strait::transport X>
constexpr mechanism without_name(std::string_view name)
{
    return {name, true, [](std::string const&, std::vector<file> const& files) { produce(std::move(ends<X>().first), files); },
            [](std::string const&, meter& progress) { return consume(std::move(ends<X>().second), progress); },
            [](std::string const&) {}};
}

// A new transport joins the tour here.
constexpr mechanism all[] = {
    over<strait::in_process>("in_process"),
    over<strait::shm_ring<>>("shm_ring"),
    over<strait::shm_ring<strait::mpsc>>("shm_ring_mpsc"),
    over<strait::shm_ring<strait::mpmc>>("shm_ring_mpmc"),
    over<strait::shm_ring<strait::broadcast<strait::lossless>>>("shm_ring_broadcast"),
    over<strait::shm_ring<strait::spsc, strait::adaptive, strait::mapped_file>>("shm_ring_mapped_file"),
    over<strait::shm_ring<strait::spsc, strait::adaptive, strait::sysv_memory>>("shm_ring_sysv_memory"),
    over<strait::sealed_memory>("sealed_memory"),
    without_name<strait::anonymous_pipe>("anonymous_pipe"),
    over<strait::named_pipe>("named_pipe"),
    over<strait::posix_mqueue>("posix_mqueue"),
    over<strait::packed<strait::posix_mqueue>>("packed_posix_mqueue"),
    over<strait::sysv_mqueue>("sysv_mqueue"),
    over<strait::prioritized<strait::sysv_mqueue>>("prioritized_sysv_mqueue"),
    digests_over<strait::realtime_signal>("realtime_signal"),
    over<strait::unix_datagram>("unix_datagram"),
    over<strait::unix_seqpacket>("unix_seqpacket"),
    over<strait::unix_stream>("unix_stream"),
    over<strait::tcp>("tcp"),
    over<strait::acknowledged<strait::tcp>>("acknowledged_tcp"),
    over<strait::udp>("udp"),
};

}  // namespace

std::span<mechanism const> mechanisms() { return all; }

}  // namespace tour
