// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_IDLE_WAIT_HPP
#define STRAIT_DETAIL_SOCKET_IDLE_WAIT_HPP

#include <strait/detail/wait/adaptive_spin.hpp>
#include <strait/detail/wait/futex.hpp>
#include <strait/error.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace strait::detail {

// How a receiver over stream sockets waits while it has nothing to read, and when it takes its stream to be over.
// `Connections` is a connection_set.
class idle_wait {
public:
    // A sender has been here.
    void seen() noexcept { seen_ = true; }
    // A connection is over. A sender that closes it leaves the channel, or dies, at that moment: look soon.
    void gone() noexcept
    {
        seen_ = true;
        slice_ = std::chrono::milliseconds(1);
    }
    // A connection has ended without an end frame.
    void died() noexcept { died_ = true; }

    // There is a message.
    void over() noexcept
    {
        gone_at_ = 0;
        if (std::exchange(why_, end_reason::none) != end_reason::none)
            died_ = false;  // that death was reported
    }

    // All senders have left or died, and connections of theirs are still open.
    bool is_leaving() const noexcept { return gone_at_ != 0; }

    end_reason why() const noexcept { return why_; }

    // Waits for a turn. Success: something may be there now. closed: the stream is over, why() says how. removed.
    template <class Connections>
    [[gnu::noinline, gnu::cold]] error_code wait(Connections& come, deadline until, channel_stats& stats, bool& waited)
    {
        auto& listener = come.listener();
        auto& sessions = come.sessions();
        if (!listener.usable())
            return listener.missing();
        if (come.is_out_of_descriptors()) {
            come.try_again();
            bool const found = come.gather(deadline::poll());
            if (come.is_out_of_descriptors() && come.empty())
                return errc::descriptor_limit;
            if (found)
                return {};
        }
        end_reason const gone = listener.has_control_file()                            ? listener.senders_gone(waited)
                                : seen_ && come.no_sender() && !sessions.expects_any() ? end_reason::left
                                                                                       : end_reason::none;
        if (gone == end_reason::none && listener.is_removed(waited))
            return come.gather(deadline::poll()) ? error_code() : make_error_code(errc::removed);
        bool const late = until.is_poll() || until.passed();  // what is there is taken even so
        if (gone != end_reason::none || late) {
            if (gone == end_reason::none ? come.glance() : come.gather(deadline::poll()))
                return {};
            if (gone != end_reason::none && (come.no_sender() || is_abandoned(come))) {
                bool const missed = sessions.give_up() && !listener.has_control_file();
                why_ = missed || died_ || gone == end_reason::died ? end_reason::died : end_reason::left;
                return errc::closed;
            }
            (void)sessions.settle(false);
            if (late)
                return until.is_poll() ? errc::empty : errc::timed_out;
        }
        stats.waits += waited ? 0 : 1;
        if (!waited && try_before_sleeping(spin_, until, [&] { return come.glance(); }))
            return {};
        // Without a control file only the sockets say that senders end: then the first slice serves to give back memory.
        bool const settled = sessions.settle(true);
        bool const without_end = waited && !listener.has_control_file() && settled && !sessions.expects_any();
        waited = true;
        if (!come.gather(without_end ? until : until.capped(slice_)) && slice_ == wait_slice)
            come.shrink();
        slice_ = std::min(2 * slice_, wait_slice);
        return {};
    }

private:
    // All senders have gone, as the control file says, and nothing has come for a while from connections that are still
    // open. Copies of their sockets are held by other processes, or a sender was stopped just before it closed.
    template <class Connections>
    bool is_abandoned(Connections& come)
    {
        std::int64_t const now = deadline::now();
        if (gone_at_ == 0)
            gone_at_ = now;
        if (now - gone_at_ < last_words)
            return false;
        gone_at_ = 0;
        come.drop_all();
        return true;
    }

    static constexpr std::int64_t last_words = 100'000'000;  // nanoseconds

    adaptive_spin spin_;
    std::chrono::milliseconds slice_ = wait_slice;
    end_reason why_ = end_reason::none;
    std::int64_t gone_at_ = 0;  // when connections were open, and all senders gone
    bool seen_ = false;
    bool died_ = false;  // since the last end
};

}  // namespace strait::detail

#endif
