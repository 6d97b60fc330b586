// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_TCP_PROXY_HPP
#define SUPPORT_TCP_PROXY_HPP

#include <support/child.hpp>
#include <support/messages.hpp>
#include <support/shared_page.hpp>

#include <strait/detail/inet/socket.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

namespace support {

/// What a network does to the connections through a tcp_proxy; may be changed at any time.
struct tcp_faults {
    std::atomic<std::uint64_t> segment{0};       ///< bytes that are passed on at a time; 0: as they come
    std::atomic<std::uint64_t> delay{0};         ///< microseconds that each of these is held back
    std::atomic<std::uint64_t> stalled{0};       ///< nothing is passed on, and nobody is told
    std::atomic<std::uint64_t> cuts_left{0};     ///< connections that break ...
    std::atomic<std::uint64_t> cut_within{1};    ///< ... at a random byte of so many, in one direction or the other
    std::atomic<std::uint64_t> cut_at{0};        ///< each connection breaks before this byte to the receiver; 0: none does
    std::atomic<std::uint64_t> cuts{0};          ///< connections that were broken
    std::atomic<std::uint64_t> connections{0};   ///< that have come
};

/// A process between the senders and the receiver of a channel over TCP. Its breaks are orderly ends (FIN) and resets (RST) in turns.
class tcp_proxy {
public:
    explicit tcp_proxy(std::uint16_t to)
        : listener_(listen()), port_(strait::detail::inet_address::of(listener_.get()).port()), process_([&] { serve(to); })
    {
        listener_.reset();
    }

    std::string where() const { return "127.0.0.1:" + std::to_string(port_); }
    tcp_faults* operator->() const noexcept { return faults_.operator->(); }
    void kill() { process_.kill(); }

private:
    using descriptor = strait::detail::descriptor;

    struct direction {
        std::array<char, 16384> bytes;
        std::size_t begin = 0, end = 0;
        std::uint64_t passed = 0;
        std::uint64_t cut_at = ~std::uint64_t{0};
        std::chrono::steady_clock::time_point due;
        bool over = false;
    };

    struct connection {
        descriptor ends[2];  // the sender's, the receiver's
        direction ways[2];   // from that end
    };

    static descriptor listen()
    {
        return strait::detail::inet_listen(strait::detail::inet_address::loopback(AF_INET, 0), SOCK_STREAM, {}).value();
    }

    void serve(std::uint16_t to)
    {
        std::vector<std::unique_ptr<connection>> all;
        std::uint64_t draw = 1;
        for (;;) {
            std::vector<::pollfd> waiting{{listener_.get(), POLLIN, 0}};
            bool held = faults_->stalled != 0;
            for (auto const& c : all)
                for (int from : {0, 1}) {
                    direction const& w = c->ways[from];
                    bool const full = w.begin != w.end;
                    held = held || full;
                    waiting.push_back({c->ends[from].get(), static_cast<short>(full || w.over ? 0 : POLLIN), 0});
                }
            ::poll(waiting.data(), waiting.size(), held ? 1 : 20);
            if (waiting[0].revents != 0)
                accept(to, all, draw);
            if (faults_->stalled == 0)
                std::erase_if(all, [&](auto& c) { return !pass_on(*c); });
        }
    }

    void accept(std::uint16_t to, std::vector<std::unique_ptr<connection>>& all, std::uint64_t& draw)
    {
        auto c = std::make_unique<connection>();
        c->ends[0].reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        c->ends[1].reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        auto const address = strait::detail::inet_address::loopback(AF_INET, to);
        if (!c->ends[0] || ::connect(c->ends[1].get(), address.get(), address.size) != 0)
            return;  // nobody there: its end shows
        for (descriptor const& d : c->ends)
            strait::detail::set_option(d.get(), IPPROTO_TCP, TCP_NODELAY, 1);
        if (auto const at = faults_->cut_at.load(); at != 0)
            c->ways[0].cut_at = at - 1;
        else if (faults_->cuts_left != 0) {
            // Often so early that a greeting is hit, or a record of what comes back.
            std::uint64_t const r = mixed(++draw);
            bool const backward = r % 8 == 1;
            c->ways[backward].cut_at = mixed(r) % (backward ? 40 : r % 4 == 0 ? 200 : faults_->cut_within.load());
        }
        ++faults_->connections;
        all.push_back(std::move(c));
    }

    // False: it is over.
    bool pass_on(connection& c)
    {
        for (int from : {0, 1}) {
            direction& w = c.ways[from];
            if (w.begin == w.end && !w.over) {
                auto const n = ::recv(c.ends[from].get(), w.bytes.data(), w.bytes.size(), MSG_DONTWAIT);
                if (n < 0 && errno != EAGAIN)
                    return reset(c);
                if (n == 0) {
                    w.over = true;
                    ::shutdown(c.ends[1 - from].get(), SHUT_WR);
                }
                w.begin = 0;
                w.end = static_cast<std::size_t>(std::max<::ssize_t>(n, 0));
                w.due = std::chrono::steady_clock::now() + std::chrono::microseconds(faults_->delay);
            }
            while (w.begin != w.end && std::chrono::steady_clock::now() >= w.due) {
                std::uint64_t const segment = faults_->segment != 0 ? faults_->segment.load() : w.bytes.size();
                std::uint64_t const most = std::min<std::uint64_t>({segment, w.end - w.begin, w.cut_at - w.passed});
                if (most == 0)
                    return cut(c);
                auto const n = ::send(c.ends[1 - from].get(), w.bytes.data() + w.begin, most, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (n < 0 && errno != EAGAIN)
                    return reset(c);
                if (n < 0)
                    break;
                w.begin += static_cast<std::size_t>(n);
                w.passed += static_cast<std::uint64_t>(n);
            }
        }
        return !(c.ways[0].over && c.ways[1].over);
    }

    bool cut(connection& c)
    {
        if (faults_->cut_at == 0) {
            if (faults_->cuts_left == 0) {  // enough of it
                for (direction& w : c.ways)
                    w.cut_at = ~std::uint64_t{0};
                return true;
            }
            --faults_->cuts_left;
        }
        return ++faults_->cuts % 2 == 0 ? reset(c) : false;
    }

    static bool reset(connection& c)
    {
        for (descriptor const& d : c.ends) {
            ::linger const at_once{1, 0};
            ::setsockopt(d.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
        return false;
    }

    shared_object<tcp_faults> faults_;
    descriptor listener_;
    std::uint16_t port_;
    child process_;
};

}  // namespace support

#endif
