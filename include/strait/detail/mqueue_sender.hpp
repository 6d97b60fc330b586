// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MQUEUE_SENDER_HPP
#define STRAIT_DETAIL_MQUEUE_SENDER_HPP

#include <strait/detail/mqueue_join.hpp>
#include <strait/detail/wait_descriptor.hpp>
#include <strait/options.hpp>
#include <strait/stats.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include <poll.h>

namespace strait::detail {

// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class mqueue_sender {
public:
    static result<mqueue_sender> open(endpoint const& where, channel_options const& how, std::string_view type_name)
    {
        auto joined = mqueue_member::join<L>(where, how, type_name, role::sender);
        if (!joined)
            return joined.error();
        return mqueue_sender(std::move(*joined), how.linger);
    }

    mqueue_sender(mqueue_sender&&) = default;
    mqueue_sender& operator=(mqueue_sender&&) = default;
    ~mqueue_sender() { (void)close(deadline::after(linger_)); }

    result<std::span<std::byte>> reserve(std::size_t size, deadline until)
    {
        if (!end_.queue) [[unlikely]]
            return end_.queue.missing();
        if (size > end_.message_size) [[unlikely]]
            return errc::message_too_large;
        if (staged_ != nothing) [[unlikely]]
            if (auto sent = send_staged(until); !sent)
                return sent.error();
        return std::span(end_.pages.get(), size);
    }

    void commit(std::size_t used) noexcept { staged_ = used; }

    result<void> flush(deadline until)
    {
        if (staged_ == nothing) [[unlikely]]
            return end_.check();
        auto sent = send_staged(until);
        staged_ = nothing;
        return sent;
    }

    // Straight from the caller's array.
    result<std::size_t> put_n(std::span<std::byte const> messages, deadline until)
        requires(L.fixed_size != 0)
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
        auto const memory = end_.member.memory();  // stays mapped for the look at the sleepers
        auto const& sleepers = end_.member.block().mechanism[2];
        end_.leave(until);
        // After leaving, and only then: who is woken must see that we have gone. Pairs with mqueue_receiver::wait().
        if (sleepers.load(std::memory_order_seq_cst) != 0)
            ::mq_send(end_.queue.get(), "", 0, hint_priority);
        end_.queue.reset();
        return flushed;
    }

    channel_stats stats() const
    {
        channel_stats s = accepted_;
        s.depth = end_.depth();
        return s;
    }

    int native_handle() const noexcept { return end_.queue.get(); }

private:
    static constexpr std::size_t nothing = static_cast<std::size_t>(-1);

    mqueue_sender(mqueue_member end, std::chrono::nanoseconds linger) : end_(std::move(end)), linger_(linger) {}

    result<void> send_staged(deadline until)
    {
        auto sent = send(end_.pages.get(), staged_, until);
        if (sent) [[likely]]
            staged_ = nothing;
        return sent;
    }

    result<void> send(std::byte const* bytes, std::size_t size, deadline until)
    {
        if (::mq_send(end_.queue.get(), reinterpret_cast<char const*>(bytes), size, data_priority) != 0) [[unlikely]]
            if (auto waited = wait(bytes, size, until); !waited)
                return waited;
        ++accepted_.messages;
        accepted_.bytes += size;
        return {};
    }

    [[gnu::noinline, gnu::cold]] result<void> wait(std::byte const* bytes, std::size_t size, deadline until)
    {
        for (bool first = true;; first = false) {
            if (errno == EAGAIN) {
                if (until.is_poll())
                    return errc::full;
                accepted_.waits += first ? 1 : 0;
                if (auto room = wait_descriptor(end_.queue.get(), POLLOUT, until); !room)
                    return room;
            } else if (errno == EMSGSIZE) {
                return errc::message_too_large;
            } else if (errno != EINTR) {
                return end_.queue.failure();
            }
            if (::mq_send(end_.queue.get(), reinterpret_cast<char const*>(bytes), size, data_priority) == 0)
                return {};
        }
    }

    mqueue_member end_;
    std::size_t staged_ = nothing;
    channel_stats accepted_;
    std::chrono::nanoseconds linger_;
};

}  // namespace strait::detail

#endif
