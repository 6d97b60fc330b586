// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_QUEUE_RECEIVER_HPP
#define STRAIT_DETAIL_QUEUE_RECEIVER_HPP

#include <strait/detail/membership/control_file.hpp>
#include <strait/detail/membership/role.hpp>
#include <strait/detail/os/read_buffer.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/serialization/layout.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace strait::detail {

// What one attempt to receive has found. A hint is no message, and makes the receiver look at the control file.
enum class queue_outcome : std::uint8_t { message, nothing, hint, malformed, failure };

// Takes messages out of a queue of the kernel, one at a time. A Member is as queue_sender says; its Member::reception is what
// the mechanism adds for receivers:
//   queue_outcome receive(Member&, fixed_size, length&)   tries once; a message lies at payload() then. After failure errno
//                                                         says why. fixed_size 0: the size varies
//   error_code wait(Member&, fixed_size, length&, outcome, until)   called after receive() has found no message, with what it
//                                                         has found: waits; success: a message lies at payload()
//   void received(Member&, length)                        called after each message
//   void leaving(Member&)                                 called before the receiver leaves
//   end_reason ended(), waits(Member const&), wake_source arm(Member&)
//
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, class Member>
class queue_receiver {
public:
    static result<queue_receiver> open(endpoint const& where, channel_options const& how, message_type const& type)
    {
        queue_receiver r(how.linger);
        if (error_code const e = Member::template join<L>(where, how, type, role::receiver, r.end_))
            return e;
        r.end_.member.count_in();
        return r;
    }

    queue_receiver(queue_receiver&&) = default;
    queue_receiver& operator=(queue_receiver&&) = default;
    ~queue_receiver() { (void)close(deadline::after(linger_)); }

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

    end_reason ended() const noexcept { return reception_.ended(); }

    result<void> close(deadline until)
    {
        if (!end_.is_member())
            return end_.member.missing() == errc::inherited_handle ? result<void>(errc::inherited_handle) : result<void>();
        hand_.clear();
        reception_.leaving(end_);
        end_.queue.reset();
        end_.leave(until);
        return {};
    }

    channel_stats stats() const
    {
        channel_stats s = taken_;
        s.waits = reception_.waits(end_);
        s.depth = end_.depth() + (hand_.is_empty() ? 0 : 1);
        return s;
    }

    refusals refused() const noexcept { return read_refusals(end_.member.fd()); }

    // Readable when a message, or a hint, is there.
    int native_handle() const noexcept
        requires requires(Member const& m) { m.native_handle(); }
    {
        return end_.native_handle();
    }

    // Whether a message was taken out of the kernel, for which the descriptor is not readable.
    bool buffered() const noexcept
        requires requires(Member const& m) { m.native_handle(); }
    {
        return !hand_.is_empty();
    }

    wake_source arm() noexcept
    {
        wake_source source = reception_.arm(end_);
        source.buffered = !hand_.is_empty();
        return source;
    }
    void disarm() const noexcept {}

private:
    explicit queue_receiver(std::chrono::nanoseconds linger) : linger_(linger) {}

    error_code fill(deadline until)
    {
        queue_outcome const found = reception_.receive(end_, L.fixed_size, length_);
        if (found != queue_outcome::message) [[unlikely]] {
            error_code const e = end_.is_member() ? reception_.wait(end_, L.fixed_size, length_, found, until)
                                                  : make_error_code(end_.member.missing());
            if (e) {
                taken_.dropped += e == errc::malformed_message ? 1 : 0;
                return e;
            }
        }
        hand_.have = 1;
        reception_.received(end_, length_);
        return {};
    }

    Member end_;
    typename Member::reception reception_;
    read_ahead hand_;  // not empty: a message lies at end_.payload()
    std::size_t length_ = 0;
    channel_stats taken_;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait::detail

#endif
