// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_UNIX_SOCKET_SOCKET_PAIR_HPP
#define STRAIT_DETAIL_UNIX_SOCKET_SOCKET_PAIR_HPP

#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/unix_socket/socket.hpp>
#include <strait/error.hpp>

#include <utility>

#include <sys/socket.h>

namespace strait::detail {

// Two connected sockets, of which the ends of a channel without a name are made. The kernel lets each end know of the other's
// death, whichever processes have held the descriptors. `Pair` derives from this and makes the ends:
//
//   result<Sender> make_sender(descriptor)
//   result<Receiver> make_receiver(descriptor)
//
// Distinct objects: safe. Shared objects: unsafe.
template <class Pair, class Sender, class Receiver>
class socket_pair {
public:
    result<Sender> sender() &&
    {
        receives_.reset();
        return take_sender();
    }
    result<Receiver> receiver() &&
    {
        sends_.reset();
        return take_receiver();
    }
    result<std::pair<Sender, Receiver>> split() &&
    {
        auto r = take_receiver();
        if (!r)
            return r.error();
        auto s = take_sender();
        if (!s)
            return s.error();
        return std::pair(std::move(*s), std::move(*r));
    }

protected:
    error_code connect(unix_kind const& kind)
    {
        int fds[2];
        if (::socketpair(AF_UNIX, kind.type | SOCK_CLOEXEC, 0, fds) != 0)
            return last_failure();
        sends_.reset(fds[0]);
        receives_.reset(fds[1]);
        if (!sends_ || !receives_)
            return errc::descriptor_limit;
        for (int const fd : {sends_.get(), receives_.get()})
            if (error_code const e = set_socket_buffers(fd, kind))
                return e;
        return {};
    }

private:
    Pair& self() noexcept { return static_cast<Pair&>(*this); }

    // not_open: the other end was made alone.
    result<Sender> take_sender() { return sends_ ? self().make_sender(std::move(sends_)) : result<Sender>(errc::not_open); }
    result<Receiver> take_receiver() { return receives_ ? self().make_receiver(std::move(receives_)) : result<Receiver>(errc::not_open); }

    descriptor sends_;
    descriptor receives_;
};

}  // namespace strait::detail

#endif
