// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_HOST_CONTENTS_HPP
#define STRAIT_DETAIL_HOST_CONTENTS_HPP

#include <strait/detail/broadcast/contents.hpp>
#include <strait/detail/lanes/contents.hpp>
#include <strait/detail/membership/contents.hpp>
#include <strait/detail/mpmc/contents.hpp>
#include <strait/detail/mqueue/contents.hpp>
#include <strait/detail/ring/contents.hpp>
#include <strait/detail/sysv/contents.hpp>

namespace strait::detail {

// Each mechanism that can tell what is unread in a channel is in this list. Of the others only the two ends know: to look
// into a pipe one must open it for reading, which its senders would take for a receiver; and a socket belongs to its receiver.
struct host_contents
    : contents_readers<ring_contents, lanes_contents, mpmc_contents, lossless_contents, mqueue_contents, sysv_contents> {};

}  // namespace strait::detail

#endif
