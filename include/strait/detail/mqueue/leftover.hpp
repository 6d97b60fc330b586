// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MQUEUE_LEFTOVER_HPP
#define STRAIT_DETAIL_MQUEUE_LEFTOVER_HPP

#include <strait/detail/membership/leftover.hpp>

#include <string>

#include <mqueue.h>

namespace strait::detail {

// POSIX queues have a name space of their own, without directories.
inline std::string queue_name(location const& where) { return "/" + where.flat_name(); }

struct mqueue_leftover {
    static error_code remove(int, location const& where)
    {
        ::mq_unlink(queue_name(where).c_str());
        return {};
    }
};
static_assert(leftover<mqueue_leftover>);

}  // namespace strait::detail

#endif
