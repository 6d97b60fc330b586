// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_STREAM_RECEIVER_HPP
#define STRAIT_DETAIL_STREAM_RECEIVER_HPP

#include <strait/detail/futex.hpp>
#include <strait/detail/stream_connection.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <sys/epoll.h>

namespace strait::detail {

// The receiving end over stream sockets: one listener, any number of senders, taken in turns.
//
// A Listener knows where from:
//   int fd() const                                    to accept on; -1: there is but the connection given at first
//   result<std::pair<descriptor, peer_identity>> accept()   errc::empty: nobody; busy: somebody came who was turned away
//   end_reason senders_gone(bool slept)               by the channel's companion, if it has one
//   bool has_companion() const
//   stream_cookie cookie() const
//   bool usable() const, errc missing() const         as for a Connector
//   void leave(deadline)
template <message_layout L, class Listener>
class stream_receiver {
    using progress = stream_connection::progress;

public:
    static constexpr std::size_t most_silent = 64;  // connections that have not greeted yet; then the oldest goes

    static result<stream_receiver> make(Listener listener, std::uint64_t limit, std::chrono::nanoseconds linger)
    {
        descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
        if (!epoll) {
            error_code const e = last_failure();
            listener.leave(deadline::after(linger));
            return e;
        }
        stream_receiver r(std::move(listener), std::move(epoll), limit, linger);
        if (r.listener_.fd() >= 0)
            if (auto watched = r.watch(r.listener_.fd(), nullptr, EPOLL_CTL_ADD, EPOLLIN); !watched)
                return watched.error();
        return r;
    }

    stream_receiver(stream_receiver&& other)
        : listener_(std::move(other.listener_)), epoll_(std::move(other.epoll_)), connections_(std::move(other.connections_)),
          ready_(std::move(other.ready_)), aligned_(std::move(other.aligned_)), shown_(std::exchange(other.shown_, nullptr)),
          limit_(other.limit_), stats_(other.stats_), linger_(other.linger_), last_peer_(other.last_peer_), reads_(other.reads_), slice_(other.slice_),
          ended_(other.ended_), seen_(other.seen_), died_(other.died_), deaf_(other.deaf_), open_(std::exchange(other.open_, false))
    {
    }
    stream_receiver& operator=(stream_receiver&& other)
    {
        if (this != &other) {
            (void)close(deadline::after(linger_));
            std::destroy_at(this);
            std::construct_at(this, std::move(other));
        }
        return *this;
    }
    ~stream_receiver() { (void)close(deadline::after(linger_)); }

    // A connection that needs no accepting.
    result<void> adopt(descriptor socket, peer_identity who)
    {
        seen_ = true;
        return add(std::move(socket), who);
    }

    result<std::span<std::byte const>> peek(deadline until)
    {
        if (!epoll_) [[unlikely]]  // what is buffered belongs to the parent
            return epoll_.missing();
        if (shown_) [[unlikely]]
            return show();
        for (bool waited = false;;) {
            if (auto found = look(); found != look_again) {
                if (!found) {
                    if (std::exchange(ended_, end_reason::none) != end_reason::none)
                        died_ = false;  // that death has been told
                    return show();
                }
                return found;
            }
            auto idle = wait_or_end(until, waited);
            if (!idle)
                return idle.error();
        }
    }

    void release() noexcept
    {
        if (!shown_)
            return;
        ++stats_.messages;
        stats_.bytes += shown_->payload().size();
        std::exchange(shown_, nullptr)->release();
    }

    end_reason ended() const noexcept { return ended_; }

    result<void> close(deadline until)
    {
        if (!std::exchange(open_, false))
            return {};
        shown_ = nullptr;
        ready_.clear();
        connections_.clear();
        epoll_.reset();
        if (listener_.usable())
            listener_.leave(until);
        return {};
    }

    channel_stats stats() const noexcept { return stats_; }
    int native_handle() const noexcept { return epoll_.get(); }
    Listener const& listener() const noexcept { return listener_; }
    peer_identity const& last_peer() const noexcept { return last_peer_; }

private:
    using connection_list = std::vector<std::unique_ptr<stream_connection>>;

    // What look() says when it has neither a message (no error) nor a failure.
    static inline error_code const look_again{EAGAIN, boost::system::system_category()};

