// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_CONNECTION_SET_HPP
#define STRAIT_DETAIL_SOCKET_CONNECTION_SET_HPP

#include <strait/detail/os/epoll_set.hpp>
#include <strait/detail/socket/no_acknowledgement.hpp>
#include <strait/detail/socket/stream_connection.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

namespace strait::detail {

// Connections that have not greeted yet; then the oldest goes.
inline constexpr std::size_t most_silent = 64;

// Who has come to a receiver over stream sockets, and which of them may have something to read, in turns.
//
// A Listener knows where from:
//   int fd() const                                    to accept on; -1: there is but the connection given at first
//   result<std::pair<descriptor, peer_identity>> accept()   errc::empty: nobody; busy: somebody came who was turned away
//   end_reason senders_gone(bool slept)               by the channel's control file, if it has one
//   bool has_control_file() const
//   int file() const                                  that of the control file, or -1
//   std::size_t packet() const                        optional: as of a stream_connection
//   bool admits(peer_identity const&) const           optional: false: it is told that it is refused
//   stream_cookie cookie() const
//   bool usable() const, errc missing() const         as for a Connector
//   void leave(deadline)
//
// A Ledger is told what is consumed of whose stream: an session_table, or a no_ledger.
template <message_layout L, class Listener, class Sessions = no_acknowledgement>
class connection_set {
    using progress = stream_connection::progress;

public:
    connection_set(Listener listener, std::uint64_t limit, Sessions sessions)
        : listener_(std::move(listener)), sessions_(std::move(sessions)), limit_(limit)
    {
    }

    error_code start()
    {
        error_code const e = set_.open();
        return e || listener_.fd() < 0 ? e : set_.add(listener_.fd(), nullptr, EPOLLIN);
    }

    // A connection that needs no accepting, or has been accepted.
    error_code add(descriptor socket, peer_identity who)
    {
        auto come = std::make_unique<stream_connection>(std::move(socket), who, packet(), L.handles, Sessions::introduction);
        if constexpr (requires { listener_.admits(who); })
            if (!listener_.admits(who))
                come->refuse();
        connections_.push_back(std::move(come));
        stream_connection& c = *connections_.back();
        if (error_code const e = set_.add(c.fd(), &c, EPOLLIN | EPOLLRDHUP)) {
            connections_.pop_back();
            return e;
        }
        drop_oldest_silent();
        return {};
    }

    void close() noexcept
    {
        ready_.clear();
        connections_.clear();
        set_.close();
    }

    Listener& listener() noexcept { return listener_; }
    Listener const& listener() const noexcept { return listener_; }
    guarded_descriptor const& fd() const noexcept { return set_.fd(); }
    std::uint64_t turned_away() const noexcept { return turned_away_; }

    bool empty() const noexcept { return ready_.empty(); }
    std::size_t count() const noexcept { return ready_.size(); }
    stream_connection& front() noexcept { return *ready_.front(); }

    progress next() { return next_of(front()); }
    progress read() { return front().read(); }

    // So many messages in front of the first are consumed, of which each has this size.
    void release(std::size_t messages, std::size_t size)
    {
        sessions_.consumed(front(), messages, messages * (size + sizeof(stream_frame)));
        front().release(messages);
    }

    // The first goes to the end of the queue.
    void rotate()
    {
        ready_.push_back(ready_.front());
        ready_.pop_front();
    }

    // The first has nothing more to be read now.
    void rest() { ready_.pop_front(); }

    // The first is over, by its own doing or ours.
    void finish() { remove(ready_.front()); }
    Sessions& sessions() noexcept { return sessions_; }
    void turn_away()
    {
        ++turned_away_;
        finish();
    }

