// Distributed under the Boost Software License, Version 1.0.
#include <strait.hpp>

#include <chrono>
#include <type_traits>

namespace unit_options {

// The options of every transport take designated initialisers. Nothing here runs.
namespace {

using namespace strait;
using namespace std::chrono_literals;

template <class Options>
concept designated = std::is_aggregate_v<Options> && requires {
    Options{.capacity = 16, .max_message_size = 100, .connect_timeout = 1s, .linger = 2s, .keep = true, .access = access_mode::everyone};
    Options{.linger = 2s};
};

template <class... X>
constexpr bool all_take_them = (designated<typename X::options> && ...);

static_assert(all_take_them<shm_ring<>, shm_ring<mpsc>, shm_ring<mpmc>, shm_ring<spsc, busy_spin, sysv_memory>,
                            shm_ring<spsc, adaptive, mapped_file>, shm_ring<spsc, adaptive, prefaulted<posix_memory>>>);
static_assert(all_take_them<shm_ring<broadcast<lossless>>, shm_ring<broadcast<lossy>>, anonymous_pipe, named_pipe, in_process>);
static_assert(all_take_them<posix_mqueue, sysv_mqueue, packed<posix_mqueue>, packed<sysv_mqueue>, prioritized<sysv_mqueue>,
                            polled<posix_mqueue>, polled<sysv_mqueue>, realtime_signal>);
static_assert(all_take_them<unix_stream, unix_seqpacket, unix_datagram, tcp, acknowledged<tcp>, udp>);

// And what only these have.
[[maybe_unused]] unix_options const unix_{.capacity = 1 << 16, .accept = [](peer_identity const& who) { return who.uid == 0; }};
[[maybe_unused]] tcp_options const tcp_{.capacity = 1 << 16, .keep_alive = 5s, .user_timeout = 3s};
[[maybe_unused]] acknowledged_options const acknowledged_{.keep_alive = 5s, .reconnect_within = 1min};
static_assert(std::is_same_v<unix_stream::options, unix_options> && std::is_same_v<unix_seqpacket::options, unix_options> &&
              std::is_same_v<tcp::options, tcp_options> && std::is_same_v<acknowledged<tcp>::options, acknowledged_options>);

}  // namespace

}  // namespace unit_options