    stream_receiver(Listener listener, descriptor epoll, std::uint64_t limit, std::chrono::nanoseconds linger)
        : listener_(std::move(listener)), epoll_(std::move(epoll)), limit_(limit), linger_(linger)
    {
    }

    result<void> watch(int fd, stream_connection* c, int operation, std::uint32_t events)
    {
        ::epoll_event e = {};
        e.events = events;
        e.data.ptr = c;
        if (::epoll_ctl(epoll_.get(), operation, fd, &e) != 0)
            return last_failure();
        return {};
    }

    result<void> add(descriptor socket, peer_identity who)
    {
        connections_.push_back(std::make_unique<stream_connection>(std::move(socket), who));
        if (auto watched = watch(connections_.back()->fd(), connections_.back().get(), EPOLL_CTL_ADD, EPOLLIN | EPOLLRDHUP); !watched) {
            connections_.pop_back();
            return watched;
        }
        drop_oldest_silent();
        return {};
    }

    // Many may have come before we looked, and what they have said counts.
    void drop_oldest_silent()
    {
        auto const silent = [](auto const& c) { return !c->is_greeted(); };
        while (std::count_if(connections_.begin(), connections_.end(), silent) > static_cast<std::ptrdiff_t>(most_silent)) {
            auto* const oldest = std::find_if(connections_.begin(), connections_.end(), silent)->get();
            progress p = oldest->read(limit_);
            if (p == progress::more)
                p = oldest->next(stream_greeting::of(L, listener_.cookie()), limit_, L.fixed_size);
            if (oldest->is_greeted()) {
                ready_.push_back(oldest);
                continue;
            }
            ++stats_.dropped;
            finish(oldest);
        }
    }

    void finish(stream_connection* c)
    {
        slice_ = std::chrono::milliseconds(1);  // whoever closes leaves the channel, or dies, at the same time
        std::erase(ready_, c);
        std::erase_if(connections_, [c](auto const& held) { return held.get() == c; });  // closing takes it out of epoll
    }

    result<std::span<std::byte const>> show()
    {
        auto const payload = shown_->payload();
        if constexpr (aligned_message<L>::needed) {
            std::byte* const p = aligned_.data(payload.size());
            if (!p)
                return errc::out_of_memory;
            std::memcpy(p, payload.data(), payload.size());
            return std::span<std::byte const>(p, payload.size());
        }
        else
            return payload;
    }

    // Takes the connections that have something in turns: a message of one, or nothing more to be had without waiting.
    error_code look()
    {
        while (!ready_.empty()) {
            stream_connection* const c = ready_.front();
            switch (c->next(stream_greeting::of(L, listener_.cookie()), limit_, L.fixed_size)) {
            case progress::message:
                shown_ = c;
                last_peer_ = c->peer();
                seen_ = true;
                return {};
            case progress::drained: {
                progress const p = c->read(limit_);
                if (p == progress::more) {
                    if (++reads_ % 64 == 0 || ready_.size() > 1) {
                        ready_.pop_front();
                        ready_.push_back(c);
                        gather(deadline::poll());  // others may have come meanwhile
                    }
                    continue;
                }
                if (p == progress::drained) {
                    ready_.pop_front();
                    continue;
                }
                if (p == progress::no_memory)
                    return errc::out_of_memory;
                if (c->is_greeted() || listener_.fd() < 0)
                    seen_ = died_ = true;
                else
                    ++stats_.dropped;
                finish(c);
                continue;
            }
            case progress::left:
                seen_ = true;
                finish(c);
                continue;
            case progress::malformed:
                seen_ = died_ = true;
                ++stats_.dropped;
                finish(c);
                return errc::malformed_message;
            default:
                ++stats_.dropped;
                finish(c);
                continue;
            }
        }
        return look_again;
    }