    // The same as gather() without waiting: a single connection tells by a read, which takes less than asking for all of
    // them first. Others may come meanwhile: after many such reads, or a while without any, all are asked.
    bool glance()
    {
        if (connections_.size() != 1 || !ready_.empty() || deaf_)
            return gather(deadline::poll());
        bool const found = connections_.front()->read() != progress::drained;
        if (found)
            ready_.push_back(connections_.front().get());
        if (found ? ++glances_ % 64 == 0 : deadline::now() - gathered_at_ > 20'000)
            return gather(deadline::poll()) || found;
        return found;
    }

    // Accepts who has come and notes who has something to read; waits for that up to the deadline. False: nothing.
    bool gather(deadline until)
    {
        gathered_at_ = deadline::now();
        std::array<::epoll_event, 64> events;
        auto const come = set_.wait(events, until);
        for (::epoll_event const& e : come)
            if (auto* const c = static_cast<stream_connection*>(e.data.ptr); !c)
                accept_all();
            else if (std::find(ready_.begin(), ready_.end(), c) == ready_.end() &&
                     std::any_of(connections_.begin(), connections_.end(), [c](auto const& held) { return held.get() == c; }))
                ready_.push_back(c);
        return !come.empty();
    }

    // Out of descriptors: nobody can be accepted. Tries again.
    bool is_deaf() const noexcept { return deaf_; }
    void listen_again()
    {
        deaf_ = false;
        (void)set_.modify(listener_.fd(), nullptr, EPOLLIN);
    }

    // Connections that never greeted are nobody's stream, unless nobody else can come.
    bool no_sender() const noexcept
    {
        if (listener_.fd() < 0)
            return connections_.empty();
        return std::none_of(connections_.begin(), connections_.end(), [](auto const& c) { return c->is_greeted(); });
    }

    // After a while without traffic: gives back what large messages needed.
    void shrink() noexcept
    {
        for (auto const& c : connections_)
            c->shrink();
    }

private:
    progress next_of(stream_connection& c)
    {
        auto const wanted = stream_greeting::of(L, listener_.cookie(), Sessions::protocol);
        progress p = c.next(wanted, limit_, L.fixed_size);
        if constexpr (Sessions::counts) {
            if (p == progress::introduced) [[unlikely]] {
                stream_connection* older = nullptr;
                if (errc const wrong = sessions_.admit(c, older); wrong != errc()) {
                    c.reject(wrong);
                    return progress::refused;
                }
                if (older)
                    remove(older);
                p = c.next(wanted, limit_, L.fixed_size);
            }
            if (c.is_greeted() && !c.session) [[unlikely]]
                return progress::refused;  // asked once more
            while (p == progress::message && sessions_.skip(c))
                p = c.next(wanted, limit_, L.fixed_size);
        }
        return p;
    }

    std::size_t packet() const noexcept
    {
        if constexpr (requires { listener_.packet(); })
            return listener_.packet();
        else
            return 0;
    }

    // Many may have come before we looked, and what they have said counts.
    void drop_oldest_silent()
    {
        auto const silent = [](auto const& c) { return !c->is_greeted(); };
        while (std::count_if(connections_.begin(), connections_.end(), silent) > static_cast<std::ptrdiff_t>(most_silent)) {
            auto* const oldest = std::find_if(connections_.begin(), connections_.end(), silent)->get();
            progress p = oldest->read();
            if (p == progress::more)
                p = next_of(*oldest);
            if (oldest->is_greeted() && p != progress::refused) {
                ready_.push_back(oldest);
                continue;
            }
            ++turned_away_;
            remove(oldest);
        }
    }

    void remove(stream_connection* c)
    {
        sessions_.left(*c);
        std::erase(ready_, c);
        set_.remove(c->fd());  // closing would not, where a sender has this socket, too
        std::erase_if(connections_, [c](auto const& held) { return held.get() == c; });
    }

    // Out of descriptors, the listener is left alone, for epoll would report it for ever.
    void accept_all()
    {
        for (;;) {
            auto come = listener_.accept();
            if (come) {
                if (add(std::move(come->first), come->second))
                    ++turned_away_;
            }
            else if (come.error() == errc::busy) {
                ++turned_away_;
            }
            else {
                if (come.error() == errc::descriptor_limit || come.error() == errc::out_of_memory) {
                    deaf_ = true;
                    (void)set_.modify(listener_.fd(), nullptr, 0);
                }
                return;
            }
        }
    }

    Listener listener_;
    [[no_unique_address]] Sessions sessions_;
    epoll_set set_;
    std::vector<std::unique_ptr<stream_connection>> connections_;
    std::deque<stream_connection*> ready_;
    std::uint64_t limit_;
    std::uint64_t turned_away_ = 0;
    std::int64_t gathered_at_ = 0;
    unsigned glances_ = 0;  // that found something
    bool deaf_ = false;
};

}  // namespace strait::detail

#endif
