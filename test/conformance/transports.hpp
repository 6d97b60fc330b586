// Distributed under the Boost Software License, Version 1.0.
#ifndef CONFORMANCE_TRANSPORTS_HPP
#define CONFORMANCE_TRANSPORTS_HPP

#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/residue.hpp>
#include <support/watchdog.hpp>

#include <strait/serialization.hpp>
#include <strait/transport/acknowledged.hpp>
#include <strait/transport/anonymous_pipe.hpp>
#include <strait/transport/in_process.hpp>
#include <strait/transport/mapped_file.hpp>
#include <strait/transport/named_pipe.hpp>
#include <strait/transport/packed.hpp>
#include <strait/transport/posix_mqueue.hpp>
#include <strait/transport/prioritized.hpp>
#include <strait/transport/realtime_signal.hpp>
#include <strait/transport/sealed_memory.hpp>
#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/sysv_memory.hpp>
#include <strait/transport/sysv_mqueue.hpp>
#include <strait/transport/tcp.hpp>
#include <strait/transport/udp.hpp>
#include <strait/transport/unix_datagram.hpp>
#include <strait/transport/unix_seqpacket.hpp>
#include <strait/transport/unix_stream.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

// It has a constructor, but any bits are one.
template <>
inline constexpr bool strait::enable_bitwise<support::small_probe> = true;

namespace conformance {

/// A transport under test, by name.
template <strait::transport X>
struct by_name {
    using transport = X;
    static constexpr bool checks_type_at_open = true;
    static strait::endpoint where() { return support::unique_name(); }

