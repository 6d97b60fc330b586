// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CHANNEL_MESSAGE_WRITER_HPP
#define STRAIT_DETAIL_CHANNEL_MESSAGE_WRITER_HPP

#include <strait/claimed.hpp>
#include <strait/detail/channel/ends.hpp>
#include <strait/detail/channel/hot.hpp>
#include <strait/detail/channel/until_stopped.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/error.hpp>
#include <strait/transport.hpp>
#include <strait/wait.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace strait::detail {

// The sending end of a transport, written as messages.
template <class T, class X>
class message_writer {
    using end_type = typename ends<T, X>::sender;
    static constexpr bool encodes = byte_transport<X>;

public:
    explicit message_writer(end_type end) : end_(std::move(end)) {}

    end_type& end() noexcept { return end_; }
    end_type const& end() const noexcept { return end_; }

    [[STRAIT_HOT]] result<void> put(T const& message, deadline until)
    {
        if (encoding_.is_active()) [[unlikely]]
            return errc::busy;
        if (auto staged = stage(message, until); !staged) [[unlikely]]
            return staged;
        if constexpr (encodes)
            return end_.flush(until);
        else
            return {};
    }

    // What was not sent is still in `message`.
    result<void> put_moved(T& message, deadline until)
        requires object_transport<X>
    {
        return end_.push(std::move(message), until);
    }

    // The first `used` bytes that claim() has reserved.
    result<void> put_claimed(std::size_t used, deadline until)
    {
        if (encoding_.is_active()) [[unlikely]]
            return errc::busy;
        end_.commit(used);
        return end_.flush(until);
    }

    result<std::size_t> put_batch(std::span<T const> messages, deadline until)
    {
        if (messages.empty())
            return std::size_t{0};
        if (encoding_.is_active()) [[unlikely]]
            return errc::busy;
        if constexpr (encodes && bulk_sender<end_type>)
            if constexpr (sent_as_it_is<T>)
                return end_.put_n(std::as_bytes(messages), until);
        auto const before = end_.stats().messages;
        error_code failed;
        for (T const& m : messages)
            if (auto staged = stage(m, until); !staged) [[unlikely]] {
                failed = staged.error();
                break;
            }
        if constexpr (encodes)
            if (auto flushed = end_.flush(until); !flushed && !failed)
                failed = flushed.error();
        auto const accepted = static_cast<std::size_t>(end_.stats().messages - before);
        if (accepted == 0 && failed)
            return failed;
        return accepted;
    }

    // Of elements, `n` are asked for. What is filled in an object of our own is sent by commit() only: here such a claim
    // reserves the bytes of an empty one, which says whether there is room, and never commits them.
    result<claimed<T, X>> claim([[maybe_unused]] std::size_t n, deadline until)
    {
        if (encoding_.is_active()) [[unlikely]]
            return errc::busy;
        constexpr auto place = claimed<T, X>::place;
        if constexpr (place == claim_place::own_object) {
            claimed<T, X> message(*this, until);
            if constexpr (encodes && X::guarantees.bounded) {
                if (auto room = end_.reserve(codec<T>::size(*message), until); !room)
                    return room.error();
            }
            else if constexpr (requires { end_.await_room(until); }) {
                if (auto room = end_.await_room(until); !room)
                    return room.error();
            }
            return message;
        }
        else if constexpr (place == claim_place::own_elements) {
            if constexpr (requires { end_.await_room(until); })
                if (auto room = end_.await_room(until); !room)
                    return room.error();
            return claimed<T, X>(*this, until, n);
        }
        else {
            std::size_t size = sizeof(T);
            if constexpr (place == claim_place::elements) {
                using element = typename codec<T>::element_type;
                if (n > SIZE_MAX / sizeof(element))
                    return errc::message_too_large;
                size = n * sizeof(element);
            }
            auto room = end_.reserve(size, until);
            if (!room)
                return room.error();
            return claimed<T, X>(*this, until, *room);
        }
    }

