// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_HANDSHAKE_SERVER_HPP
#define STRAIT_DETAIL_HANDSHAKE_SERVER_HPP

#include <strait/detail/handshake/protocol.hpp>
#include <strait/detail/os/epoll_set.hpp>
#include <strait/peer.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include <sys/socket.h>

namespace strait::detail {

// Somebody who speaks our language and wants to be connected.
struct pending_connection {
    guarded_descriptor socket;
    peer_identity who;
};

inline void answer(int fd, handshake_answer const& a) noexcept { (void)!::send(fd, &a, sizeof a, MSG_NOSIGNAL | MSG_DONTWAIT); }

inline void refuse(int fd, error_code const& why) noexcept
{
    handshake_answer a;
    bool const ours = why.category() == error_category();
    a.why = static_cast<std::uint32_t>(ours ? static_cast<errc>(why.value()) : errc::no_receiver);
    answer(fd, a);
}

// Where those wait who have come to an acceptor, until they have greeted. At most 64 may be silent: then the oldest goes.
// A Listener is that of socket/connection_set.hpp.
template <message_layout Both, class Listener>
class handshake_server {
    struct stranger {
        guarded_descriptor socket;
        peer_identity who;
        std::array<std::byte, sizeof(stream_greeting)> said;
        std::size_t size = 0;
    };
    enum class word : std::uint8_t { silent, greeted, gone };

public:
    explicit handshake_server(Listener l) : listener_(std::move(l)) {}

    error_code start()
    {
        error_code const e = set_.open();
        return e ? e : set_.add(listener_.fd(), nullptr, EPOLLIN);
    }

    Listener const& listener() const noexcept { return listener_; }
    epoll_set& set() noexcept { return set_; }
    epoll_set const& set() const noexcept { return set_; }
    std::uint64_t turned_away() const noexcept { return turned_away_; }
    void count_turned_away() noexcept { ++turned_away_; }

    void close(deadline until)
    {
        greeted_.clear();
        strangers_.clear();
        set_.close();
        if (listener_.usable())
            listener_.leave(until);
    }

    // Waits up to the deadline for anything to happen. `other(tag)` is told of descriptors that the acceptor has added.
    template <class Other>
    error_code gather(deadline until, Other other)
    {
        if (!set_.fd())
            return set_.fd().missing();
        std::array<::epoll_event, 64> events;
        error_code failed;
        for (::epoll_event const& e : set_.wait(events, until)) {
            if (!e.data.ptr)
                failed = accept_all();
            else if (auto const s = std::find_if(strangers_.begin(), strangers_.end(),
                                                 [&](auto const& known) { return known.get() == e.data.ptr; });
                     s != strangers_.end())
                listen_to(s);
            else
                other(e.data.ptr);
        }
        return failed;
    }

    bool take(pending_connection& g)
    {
        if (greeted_.empty())
            return false;
        g = std::move(greeted_.front());
        greeted_.pop_front();
        return true;
    }

private:
    static constexpr std::ptrdiff_t most_silent = 64;
    using strangers = std::vector<std::unique_ptr<stranger>>;

    word hear(stranger& s) const
    {
        while (s.size != s.said.size()) {
            auto const n = ::recv(s.socket.get(), s.said.data() + s.size, s.said.size() - s.size, MSG_DONTWAIT);
            if (n > 0)
                s.size += static_cast<std::size_t>(n);
            else if (n < 0 && errno == EAGAIN)
                return word::silent;
            else if (n == 0 || errno != EINTR)
                return word::gone;
        }
        stream_greeting g;
        std::memcpy(&g, s.said.data(), sizeof g);
        error_code wrong = g.check(stream_greeting::of(Both, listener_.cookie()));
        if constexpr (requires { listener_.admits(s.who); })
            if (!listener_.admits(s.who))
                wrong = errc::refused;
        if (wrong) {
            refuse(s.socket.get(), wrong);
            return word::gone;
        }
        return word::greeted;
    }

    // False: silent still.
    bool listen_to(typename strangers::iterator s)
    {
        word const w = hear(**s);
        if (w == word::silent)
            return false;
        set_.remove((*s)->socket.get());
        if (w == word::greeted)
            greeted_.push_back({std::move((*s)->socket), (*s)->who});
        else
            ++turned_away_;
        strangers_.erase(s);
        return true;
    }

    // Many may have come before we looked, and what they have said counts.
    error_code accept_all()
    {
        for (;;) {
            auto come = listener_.accept();
            if (!come) {
                if (come.error() == errc::busy) {
                    ++turned_away_;
                    continue;
                }
                return come.error() == errc::empty ? error_code() : come.error();
            }
            strangers_.push_back(std::make_unique<stranger>());
            stranger& s = *strangers_.back();
            s.socket = guarded_descriptor(std::move(come->first));
            s.who = come->second;
            if (error_code const e = set_.add(s.socket.get(), &s, EPOLLIN | EPOLLRDHUP)) {
                strangers_.pop_back();
                return e;
            }
            if (strangers_.size() > static_cast<std::size_t>(most_silent) && !listen_to(strangers_.begin())) {
                ++turned_away_;
                set_.remove(strangers_.front()->socket.get());
                strangers_.erase(strangers_.begin());
            }
        }
    }

    Listener listener_;
    epoll_set set_;
    strangers strangers_;
    std::deque<pending_connection> greeted_;
    std::uint64_t turned_away_ = 0;
};

}  // namespace strait::detail

#endif
