// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INET_NAME_HPP
#define STRAIT_DETAIL_INET_NAME_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/inet/socket.hpp>
#include <strait/detail/membership/backing_object.hpp>
#include <strait/detail/membership/membership.hpp>

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

namespace strait::detail {

// What is sent lies in the kernel, in sockets that have no name on the host. Each network name space has a loopback of
// its own.
struct tcp_mechanism : no_backing_object {
    static constexpr kernel_space needs = kernel_space::net;
};
static_assert(backing_object<tcp_mechanism>);

// A channel over tcp or udp that has a name. Its control file says at which port of the loopback the receiver listens, and
// holds a cookie that only this user can read and that every sender must show, since any user can reach the port.
class inet_name {
public:
    inet_name(participant member, location where) : member_(std::move(member)), where_(std::move(where)) {}

    struct listening {
        inet_address at;
        stream_cookie cookie;
    };

    // Words of the control block: mechanism[0] is the port, plus 65536 for IPv6, 0 for none, and is written last; [1] and
    // [2] are the cookie.
    void publish(inet_address const& at, stream_cookie const& cookie) const noexcept
    {
        auto& words = member_.block().mechanism;
        words[1].store(cookie[0], std::memory_order_release);  // behind withdraw(); pairs with find()
        words[2].store(cookie[1], std::memory_order_release);
        words[0].store(word_of(at), std::memory_order_release);
        member_.signal();
    }

    // Whether this receiver is still the one to send to, as far as the control file says.
    bool is_at(inet_address const& at, stream_cookie const& cookie) const noexcept
    {
        auto const& words = member_.block().mechanism;
        return words[0].load(std::memory_order_relaxed) == word_of(at) && words[1].load(std::memory_order_relaxed) == cookie[0];
    }

    void withdraw() const noexcept { member_.block().mechanism[0].store(0, std::memory_order_release); }  // pairs with find()

    std::optional<listening> find() noexcept
    {
        seen_ = member_.event();  // before looking: a receiver that comes after this wakes pause()
        auto& words = member_.block().mechanism;
        std::uint64_t const port = words[0].load(std::memory_order_acquire);  // pairs with publish()
        stream_cookie const cookie{words[1].load(std::memory_order_acquire), words[2].load(std::memory_order_acquire)};
        // The port is read again: the next receiver's cookie must not be shown to a stranger who has the last receiver's
        // port. A new cookie is seen only after the withdrawal before it.
        bool const possible = (port & 0xffff) != 0 && port <= 0x1'ffff;  // is_at() compares the whole word
        if (!possible || words[0].load(std::memory_order_relaxed) != port || !member_.any_alive(role::receiver))
            return std::nullopt;
        return listening{inet_address::loopback(port & 0x10000 ? AF_INET6 : AF_INET, static_cast<std::uint16_t>(port)), cookie};
    }

    void pause(deadline until) const noexcept { member_.wait_event(seen_, until); }
    participant const& member() const noexcept { return member_; }
    void count_in() noexcept { member_.count_in(); }
    void leave(deadline until) noexcept
    {
        tcp_mechanism m;
        membership<tcp_mechanism>::leave(member_, where_, m, until);
    }

private:
    static std::uint64_t word_of(inet_address const& at) noexcept
    {
        return at.port() | (at.family() == AF_INET6 ? 0x10000U : 0U);
    }

    participant member_;
    location where_;
    std::uint32_t seen_ = 0;
};

}  // namespace strait::detail

#endif