    /// Where names lie.
    static std::string directory()
    {
        return support::channel_directory(requires(strait::endpoint e) { X::sync(e); } ? "/var/tmp" : "/dev/shm");
    }
};

/// A port of this family's loopback that nobody used a moment ago.
inline std::string free_port(int family, int type)
{
    int const s = ::socket(family, type | SOCK_CLOEXEC, 0);
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    address.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET)
        reinterpret_cast<sockaddr_in&>(address).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        reinterpret_cast<sockaddr_in6&>(address).sin6_addr = in6addr_loopback;
    ::bind(s, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(s, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(s);
    return std::to_string(ntohs(family == AF_INET ? reinterpret_cast<sockaddr_in&>(address).sin_port
                                                  : reinterpret_cast<sockaddr_in6&>(address).sin6_port));
}

/// A transport under test, by an address of the loopback, of each of these families in turns: no object of the host, so the
/// peer is checked by its handshake.
template <strait::transport X, int... Family>
    requires(X::guarantees.crosses_hosts)
struct by_address {
    using transport = X;
    static constexpr bool checks_type_at_open = false;
    static strait::endpoint where()
    {
        static std::size_t turn = 0;
        constexpr int families[] = {Family...};
        int const family = families[turn++ % sizeof...(Family)];
        int const type = X::guarantees.reliable ? SOCK_STREAM : SOCK_DGRAM;
        return (family == AF_INET ? "127.0.0.1:" : "[::1]:") + free_port(family, type);
    }
};

/// A transport under test, by the name of a socket, which is all that its ends share: the peer is checked by its handshake.
template <strait::transport X>
struct by_socket {
    using transport = X;
    static constexpr bool checks_type_at_open = false;
    static strait::endpoint where() { return support::unique_name(); }
};

/// A transport under test that has no names.
template <strait::transport X>
    requires(X::guarantees.nameless)
struct nameless_only {
    using transport = X;
};

/// acknowledged<tcp> for both ends in one thread: a sender that leaves waits for its receiver, which cannot take anything
/// meanwhile, only for a moment. Then TCP brings what it has sent, or the suite counts it as lost.
struct acknowledged_in_one_thread : strait::acknowledged<strait::tcp> {
    struct options : strait::acknowledged<strait::tcp>::options {
        options() { linger = std::chrono::seconds(1); }
    };
};

/// What a channel of this subject carries for a probe of the tests: that, or 8 bytes where it takes no more.
template <class S>
using probe_of = std::conditional_t<S::transport::guarantees.fixed_size_only, support::small_probe, support::probe>;

template <class Wait>
using ring = strait::shm_ring<strait::spsc, Wait>;
template <class Topology, class Memory>
using ring_in = strait::shm_ring<Topology, strait::adaptive, Memory>;

/// Everything that the suite is run over: one line for each. Not broadcast<latest>: that is the channel of broadcast<lossy>,
/// and its receivers skip on purpose what the suite sends in a row; test/rings/latest.cpp has it. Nor polled<X>, which
/// is X but for how a receiver waits; test/polled/ has it. Of udp more is asked here than it declares: few messages over the
/// loopback are not lost, nor is the last word of their sender.
using different_subjects = std::tuple<
    by_name<strait::in_process>,
    by_name<ring<strait::adaptive>>,
    by_name<strait::shm_ring<strait::mpmc>>,
    by_name<strait::shm_ring<strait::broadcast<strait::lossless>>>,
    by_name<strait::named_pipe>,
    by_name<strait::posix_mqueue>,
    by_name<strait::sysv_mqueue>,
    by_name<strait::unix_stream>,
    by_name<strait::unix_seqpacket>,
    by_socket<strait::sealed_memory>,
    by_address<strait::tcp, AF_INET6, AF_INET>,
    by_name<strait::udp>
>;

/// These share most of their code with one of those: not for AddressSanitizer, which builds and runs slowly, nor for each message
/// type.
using similar_subjects = std::tuple<
    by_name<strait::shm_ring<strait::mpsc>>,
    by_name<strait::shm_ring<strait::broadcast<strait::lossy>>>,
    by_name<strait::unix_datagram>,
    by_name<strait::tcp>,
    by_name<acknowledged_in_one_thread>
>;

/// These are one of those in other memory, or with something added that is tested in a folder of its own (shm_memory/,
/// packed/, sysv_mqueue/): for the long sweeps alone.
using likenesses = std::tuple<
    by_name<ring_in<strait::spsc, strait::mapped_file>>,
    by_name<ring_in<strait::mpsc, strait::sysv_memory>>,
    by_name<strait::packed<strait::posix_mqueue>>,
    by_name<strait::prioritized<strait::sysv_mqueue>>
>;

#ifdef STRAIT_TEST_LONG
inline constexpr bool with_likenesses = true;
#else
inline constexpr bool with_likenesses = false;
#endif

using subjects = decltype(std::tuple_cat(different_subjects(),
                                         std::conditional_t<support::sanitized, std::tuple<>, similar_subjects>(),
                                         std::conditional_t<with_likenesses, likenesses, std::tuple<>>()));

template <class S, class List>
inline constexpr bool is_in = false;
template <class S, class... Of>
inline constexpr bool is_in<S, std::tuple<Of...>> = (std::is_same_v<S, Of> || ...);

/// Those of a list that ...
template <template <class> class Fits, class... S>
auto among(std::tuple<S...>) -> decltype(std::tuple_cat(std::conditional_t<Fits<S>::value, std::tuple<S>, std::tuple<>>()...));

template <class S>
using is_different = std::bool_constant<!is_in<S, similar_subjects> && !is_in<S, likenesses>>;
template <class S>
using is_reliable = std::bool_constant<S::transport::guarantees.reliable>;
template <class S>
using is_bounded = std::bool_constant<S::transport::guarantees.bounded>;
/// ... promise to lose nothing: for tests that count on each message, whoever is slower.
using reliable_subjects = decltype(among<is_reliable>(subjects()));

/// ... can be full: for tests that fill them.
using bounded_subjects = decltype(among<is_bounded>(subjects()));

/// Those that carry no more than a word; their receivers stay in the thread that has opened them.
using word_only_subjects = std::tuple<by_name<strait::realtime_signal>>;
using word_subjects = decltype(std::tuple_cat(subjects(), word_only_subjects()));
using bounded_word_subjects = decltype(among<is_bounded>(word_subjects()));

/// Those that have no name.
using nameless_subjects = std::tuple<nameless_only<strait::anonymous_pipe>>;

/// Everything, for the tests that are compiled once for all (subject.hpp).
using erased_subjects = decltype(std::tuple_cat(word_subjects(), nameless_subjects()));

}  // namespace conformance

#endif
