// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_UDP_PROXY_HPP
#define SUPPORT_UDP_PROXY_HPP

#include <support/child.hpp>
#include <support/messages.hpp>
#include <support/shared_page.hpp>

#include <strait/detail/inet/socket.hpp>

#include <atomic>
#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

namespace support {

/// What a network does to the datagrams through a udp_proxy: of 1,000 on their way to the receiver so many are ...
struct udp_faults {
    std::atomic<std::uint64_t> dropped{0};
    std::atomic<std::uint64_t> doubled{0};
    std::atomic<std::uint64_t> late{0};  ///< passed on behind the next one
    std::atomic<std::uint64_t> passed{0};  ///< counts
    std::atomic<std::uint64_t> lost{0};    ///< counts
};

/// A process between the senders and the receiver of a channel over UDP.
class udp_proxy {
public:
    explicit udp_proxy(std::uint16_t to)
        : socket_(bound()), port_(strait::detail::inet_address::of(socket_.get()).port()), process_([&] { serve(to); })
    {
        socket_.reset();
    }

    std::string where() const { return "127.0.0.1:" + std::to_string(port_); }
    udp_faults* operator->() const noexcept { return faults_.operator->(); }

private:
    using descriptor = strait::detail::descriptor;

    struct sender {
        strait::detail::inet_address address;
        descriptor onward;
    };

    static descriptor bound()
    {
        auto s = strait::detail::inet_listen(strait::detail::inet_address::loopback(AF_INET, 0), SOCK_DGRAM, {4 << 20}).value();
        return s;
    }

    void serve(std::uint16_t to)
    {
        std::list<sender> senders;
        std::vector<char> bytes(65536);
        std::string held;
        int held_for = -1;
        std::uint64_t draw = 0;
        auto const onward = [&](int fd, void const* data, std::size_t size) {
            (void)!::send(fd, data, size, MSG_NOSIGNAL);
            ++faults_->passed;
        };
        for (;;) {
            std::vector<::pollfd> waiting{{socket_.get(), POLLIN, 0}};
            for (sender const& s : senders)
                waiting.push_back({s.onward.get(), POLLIN, 0});
            ::poll(waiting.data(), waiting.size(), 5);
            for (sender const& s : senders)
                if (auto const n = ::recv(s.onward.get(), bytes.data(), bytes.size(), MSG_DONTWAIT); n >= 0)
                    (void)!::sendto(socket_.get(), bytes.data(), static_cast<std::size_t>(n), 0, s.address.get(), s.address.size);
            strait::detail::inet_address from;
            from.size = sizeof from.storage;
            auto const n = ::recvfrom(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT, from.get(), &from.size);
            if (n < 0) {
                if (held_for >= 0)  // nothing comes behind it
                    onward(std::exchange(held_for, -1), held.data(), held.size());
                continue;
            }
            int const fd = known(senders, from, to);
            std::uint64_t const fate = mixed(++draw) % 1000;
            if (fate < faults_->dropped) {
                ++faults_->lost;
                continue;
            }
            if (held_for < 0 && fate < faults_->dropped + faults_->late) {
                held.assign(bytes.data(), static_cast<std::size_t>(n));
                held_for = fd;
                continue;
            }
            onward(fd, bytes.data(), static_cast<std::size_t>(n));
            if (fate >= 1000 - faults_->doubled)
                onward(fd, bytes.data(), static_cast<std::size_t>(n));
            if (held_for >= 0)
                onward(std::exchange(held_for, -1), held.data(), held.size());
        }
    }

    static int known(std::list<sender>& senders, strait::detail::inet_address const& from, std::uint16_t to)
    {
        for (sender const& s : senders)
            if (s.address == from)
                return s.onward.get();
        auto const address = strait::detail::inet_address::loopback(AF_INET, to);
        sender& s = senders.emplace_back(sender{from, descriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))});
        (void)::connect(s.onward.get(), address.get(), address.size);
        return s.onward.get();
    }

    shared_object<udp_faults> faults_;
    descriptor socket_;
    std::uint16_t port_;
    child process_;
};

}  // namespace support

#endif