    // nullopt: a stop was requested first. commit() waits as that of claim() does.
    template <class Stop>
    std::optional<claimed<T, X>> claim_until_stopped(std::size_t n, Stop const& stop)
    {
        std::optional<claimed<T, X>> message;
        (void)done_before_stop(stop, [&](deadline d) {
            auto c = claim(n, d);
            if (!c)
                return c.error();
            c->until_ = deadline::never();
            message.emplace(std::move(*c));
            return error_code();
        });
        return message;
    }

    // True: `put`, a put() or put_moved(), has sent; false: a stop was requested first.
    template <class Stop, class Put>
    bool put_until_stopped(Stop const& stop, Put put)
    {
        bool const sent = done_before_stop(stop, [&](deadline d) {
            auto const r = put(d);
            return r ? error_code() : r.error();
        });
        if (sent)
            hand_over(stop);
        return sent;
    }

    // Returns how many were accepted. Throws a failure of the first one.
    template <class Stop>
    std::size_t put_batch_until_stopped(std::span<T const> messages, Stop const& stop)
    {
        std::size_t accepted = 0;
        while (accepted != messages.size()) {
            STRAIT_STEP();
            error_code const e = until_stopped<senders_sleep<X>>(end_, stop, [&](deadline d) {
                auto const r = put_batch(messages.subspan(accepted), d);
                if (r)
                    accepted += *r;
                return r ? error_code() : r.error();
            });
            if (e && e != errc::timed_out && accepted == 0)
                raise(e);
            if (e)
                break;
        }
        if (accepted != 0)
            hand_over(stop);
        return accepted;
    }

    result<void> settle([[maybe_unused]] deadline until)
    {
        if (encoding_.is_active()) [[unlikely]]
            return errc::busy;
        if constexpr (requires { end_.settle(until); })
            return end_.settle(until);
        else if constexpr (encodes)
            return end_.flush(until);
        else
            return {};
    }

    result<void> close(deadline until)
    {
        if (encoding_.is_active()) [[unlikely]]
            return errc::busy;
        return end_.close(until);
    }

private:
    // False when a stop was requested first. Throws a failure.
    template <class Stop, class Attempt>
    bool done_before_stop(Stop const& stop, Attempt attempt)
    {
        error_code const e = until_stopped<senders_sleep<X>>(end_, stop, attempt);
        if (e && e != errc::timed_out)
            raise(e);
        return !e;
    }

    // The rest of a message that a stream has accepted in part, until a stop is requested: then it goes first in the next
    // operation.
    template <class Stop>
    void hand_over([[maybe_unused]] Stop const& stop)
    {
        if constexpr (requires { end_.has_unsent(); })
            while (end_.has_unsent() && done_before_stop(stop, [this](deadline d) {
                auto const r = end_.flush(d);
                return r ? error_code() : r.error();
            })) {}
    }

    [[STRAIT_HOT]] result<void> stage(T const& message, deadline until)
    {
        if constexpr (!encodes) {
            return end_.push(message, until);
        }
        else if constexpr (sent_as_it_is<T> && overlapping_sender<end_type>) {
            return end_.copy_in(std::as_bytes(std::span(std::addressof(message), 1)), until);
        }
        else if constexpr (codec<T>::layout.handles) {
            return put_with_handles(message, until);
        }
        else {
            std::size_t const size = codec<T>::size(message);
            auto room = end_.reserve(size, until);
            if (!room) [[unlikely]]
                return room.error();
            encode(message, *room);
            end_.commit(size);
            return {};
        }
    }

    // Each message is flushed alone: its descriptors need be open only until this returns.
    result<void> put_with_handles(T const& message, deadline until)
    {
        std::size_t const size = codec<T>::size(message);
        auto room = end_.reserve(size, until);
        if (!room)
            return room.error();
        departing_handles const beside;
        encode(message, *room);
        if (auto attached = end_.attach(beside.all()); !attached)
            return attached;
        end_.commit(size);
        return end_.flush(until);
    }

    [[STRAIT_HOT]] void encode(T const& message, std::span<std::byte> room)
    {
        typename decltype(encoding_)::scope const inside(encoding_);
        codec<T>::encode(message, room);
    }

    end_type end_;
    [[no_unique_address]] foreign_call<calls_foreign_code<T, X>()> encoding_;
};

}  // namespace strait::detail

#endif
