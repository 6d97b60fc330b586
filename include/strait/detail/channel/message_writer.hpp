// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CHANNEL_MESSAGE_WRITER_HPP
#define STRAIT_DETAIL_CHANNEL_MESSAGE_WRITER_HPP

#include <strait/claimed.hpp>
#include <strait/detail/channel/ends.hpp>
#include <strait/error.hpp>
#include <strait/transport.hpp>
#include <strait/wait.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
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

    result<void> put(T const& message, deadline until)
    {
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
        end_.commit(used);
        return end_.flush(until);
    }

    result<std::size_t> put_batch(std::span<T const> messages, deadline until)
    {
        if (messages.empty())
            return std::size_t{0};
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

    // Of elements, `n` are asked for.
    result<claimed<T, X>> claim([[maybe_unused]] std::size_t n, [[maybe_unused]] deadline until)
    {
        constexpr auto place = claimed<T, X>::place;
        if constexpr (place == claim_place::own_object) {
            return claimed<T, X>(*this);
        }
        else if constexpr (place == claim_place::own_elements) {
            return claimed<T, X>(*this, n);
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
            return claimed<T, X>(*this, *room);
        }
    }

    result<void> settle([[maybe_unused]] deadline until)
    {
        if constexpr (requires { end_.settle(until); })
            return end_.settle(until);
        else if constexpr (encodes)
            return end_.flush(until);
        else
            return {};
    }

private:
    [[gnu::always_inline]] result<void> stage(T const& message, deadline until)
    {
        if constexpr (encodes && sent_as_it_is<T> && overlapping_sender<end_type>) {
            return end_.copy_in(std::as_bytes(std::span(std::addressof(message), 1)), until);
        }
        else if constexpr (encodes && codec<T>::layout.handles) {
            return put_with_handles(message, until);
        }
        else if constexpr (encodes) {
            std::size_t const size = codec<T>::size(message);
            auto room = end_.reserve(size, until);
            if (!room) [[unlikely]]
                return room.error();
            codec<T>::encode(message, *room);
            end_.commit(size);
            return {};
        }
        else {
            return end_.push(message, until);
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
        codec<T>::encode(message, *room);
        if (auto attached = end_.attach(beside.all()); !attached)
            return attached;
        end_.commit(size);
        return end_.flush(until);
    }

    end_type end_;
};

}  // namespace strait::detail

#endif
