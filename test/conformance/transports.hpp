// Distributed under the Boost Software License, Version 1.0.
#ifndef CONFORMANCE_TRANSPORTS_HPP
#define CONFORMANCE_TRANSPORTS_HPP

#include <support/names.hpp>

#include <strait/transport/in_process.hpp>
#include <strait/transport/named_pipe.hpp>
#include <strait/transport/posix_mqueue.hpp>
#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/sysv_mqueue.hpp>
#include <strait/transport/tcp.hpp>
#include <strait/transport/unix_stream.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace conformance {

/// A transport under test, by name.
template <strait::transport X>
struct by_name {
    using transport = X;
    static constexpr bool checks_type_at_open = true;
    static strait::endpoint where() { return support::unique_name(); }
};

/// A port of this family's loopback that nobody used a moment ago.
inline std::string free_port(int family)
{
    int const s = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
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

/// A transport under test, by an address of the loopback: no object of the host, so the peer is checked by its handshake.
template <strait::transport X, int Family>
    requires(X::guarantees.crosses_hosts)
struct by_address {
    using transport = X;
    static constexpr bool checks_type_at_open = false;
    static strait::endpoint where() { return (Family == AF_INET ? "127.0.0.1:" : "[::1]:") + free_port(Family); }
};

template <class Wait>
using ring = strait::shm_ring<strait::spsc, Wait>;

/// Everything that the suite is run over: one line for each.
using subjects = std::tuple<
    by_name<strait::in_process>,
    by_name<ring<strait::busy_spin>>,
    by_name<ring<strait::yielding>>,
    by_name<ring<strait::adaptive>>,
    by_name<strait::shm_ring<strait::mpsc>>,
    by_name<strait::shm_ring<strait::mpmc>>,
    by_name<strait::shm_ring<strait::broadcast<strait::lossy>>>,
    by_name<strait::shm_ring<strait::broadcast<strait::lossless>>>,
    by_name<strait::named_pipe>,
    by_name<strait::posix_mqueue>,
    by_name<strait::sysv_mqueue>,
    by_name<strait::unix_stream>,
    by_name<strait::tcp>,
    by_address<strait::tcp, AF_INET>,
    by_address<strait::tcp, AF_INET6>
>;

/// Those that promise to lose nothing: for tests that count on each message, whoever is slower.
template <class S>
using if_reliable = std::conditional_t<S::transport::guarantees.reliable, std::tuple<S>, std::tuple<>>;
template <class... S>
auto reliable_among(std::tuple<S...>) -> decltype(std::tuple_cat(if_reliable<S>()...));
using reliable_subjects = decltype(reliable_among(subjects()));

/// Those that can be full: for tests that fill them.
template <class S>
using if_bounded = std::conditional_t<S::transport::guarantees.bounded, std::tuple<S>, std::tuple<>>;
template <class... S>
auto bounded_among(std::tuple<S...>) -> decltype(std::tuple_cat(if_bounded<S>()...));
using bounded_subjects = decltype(bounded_among(subjects()));

}  // namespace conformance

#endif
