// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SYSV_RECEIVER_HPP
#define STRAIT_DETAIL_SYSV_RECEIVER_HPP

#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/sysv/member.hpp>
#include <strait/options.hpp>
#include <strait/stats.hpp>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace strait::detail {

// The receiver of a channel over a System V queue. It never waits in the kernel's queue, because msgrcv(2) has no
// deadline and sees neither the end of the stream nor a death. It sleeps at an eventcount of the control file, where
// senders wake it. A sender that is killed after msgsnd(2) wakes no receiver: then the message is found after a wait
// slice.
//
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, class Member = sysv_member>
class sysv_receiver {
public:
    static result<sysv_receiver> open(endpoint const& where, channel_options const& how, std::string_view type_name)
    {
        sysv_receiver r(how.linger);
        if (error_code const e = Member::template join<L>(where, how, type_name, role::receiver, r.end_))
            return e;
        return r;
    }

    sysv_receiver(sysv_receiver&&) = default;
    sysv_receiver& operator=(sysv_receiver&&) = default;
    ~sysv_receiver() { (void)close(deadline::after(linger_)); }

    result<std::span<std::byte const>> peek(deadline until)
    {
        if (hand_.is_empty()) [[likely]]
            if (error_code const e = fill(until)) [[unlikely]]
                return e;
        return std::span<std::byte const>(end_.payload(), length_);
    }

    void release() noexcept
    {
        hand_.clear();
        ++taken_.messages;
        taken_.bytes += length_;
    }

    end_reason ended() const noexcept { return stream_.why(); }

    result<void> close(deadline until)
    {
        if (!end_.is_member())
            return end_.member.missing() == errc::inherited_handle ? result<void>(errc::inherited_handle) : result<void>();
        hand_.clear();
        end_.wake_senders();
        end_.queue.reset();
        end_.leave(until);
        return {};
    }

    channel_stats stats() const
    {
        channel_stats s = taken_;
        s.waits = end_.waiting.waits;
        s.depth = end_.depth() + (hand_.is_empty() ? 0 : 1);
        return s;
    }

    wake_source arm() noexcept { return end_.arm_at(&sysv_eventcounts::receivers, false); }
    void disarm() const noexcept {}

private:
    enum class outcome { message, nothing, malformed, failure };

    explicit sysv_receiver(std::chrono::nanoseconds linger) : linger_(linger) {}

    error_code fill(deadline until)
    {
        outcome o = receive();
        if (o != outcome::message) [[unlikely]] {
            if (error_code const e = wait(until, o))
                return e;
        }
        // Senders that wait for room are woken when a quarter of the queue was taken, and before this end waits itself.
        since_woken_ += length_ + 1;
        if (since_woken_ >= end_.bytes / 4) [[unlikely]]
            wake_senders();
        return {};
    }

    [[gnu::noinline]] void wake_senders() noexcept
    {
        since_woken_ = 0;
        end_.wake_senders();
    }

    // Asks for one byte more than a message may have. A message that is longer is cut, or it would lie in front for
    // ever.
    outcome receive() noexcept
    {
        if (!end_.queue) [[unlikely]] {
            errno = EINVAL;
            return outcome::failure;
        }
        ::ssize_t const size = ::msgrcv(end_.queue.get(), end_.record(), end_.message_size + 1, Member::wanted_type,
                                          IPC_NOWAIT | MSG_NOERROR);
        if (size < 0)
            return errno == ENOMSG || errno == EINTR ? outcome::nothing : outcome::failure;
        length_ = static_cast<std::size_t>(size);
        long type = 0;
        std::memcpy(&type, end_.record(), sizeof type);
        if (type > Member::last_type || length_ > end_.message_size || (L.fixed_size != 0 && length_ != L.fixed_size)) [[unlikely]]
            return outcome::malformed;
        hand_.have = 1;
        return outcome::message;
    }

    // Called when no message was there, or a bad one.
    [[gnu::noinline, gnu::cold]] error_code wait(deadline until, outcome o)
    {
        if (!end_.is_member())
            return end_.member.missing();
        if (o == outcome::nothing) {
            wake_senders();
            bool looked = until.is_poll();  // just now
            auto const came = [&] { return (o = receive()) != outcome::nothing; };
            std::int64_t const interval = looked ? sender_watch::when_polled : sender_watch::when_spinning;
            error_code const e = wait_among_peers<adaptive, 100>(
                end_.eventcounts().receivers, end_.waiting, until, errc::empty, came, [&](std::int64_t now, bool slept) {
                    return stream_.look(end_.member, now, slept, interval, [&] {
                        return !std::exchange(looked, false) && came() ? std::optional(error_code()) : std::nullopt;
                    });
                });
            if (e)
                return e;
        }
        if (o == outcome::failure)
            return end_.failure(errno);
        if (o == outcome::malformed) {
            ++taken_.dropped;
            return errc::malformed_message;
        }
        return {};
    }

    Member end_;
    read_ahead hand_;  // not empty: a message lies in end_.pages
    std::size_t length_ = 0;
    std::uint64_t since_woken_ = 0;  // bytes and messages, so that empty messages count too
    end_of_stream stream_;
    channel_stats taken_;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait::detail

#endif
