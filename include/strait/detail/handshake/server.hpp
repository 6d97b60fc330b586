// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_HANDSHAKE_SERVER_HPP
#define STRAIT_DETAIL_HANDSHAKE_SERVER_HPP

#include <strait/detail/handshake/bytes.hpp>
#include <strait/detail/handshake/parser.hpp>
#include <strait/detail/handshake/protocol.hpp>
#include <strait/detail/os/epoll_set.hpp>
#include <strait/detail/os/timespec.hpp>
#include <strait/detail/socket/listener.hpp>
#include <strait/detail/socket/pending_connections.hpp>
#include <strait/detail/wait/futex.hpp>
#include <strait/detail/wait/inotify_watcher.hpp>
#include <strait/peer.hpp>
#include <strait/wait.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include <sys/timerfd.h>
#include <unistd.h>

namespace strait::detail {

// A client that has connected, and how far its handshake is.
struct pending_connection {
    guarded_descriptor socket;
    peer_identity who;
    server_handshake_parser parser;
};

// Listens for clients and holds their connections until they have greeted. Of more than 64 that are silent the oldest is
// closed.
template <message_layout Both, listener Listener>
class handshake_server {
public:
    explicit handshake_server(Listener from) : listener_(std::move(from)) {}

    // Before anything else.
    error_code start()
    {
        wanted_ = stream_greeting::of(Both, listener_.cookie());
        error_code e = set_.open();
        if (!e)
            e = set_.add(listener_.fd(), nullptr, EPOLLIN);
        // Without inotify a wait that is not in gather() does not learn that the channel was removed.
        if (!e && removal_.add_for_removal(listener_.file()) >= 0)
            e = set_.add(removal_.fd(), &removal_, EPOLLIN);
        return e;
    }

    Listener const& listener() const noexcept { return listener_; }
    epoll_set const& set() const noexcept { return set_; }
    std::uint64_t turned_away() const noexcept { return turned_away_; }
    void count_turned_away() noexcept { ++turned_away_; }

    // From now on gather() says when this descriptor, which has the tag, is readable or its peer is gone.
    error_code watch(int fd, void* tag) { return set_.add(fd, tag, EPOLLIN | EPOLLRDHUP); }

    // The set is readable, and gather() returns, when this time is over. Without a descriptor for that it is not.
    void remind(std::chrono::nanoseconds after)
    {
        if (!timer_) {
            timer_ = guarded_descriptor(descriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)));
            if (!timer_ || set_.add(timer_.get(), timer_tag(), EPOLLIN))
                return;
        }
        ::itimerspec const once{{}, to_timespec(after.count())};
        (void)::timerfd_settime(timer_.get(), 0, &once, nullptr);
    }

    void close(deadline until)
    {
        timer_.reset();
        greeted_.clear();
        silent_.clear();
        set_.close();
        if (listener_.usable())
            listener_.leave(until);
    }

    // Waits for anything to happen, up to the deadline, and by a name for at most a wait slice. Calls other(tag) for each
    // watched descriptor with something to read. removed: no client can come any more.
    template <class Other>
    error_code gather(deadline until, Other other)
    {
        if (!set_.fd())
            return set_.fd().missing();
        std::array<::epoll_event, 64> events;
        error_code failed;
        auto const come = set_.wait(events, listener_.file() >= 0 ? until.capped(wait_slice) : until);
        if (come.empty() && listener_.is_removed(!until.is_poll()))
            return errc::removed;
        for (::epoll_event const& e : come) {
            if (e.data.ptr == &removal_) {
                removal_.read_events([](int, bool) {});
                if (listener_.is_removed(true))
                    failed = errc::removed;
            } else if (!e.data.ptr)
                failed = accept();
            else if (e.data.ptr == timer_tag())
                clear_timer();
            else if (pending_connection* const c = silent_.find(e.data.ptr))
                (void)listen_to(*c);
            else
                other(e.data.ptr);
        }
        return failed;
    }

    bool has_greeted() const noexcept { return !greeted_.empty(); }

    // The next client that has greeted. False: there is none.
    bool take(pending_connection& c)
    {
        if (greeted_.empty())
            return false;
        c = std::move(greeted_.front());
        greeted_.pop_front();
        return true;
    }

private:
    static void* timer_tag() noexcept
    {
        static char tag;
        return &tag;
    }

    void clear_timer() const noexcept
    {
        std::uint64_t times = 0;
        (void)!::read(timer_.get(), &times, sizeof times);
    }

    // False: it is silent still.
    bool listen_to(pending_connection& c)
    {
        auto const p = read_step(c.socket.get(), c.parser, [&] { return c.parser.greet(wanted_, listener_.admits(c.who)); });
        if (p == handshake_progress::waits)
            return false;
        if (c.parser.refusal())
            refuse_client(c.socket.get(), c.parser.refusal());
        set_.remove(c.socket.get());
        auto const done = silent_.take(c);
        if (p == handshake_progress::complete)
            greeted_.push_back(std::move(*done));
        else
            ++turned_away_;
        return true;
    }

    // Many may have come before this look, and what they have said counts.
    error_code accept()
    {
        return accept_some(listener_, turned_away_, [this](descriptor socket, peer_identity const& who) {
            auto& c = silent_.add(std::make_unique<pending_connection>());
            c.socket = guarded_descriptor(std::move(socket));
            c.who = who;
            if (error_code const e = set_.add(c.socket.get(), &c, EPOLLIN | EPOLLRDHUP)) {
                silent_.take(c);
                return e;
            }
            while (pending_connection* const oldest = silent_.surplus()) {
                STRAIT_STEP();
                if (!listen_to(*oldest)) {
                    ++turned_away_;
                    set_.remove(oldest->socket.get());
                    silent_.take(*oldest);
                }
            }
            return error_code();
        });
    }

    Listener listener_;
    stream_greeting wanted_;
    epoll_set set_;
    inotify_watcher removal_;  // of the channel's files
    pending_connections<pending_connection> silent_;
    std::deque<pending_connection> greeted_;
    guarded_descriptor timer_;
    std::uint64_t turned_away_ = 0;
};

}  // namespace strait::detail

#endif
