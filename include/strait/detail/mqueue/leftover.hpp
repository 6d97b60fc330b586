// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MQUEUE_LEFTOVER_HPP
#define STRAIT_DETAIL_MQUEUE_LEFTOVER_HPP

#include <strait/detail/membership/leftover.hpp>

#include <cerrno>
#include <cstdint>
#include <string>

#include <mqueue.h>

namespace strait::detail {

inline constexpr char mqueue_transport[] = "posix_mqueue";
inline constexpr char packed_mqueue_transport[] = "packed<posix_mqueue>";

// How many names a queue can have: another user may have taken some of them first.
inline constexpr std::uint64_t mqueue_attempts = 16;

// POSIX queues have a name space of their own, without directories.
inline std::string queue_name(location const& where, std::uint64_t attempt = 0)
{
    return "/" + where.flat_name() + (attempt == 0 ? std::string() : "~" + std::to_string(attempt));
}

// Which of its names the channel's queue has: a word of mechanism[].
inline constexpr std::size_t mqueue_noted_attempt = 3;

// The names follow from that of the channel, so a queue is found whatever was written into the control file. A queue of
// another user is the channel's only where the control file says so.
struct mqueue_leftover {
    static error_code remove(int control_file, location const& where)
    {
        control_copy const channel(control_file);
        bool const ours = channel.is_intact() &&
                          (channel.transport() == mqueue_transport || channel.transport() == packed_mqueue_transport);
        error_code failed;
        for (std::uint64_t attempt = 0; attempt != mqueue_attempts; ++attempt)
            if (::mq_unlink(queue_name(where, attempt).c_str()) != 0 && errno != ENOENT && ours &&
                channel.word(mqueue_noted_attempt) == attempt)
                failed = not_removed("the POSIX queue " + queue_name(where, attempt), errno, channel.owner());
        return failed;
    }
};
static_assert(leftover<mqueue_leftover>);

}  // namespace strait::detail

#endif
