// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_HOST_LEFTOVERS_HPP
#define STRAIT_DETAIL_HOST_LEFTOVERS_HPP

#include <strait/detail/membership/leftover.hpp>
#include <strait/detail/memory/segment_key.hpp>
#include <strait/detail/mqueue/leftover.hpp>
#include <strait/detail/pipe/leftover.hpp>
#include <strait/detail/sysv/queue_key.hpp>
#include <strait/detail/unix_socket/leftover.hpp>

namespace strait::detail {

// Each mechanism that leaves something on the host is in this list. The segment comes first: only its owner may remove
// it, and where that is refused nothing else must go.
struct host_leftovers : leftovers<segment_leftover, fifo_leftover, socket_leftover, mqueue_leftover, sysv_leftover> {};
static_assert(leftover<host_leftovers>);

}  // namespace strait::detail

#endif
