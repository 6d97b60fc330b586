// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_QUEUE_SENDER_HPP
#define STRAIT_DETAIL_QUEUE_SENDER_HPP

#include <strait/detail/membership/control_file.hpp>
#include <strait/detail/membership/role.hpp>
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
#include <utility>

namespace strait::detail {

// Sends into a queue of the kernel, with one system call for each message. A Member is this end's membership and the
// queue:
//   error_code join<L>(where, how, type, role, Member&)
//   queue, is_member(), message_size, depth(), and member, the participant
//   std::byte* payload()                      room for one message
//   bool send(bytes, size)                    sends without waiting; after false errno says why not
//   static constexpr bool sends_from_anywhere whether send() takes bytes that do not lie at payload()
//   error_code send_or_wait(bytes, size, until, waits)   called after send() has failed: waits and sends, or says why not
//   bool awaits_receiver() const              whether the first receiver may still come
//   wake_source arm()                         to wait for room, or for that
//   void leave_as_sender(until)               leaves, and wakes receivers that sleep, so that they see it
//
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L, class Member>
class queue_sender {
public:
    static result<queue_sender> open(endpoint const& where, channel_options const& how, message_type const& type)
    {
        queue_sender s(how.linger);
        if (error_code const e = Member::template join<L>(where, how, type, role::sender, s.end_))
            return e;
        s.end_.member.count_in();
        return s;
    }

    queue_sender(queue_sender&&) = default;
    queue_sender& operator=(queue_sender&&) = default;
    ~queue_sender() { (void)close(deadline::after(linger_)); }

    result<std::span<std::byte>> reserve(std::size_t size, deadline until)
    {
        if (!end_.queue) [[unlikely]]
            return end_.queue.missing();
        if (size > end_.message_size) [[unlikely]]
            return errc::message_too_large;
        if (staged_ != nothing) [[unlikely]]
            if (auto sent = send_staged(until); !sent)
                return sent.error();
        return std::span(end_.payload(), size);
    }

    void commit(std::size_t used) noexcept { staged_ = used; }

    result<void> flush(deadline until)
    {
        if (staged_ == nothing) [[unlikely]]
            return end_.is_member() ? result<void>() : end_.member.missing();
        auto sent = send_staged(until);
        staged_ = nothing;
        return sent;
    }

    // Sends straight from the caller's array, and returns how many messages were accepted; an error only if none was.
    result<std::size_t> put_n(std::span<std::byte const> messages, deadline until)
        requires(L.fixed_size != 0 && Member::sends_from_anywhere)
    {
        if (auto before = flush(until); !before)
            return before.error();
        std::size_t count = 0;
        for (; !messages.empty(); messages = messages.subspan(L.fixed_size), ++count)
            if (auto sent = send(messages.data(), L.fixed_size, until); !sent) {
                if (count == 0)
                    return sent.error();
                break;
            }
        return count;
    }

    result<void> close(deadline until)
    {
        if (!end_.is_member()) {
            staged_ = nothing;
            return end_.member.missing() == errc::inherited_handle ? result<void>(errc::inherited_handle) : result<void>();
        }
        auto flushed = flush(until);
        end_.leave_as_sender(until);
        end_.queue.reset();
        return flushed;
    }

    channel_stats stats() const
    {
        channel_stats s = accepted_;
        s.depth = end_.depth();
        return s;
    }

    refusals refused() const noexcept { return read_refusals(end_.member.fd()); }

    // The size of the largest message, in bytes.
    std::size_t message_size() const noexcept { return end_.message_size; }

    // The priority of messages that are committed from now on.
    void set_priority(std::uint8_t p) noexcept
        requires requires(Member& m) { m.set_priority(p); }
    {
        end_.set_priority(p);
    }

    // Whether the first receiver may still come, so that after no_receiver it pays to wait.
    bool awaits_receiver() const noexcept { return end_.awaits_receiver(); }

    wake_source arm() noexcept { return end_.arm(); }
    void disarm() const noexcept {}

    int native_handle() const noexcept
        requires requires(Member const& m) { m.native_handle(); }
    {
        return end_.native_handle();
    }

private:
    static constexpr std::size_t nothing = static_cast<std::size_t>(-1);

    explicit queue_sender(std::chrono::nanoseconds linger) : linger_(linger) {}

    result<void> send_staged(deadline until)
    {
        auto sent = send(end_.payload(), staged_, until);
        if (sent) [[likely]]
            staged_ = nothing;
        return sent;
    }

    result<void> send(std::byte const* bytes, std::size_t size, deadline until)
    {
        if (!end_.send(bytes, size)) [[unlikely]]
            if (error_code const e = end_.send_or_wait(bytes, size, until, accepted_.waits))
                return e;
        ++accepted_.messages;
        accepted_.bytes += size;
        return {};
    }

    Member end_;
    std::size_t staged_ = nothing;
    channel_stats accepted_;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait::detail

#endif