    // Nothing is there. Success: something may be there now.
    [[gnu::noinline, gnu::cold]] result<void> wait_or_end(deadline until, bool& waited)
    {
        if (!listener_.usable())
            return listener_.missing();
        if (deaf_) {
            listen_again();
            bool const found = gather(deadline::poll());
            if (deaf_ && ready_.empty())
                return errc::descriptor_limit;
            if (found)
                return {};
        }
        end_reason const gone = listener_.has_companion() ? listener_.senders_gone(waited)
                                : seen_ && no_sender()    ? end_reason::left
                                                          : end_reason::none;
        bool const late = until.is_poll() || until.passed();  // what is there is taken even so
        if (gone != end_reason::none || late) {
            if (gather(deadline::poll()))
                return {};
            if (gone != end_reason::none && no_sender()) {
                ended_ = died_ || gone == end_reason::died ? end_reason::died : end_reason::left;
                return errc::closed;
            }
            if (late)
                return until.is_poll() ? errc::empty : errc::timed_out;
        }
        stats_.waits += waited ? 0 : 1;
        waited = true;
        gather(listener_.has_companion() ? until.capped(slice_) : until);
        slice_ = std::min(2 * slice_, wait_slice);
        return {};
    }

    // Connections that never greeted are nobody's stream, unless nobody else can come.
    bool no_sender() const noexcept
    {
        if (listener_.fd() < 0)
            return connections_.empty();
        return std::none_of(connections_.begin(), connections_.end(), [](auto const& c) { return c->is_greeted(); });
    }

    // Out of descriptors, the listener is left alone, for epoll would report it for ever, and tried again at each wait.
    void listen_again()
    {
        deaf_ = false;
        (void)watch(listener_.fd(), nullptr, EPOLL_CTL_MOD, EPOLLIN);
    }

    // Accepts who has come and notes who has something to read; waits for that up to the deadline. False: nothing.
    bool gather(deadline until)
    {
        std::array<::epoll_event, 64> events;
        int const n = uninterrupted([&] { return wait(events, until); });
        for (int i = 0; i < n; ++i)
            if (auto* const c = static_cast<stream_connection*>(events[static_cast<std::size_t>(i)].data.ptr); !c)
                accept_all();
            else if (std::find(ready_.begin(), ready_.end(), c) == ready_.end() &&
                     std::any_of(connections_.begin(), connections_.end(), [c](auto const& held) { return held.get() == c; }))
                ready_.push_back(c);
        return n > 0;
    }

    int wait(std::array<::epoll_event, 64>& events, deadline until) const
    {
        int const most = static_cast<int>(events.size());
        if (until.is_poll())
            return ::epoll_wait(epoll_.get(), events.data(), most, 0);
        if (until.is_never())
            return ::epoll_wait(epoll_.get(), events.data(), most, -1);
        std::int64_t const left = std::max<std::int64_t>(0, until.nanoseconds() - deadline::now());
        ::timespec const t{static_cast<std::time_t>(left / 1'000'000'000), static_cast<long>(left % 1'000'000'000)};
        int const n = ::epoll_pwait2(epoll_.get(), events.data(), most, &t, nullptr);
        if (n >= 0 || errno != ENOSYS)
            return n;
        std::int64_t const milliseconds = std::min<std::int64_t>((left + 999'999) / 1'000'000, std::numeric_limits<int>::max());
        return ::epoll_wait(epoll_.get(), events.data(), most, static_cast<int>(milliseconds));
    }

    void accept_all()
    {
        for (;;) {
            auto come = listener_.accept();
            if (come) {
                if (!add(std::move(come->first), come->second))
                    ++stats_.dropped;
            }
            else if (come.error() == errc::busy) {
                ++stats_.dropped;
            }
            else {
                if (come.error() == errc::descriptor_limit || come.error() == errc::out_of_memory) {
                    deaf_ = true;
                    (void)watch(listener_.fd(), nullptr, EPOLL_CTL_MOD, 0);
                }
                return;
            }
        }
    }

    Listener listener_;
    guarded_descriptor epoll_;
    connection_list connections_;
    std::deque<stream_connection*> ready_;
    [[no_unique_address]] aligned_message<L> aligned_;
    stream_connection* shown_ = nullptr;
    std::uint64_t limit_ = 0;
    channel_stats stats_;
    std::chrono::nanoseconds linger_;
    peer_identity last_peer_;
    std::uint64_t reads_ = 0;
    std::chrono::milliseconds slice_ = wait_slice;
    end_reason ended_ = end_reason::none;
    bool seen_ = false;  // a sender has been here
    bool died_ = false;  // one went without an end frame since the last end
    bool deaf_ = false;
    bool open_ = true;
};

}  // namespace strait::detail

#endif
