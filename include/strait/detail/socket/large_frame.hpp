// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_LARGE_FRAME_HPP
#define STRAIT_DETAIL_SOCKET_LARGE_FRAME_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/socket/connector.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace strait::detail {

// A frame that is sent around a message that stays where it lies in the caller's memory.
class large_frame {
public:
    explicit large_frame(std::span<std::byte const> message) noexcept
        : header_{static_cast<std::uint32_t>(message.size()), stream_frame::data}, left_(stream_frame::bytes(message.size())),
          whole_(left_)
    {
        parts_[0] = {&header_, sizeof header_};
        parts_[1] = {const_cast<std::byte*>(message.data()), message.size()};
        parts_[2] = {&padding_, left_ - sizeof header_ - message.size()};
    }
    large_frame(large_frame const&) = delete;
    large_frame& operator=(large_frame const&) = delete;

    std::size_t left() const noexcept { return left_; }
    std::size_t sent() const noexcept { return whole_ - left_; }

    // Makes one system call; false, and errno, when nothing has left.
    bool send(int fd) noexcept
    {
        ::msghdr all{};
        all.msg_iov = parts_;
        all.msg_iovlen = std::size(parts_);
        auto const n = ::sendmsg(fd, &all, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
            return false;
        auto left = static_cast<std::size_t>(n);
        left_ -= left;
        for (::iovec& p : parts_) {
            std::size_t const of_it = std::min(left, p.iov_len);
            p = {static_cast<std::byte*>(p.iov_base) + of_it, p.iov_len - of_it};
            left -= of_it;
        }
        return true;
    }

    // Sends as much as leaves up to the deadline. no_receiver: the connection is over.
    template <connector Connector>
    result<void> drain(Connector const& by, int fd, deadline until, std::uint64_t& waits)
    {
        while (left_ != 0) {
            STRAIT_STEP();
            if (send(fd) || errno == EINTR)
                continue;
            if (errno != EAGAIN)
                return errc::no_receiver;
            if (until.is_poll())
                return by.receiver_gone() ? errc::no_receiver : errc::full;
            ++waits;
            if (auto room = wait_for_room(by, fd, POLLOUT, until); !room)
                return room;
        }
        return {};
    }

    void copy_rest(std::byte* to) const noexcept
    {
        for (::iovec const& p : parts_) {
            std::memcpy(to, p.iov_base, p.iov_len);
            to += p.iov_len;
        }
    }

private:
    stream_frame header_;
    std::uint64_t padding_ = 0;
    ::iovec parts_[3];
    std::size_t left_;
    std::size_t whole_;
};

}  // namespace strait::detail

#endif
