// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_CONNECTION_SET_HPP
#define STRAIT_DETAIL_SOCKET_CONNECTION_SET_HPP

#include <strait/detail/frame/stream_parser.hpp>
#include <strait/detail/membership/control_file.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/epoll_set.hpp>
#include <strait/detail/os/process.hpp>
#include <strait/detail/socket/listener.hpp>
#include <strait/detail/socket/pending_connections.hpp>
#include <strait/detail/socket/stream_connection.hpp>
#include <strait/detail/socket/stream_sessions.hpp>
#include <strait/detail/wait/futex.hpp>
#include <strait/serialization/layout.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/resource.h>

namespace strait::detail {

// The connections of a receiver over stream sockets, and which of them may have something to read, in turns.
//
// The bytes of a Connection may come by memory, of which the socket says nothing. Then it also has
//   has_more()       whether something new is in the memory; a look that costs no system call
//   announce()       says in memory that the receiver is about to sleep: what the sender writes later makes the socket readable
//   awake()          says that it does not sleep any more
//   signal()         its socket is readable: the next read() looks at it, too
//   fence            an asymmetric_fence
template <message_layout L, listener Listener, class Sessions = no_acknowledgement, class Connection = stream_connection>
    requires stream_sessions<Sessions, Connection>
class connection_set {
    using progress = stream_progress;
    static constexpr bool by_memory = requires(Connection& c) { c.announce(); };

public:
    connection_set(Listener from, std::uint64_t limit, Sessions sessions) : listener_(std::move(from)), sessions_(std::move(sessions))
    {
        rules_.limit = limit;
        rules_.fixed_size = L.fixed_size;
        rules_.introduction = Sessions::introduction;
        rules_.handles = L.handles;
    }

    // Before start(): what a sender of another type is told of ours.
    void describe(message_type const& type) noexcept { rules_.type = type.description(); }

    // Before anything else.
    error_code start()
    {
        rules_.greeting = stream_greeting::of(L, listener_.cookie(), Sessions::protocol);
        rules_.packet = listener_.packet();
        error_code const e = set_.open();
        return e || listener_.fd() < 0 ? e : set_.add(listener_.fd(), nullptr, EPOLLIN);
    }

    // Takes a connection that was accepted, or that needs no accepting.
    error_code add(descriptor socket, peer_identity const& who)
    {
        auto come = std::make_unique<Connection>(std::move(socket), who, rules_, ++come_);
        if (!listener_.admits(who))  // which may throw
            come->refuse();
        Connection& c = pending_.add(std::move(come));
        if (error_code const e = set_.add(c.fd(), &c, EPOLLIN | EPOLLRDHUP)) {
            pending_.take(c);
            return e;
        }
        while (Connection* const oldest = pending_.surplus()) {
            STRAIT_STEP();
            look_for_the_last_time(*oldest);
        }
        return {};
    }

    // The peer of the only connection is this process and no other one: when it has ended, so has the connection, even
    // if another process holds a copy of its socket. Where that cannot be watched only the socket says so.
    void watch_process(::pid_t peer)
    {
        if (peer <= 0)
            return;
        process_ = guarded_descriptor(process_descriptor(peer));
        if (process_)
            (void)set_.add(process_.get(), process_tag(), EPOLLIN);
    }

    // What left by the only connection, which was given to the receiver, is waited for when the receiver closes.
    void await_delivery() noexcept { awaits_delivery_ = true; }

    // Where there is only a connection that was given to the receiver, its socket may carry the other direction, too:
    // what is unread must not harm that, nor, where it is to be waited for, what still comes.
    void close(deadline until) noexcept
    {
        if (listener_.fd() < 0) {
            deadline const delivered = awaits_delivery_ ? until : deadline::poll();
            for (auto const& c : connections_)
                c->discard_until_delivered(delivered);
            pending_.for_each([&](Connection& c) { c.discard_until_delivered(delivered); });
        }
        ready_.clear();
        connections_.clear();
        pending_.clear();
        process_.reset();
        set_.close();
    }

    Listener& listener() noexcept { return listener_; }
    Listener const& listener() const noexcept { return listener_; }
    Sessions& sessions() noexcept { return sessions_; }
    guarded_descriptor const& fd() const noexcept { return set_.fd(); }
    std::uint64_t turned_away() const noexcept { return turned_away_; }

    // How often the channel has refused an end, and why the last one. With an address no end of another type is found before it greets.
    refusals refused() const noexcept
    {
        refusals r = read_refusals(listener_.file());
        r.count += refused_;
        constexpr std::string_view met = "a sender of another message type or transport was refused when it connected";
        if (r.text[0] == '\0' && refused_ != 0)
            met.copy(r.text, met.size());
        return r;
    }

    // The connections that may have something to read; most operations are on the first of them.
    bool empty() const noexcept { return ready_.empty(); }
    std::size_t count() const noexcept { return ready_.size(); }
    Connection& front() noexcept { return *ready_.front(); }
    progress next() { return next_of(front()); }

