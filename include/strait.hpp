// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_HPP
#define STRAIT_HPP

// Everything that needs only Boost's headers and no Asio.

#include <strait/acknowledged_options.hpp>
#include <strait/borrowed.hpp>
#include <strait/channel.hpp>
#include <strait/claimed.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/peer.hpp>
#include <strait/receiver.hpp>
#include <strait/select.hpp>
#include <strait/sender.hpp>
#include <strait/schema.hpp>
#include <strait/serialization.hpp>
#include <strait/shared_memory.hpp>
#include <strait/stats.hpp>
#include <strait/tcp_options.hpp>
#include <strait/transport.hpp>
#include <strait/transport/acknowledged.hpp>
#include <strait/transport/anonymous_pipe.hpp>
#include <strait/transport/huge_pages.hpp>
#include <strait/transport/in_process.hpp>
#include <strait/transport/mapped_file.hpp>
#include <strait/transport/named_pipe.hpp>
#include <strait/transport/packed.hpp>
#include <strait/transport/polled.hpp>
#include <strait/transport/posix_mqueue.hpp>
#include <strait/transport/prefaulted.hpp>
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
#include <strait/unique_fd.hpp>
#include <strait/unix_options.hpp>
#include <strait/version.hpp>
#include <strait/wait.hpp>

#endif