    // One read of the first. Descriptors that came with unfinished messages are bounded over all connections: when they
    // are more than a quarter of what this process can have open, the connection that has held some for the longest
    // time goes.
    progress read()
    {
        Connection& c = front();
        std::size_t const before = c.held_handles();
        progress const p = c.read();
        if (p == progress::drained && process_ended_) [[unlikely]]
            return progress::died;
        if constexpr (L.handles)
            if (c.held_handles() > before) [[unlikely]] {
                c.handles_came = ++handles_came_;
                bound_early_handles(c);
            }
        return p;
    }

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
    void rest()
    {
        front().is_queued = false;
        ready_.pop_front();
    }

    // The first is over, whether its sender or this receiver has ended it.
    void finish() { remove(*ready_.front()); }
    void turn_away()
    {
        ++turned_away_;
        finish();
    }

    // Looks for something to read without waiting; false: there is nothing. A single connection is read, which takes less
    // than asking the kernel about all of them first. Others may come meanwhile: after 64 such reads, or 20 us without
    // any, all are asked.
    bool glance()
    {
        if constexpr (by_memory) {
            if (connections_.empty() || pending_.size() != 0 || !ready_.empty() || out_of_descriptors_ || process_ended_)
                return gather(deadline::poll());
            bool const seen = look_into_memory();
            if (seen ? ++glances_ % 64 == 0 : deadline::now() - gathered_at_ > 20'000)
                return gather(deadline::poll()) || seen;
            return seen;
        }
        if (connections_.size() != 1 || pending_.size() != 0 || !ready_.empty() || out_of_descriptors_)
            return gather(deadline::poll());
        if (process_ended_) [[unlikely]]
            return gather(deadline::poll());
        bool const found = connections_.front()->read() != progress::drained;
        if (found)
            note_ready(*connections_.front());
        if (found ? ++glances_ % 64 == 0 : deadline::now() - gathered_at_ > 20'000)
            return gather(deadline::poll()) || found;
        return found;
    }

    // Accepts up to 32 connections that have come and notes which have something to read; waits for that up to the
    // deadline. False: there is nothing. While many have something to read no others are accepted.
    bool gather(deadline until)
    {
        gathered_at_ = deadline::now();
        std::array<::epoll_event, 64> events;
        bool const sleeps = by_memory && !until.is_poll();
        bool seen = false;
        if constexpr (by_memory) {
            if (sleeps)
                announce();
            seen = look_into_memory();
            // A sender that cannot run membarrier(2) may have missed the announcement: look again after a slice.
            until = seen ? deadline::poll() : until.capped(wait_slice);
            STRAIT_CRASH_POINT("sealed: about to sleep");
        }
        auto const come = set_.wait(events, until);
        if constexpr (by_memory)
            if (sleeps)
                awake();
        bool any_new = false;
        for (::epoll_event const& e : come)
            if (e.data.ptr == process_tag()) [[unlikely]]
                end_process();
            else if (e.data.ptr) {
                auto& c = *static_cast<Connection*>(e.data.ptr);
                if constexpr (by_memory)
                    c.signal();
                note_ready(c);
            }
            else
                any_new = true;
        if (any_new && ready_.size() < events.size())  // last, since it may close connections
            accept();
        return seen || !come.empty();
    }

    // From now on senders make the set's descriptor readable when they have written something. False: some have already.
    bool arm()
        requires by_memory
    {
        armed_ = true;
        announce();
        return !look_into_memory();
    }
    void disarm() noexcept
        requires by_memory
    {
        armed_ = false;
        awake();
    }

    // Nothing can be accepted, since this process has no descriptors left. Then try_again() before looking.
    bool is_out_of_descriptors() const noexcept { return out_of_descriptors_; }
    void try_again()
    {
        out_of_descriptors_ = false;
        (void)set_.modify(listener_.fd(), nullptr, EPOLLIN);
    }

    // No sender has a connection. Those that never greeted are not counted, unless no other can come.
    bool no_sender() const noexcept { return connections_.empty() && (listener_.fd() >= 0 || pending_.size() == 0); }

    // Whether the process of the only connection has ended: then each read counts, since nothing comes later.
    bool has_process_ended() const noexcept { return process_ended_; }

    // Closes the connections of senders that have gone, as the control file says, while other processes hold copies of
    // their sockets.
    void drop_all()
    {
        while (!connections_.empty()) {
            STRAIT_STEP();
            remove(*connections_.back());
        }
    }

    // Gives back memory that large messages needed.
    void shrink() noexcept
    {
        for (auto const& c : connections_)
            c->shrink();
    }

private:
    progress next_of(Connection& c)
    {
        progress p = c.next();
        if (p == progress::greeted) [[unlikely]]
            p = welcome(c);
        else if (p == progress::refused) [[unlikely]]
            refused_ += c.is_newly_refused();
        if constexpr (Sessions::acknowledges) {
            if (c.is_greeted() && !c.session) [[unlikely]]
                return progress::refused;  // asked once more
            while (p == progress::message && sessions_.skip(c)) {
                STRAIT_STEP();
                p = c.next();
            }
        }
        return p;
    }

    [[gnu::noinline, gnu::cold]] progress welcome(Connection& c)
    {
        connections_.push_back(pending_.take(c));
        Connection* older = nullptr;
        if (errc const wrong = sessions_.admit(c, older); wrong != errc()) {
            c.reject(wrong);
            return progress::refused;
        }
        if (older)
            remove(*older);
        if constexpr (by_memory)
            if (armed_) {  // it was not there when the others were told
                c.announce();
                c.fence.heavy();  // pairs with the light() of the sender that has published
            }
        return c.next();
    }

    void announce()
        requires by_memory
    {
        for (auto const& c : connections_)
            c->announce();
        if (!connections_.empty())
            connections_.front()->fence.heavy();  // pairs with the light() of each sender that has published
    }
    void awake() noexcept
        requires by_memory
    {
        for (auto const& c : connections_)
            c->awake();
    }

    // Notes the connections that have something new in memory; false: none has.
    bool look_into_memory()
        requires by_memory
    {
        bool seen = false;
        for (auto const& c : connections_) {
            STRAIT_STEP();
            if (c->has_more()) {
                note_ready(*c);
                seen = true;
            }
        }
        return seen;
    }

    // What a silent peer has said by now counts; else it goes.
    void look_for_the_last_time(Connection& c)
    {
        progress p = c.read();
        if (p == progress::more)
            p = next_of(c);
        if (c.is_greeted() && p != progress::refused) {
            note_ready(c);
        }
        else {
            ++turned_away_;
            remove(c);
        }
    }

    // Tells the event of the process from those of connections.
    static void* process_tag() noexcept
    {
        static char tag;
        return &tag;
    }

    [[gnu::noinline, gnu::cold]] void end_process()
    {
        process_ended_ = true;
        set_.remove(process_.get());
        process_.reset();
        for (auto const& c : connections_)
            note_ready(*c);
        pending_.for_each([this](Connection& c) { note_ready(c); });
    }

    void note_ready(Connection& c)
    {
        if (!std::exchange(c.is_queued, true))
            ready_.push_back(&c);
    }

    void bound_early_handles(Connection const& newest)
    {
        std::size_t held = 0;
        Connection* oldest = nullptr;
        for (auto const& c : connections_)
            if (c.get() == &newest || c->has_early_handles()) {
                held += c->held_handles();
                if (c.get() != &newest && (!oldest || c->handles_came < oldest->handles_came))
                    oldest = c.get();
            }
        if (oldest && held > most_early_handles()) {
            ++turned_away_;
            remove(*oldest);
        }
    }

    static std::size_t most_early_handles() noexcept
    {
        ::rlimit limit{};
        bool const known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0;
        return std::max<std::size_t>(known ? limit.rlim_cur / 4 : 0, 2 * stream_frame::most_handles);
    }

    void remove(Connection& c)
    {
        sessions_.left(c);
        std::erase(ready_, &c);
        set_.remove(c.fd());  // closing would not, where a sender has this socket, too
        if (!pending_.take(c))
            std::erase_if(connections_, [&c](auto const& held) { return held.get() == &c; });
    }

    // Out of descriptors, the listener is left alone until try_again(), since epoll would report it without end.
    void accept()
    {
        error_code const e = accept_some(listener_, turned_away_, [this](descriptor socket, peer_identity const& who) {
            if (add(std::move(socket), who))
                ++turned_away_;
            return error_code();
        });
        if (e == errc::descriptor_limit || e == errc::out_of_memory) {
            out_of_descriptors_ = true;
            (void)set_.modify(listener_.fd(), nullptr, 0);
        }
    }

    Listener listener_;
    [[no_unique_address]] Sessions sessions_;
    stream_rules rules_;
    epoll_set set_;
    pending_connections<Connection> pending_;
    std::vector<std::unique_ptr<Connection>> connections_;  // that have greeted
    std::deque<Connection*> ready_;
    std::uint64_t come_ = 0;  // connections, so far
    std::uint64_t handles_came_ = 0;  // reads that have brought descriptors
    std::uint64_t turned_away_ = 0;
    std::uint64_t refused_ = 0;  // senders of another type or protocol
    std::int64_t gathered_at_ = 0;
    unsigned glances_ = 0;  // that found something
    guarded_descriptor process_;  // readable when the only peer has ended
    bool process_ended_ = false;
    bool awaits_delivery_ = false;
    bool out_of_descriptors_ = false;
    bool armed_ = false;
};

}  // namespace strait::detail

#endif
