// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CHANNEL_MESSAGE_READER_HPP
#define STRAIT_DETAIL_CHANNEL_MESSAGE_READER_HPP

#include <strait/borrowed.hpp>
#include <strait/detail/channel/ends.hpp>
#include <strait/detail/channel/hot.hpp>
#include <strait/detail/channel/steady_copy.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <boost/assert.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace strait::detail {

// A T for which every bit pattern is valid, over a transport that can begin to copy while the sender still writes.
template <class T>
concept any_bits_are_valid = sent_as_it_is<T> && !has_bool<T>;
template <class T, class End>
concept copied_out_early = overlapping_receiver<End> && any_bits_are_valid<T>;

// The receiving end of a transport, read as messages.
template <class T, class X>
class message_reader {
    using end_type = typename ends<T, X>::receiver;
    static constexpr bool decodes = byte_transport<X>;

    // The bytes that peek() shows are copied first, where a peer can change them and the serializer does not expect that.
    static constexpr bool copies_first = [] {
        if constexpr (decodes)
            return X::guarantees.zero_copy && needs_steady_bytes<T>;
        else
            return false;
    }();

    static constexpr bool overlaps = decodes && copied_out_early<T, end_type>;

public:
    explicit message_reader(end_type end) : end_(std::move(end)) {}

    end_type& end() noexcept { return end_; }
    end_type const& end() const noexcept { return end_; }
    std::uint64_t malformed() const noexcept { return malformed_; }

    [[STRAIT_HOT]] error_code take_into(T& message, deadline until)
    {
        if (decoding_.is_active()) [[unlikely]]
            return errc::busy;
        BOOST_ASSERT_MSG(!borrowing_, "strait: a borrowed message is still held");
        if constexpr (overlaps) {
            return end_.copy_out(std::as_writable_bytes(std::span(std::addressof(message), 1)), until);
        }
        else if constexpr (decodes) {
            auto bytes = end_.peek(until);
            if (!bytes) [[unlikely]]
                return bytes.error();
            if constexpr (codec<T>::bitwise)
                return consumed(decode_into(*bytes, message));
            else if constexpr (codec<T>::flat) {
                if (codec<T>::decode_fitting(*bytes, message)) [[likely]] {
                    end_.release();
                    return {};
                }
            }
            return decode_carefully(*bytes, message);
        }
        else {
            auto popped = end_.pop(until);
            if (!popped)
                return popped.error();
            message = std::move(*popped);
            return {};
        }
    }

    error_code take(std::optional<T>& message, deadline until)
    {
        if (decoding_.is_active()) [[unlikely]]
            return errc::busy;
        BOOST_ASSERT_MSG(!borrowing_, "strait: a borrowed message is still held");
        if constexpr (!decodes) {
            auto popped = end_.pop(until);
            if (!popped)
                return popped.error();
            message.emplace(std::move(*popped));
            return {};
        }
        else if constexpr (overlaps && std::is_default_constructible_v<T>) {
            message.emplace();
            error_code const e = end_.copy_out(std::as_writable_bytes(std::span(std::addressof(*message), 1)), until);
            if (e) [[unlikely]]
                message.reset();
            return e;
        }
        else {
            auto bytes = end_.peek(until);
            if (!bytes) [[unlikely]]
                return bytes.error();
            error_code const e = decoding([&] {
                if constexpr (std::is_default_constructible_v<T> && decodes_into) {
                    message.emplace();
                    return decode(steady(*bytes), *message);
                }
                else {
                    auto decoded = decode(steady(*bytes));
                    if (decoded)
                        message.emplace(std::move(*decoded));
                    return decoded ? error_code() : decoded.error();
                }
            });
            if (e) [[unlikely]]
                message.reset();
            return consumed(e);
        }
    }

    result<T> get(deadline until)
    {
        if (decoding_.is_active()) [[unlikely]]
            return failed<T>(errc::busy);
        if constexpr (!decodes)
            return end_.pop(until);
        else {
            auto bytes = end_.peek(until);
            if (!bytes) [[unlikely]]
                return failed<T>(bytes.error());
            auto decoded = decoding([&] { return decode(steady(*bytes)); });
            consumed(decoded ? error_code() : decoded.error());
            return decoded;
        }
    }

    // Decodes what the end shows as its newest message. Nothing is consumed, not even what does not decode.
    result<T> current()
        requires requires(end_type& e) { e.current(); }
    {
        if (decoding_.is_active()) [[unlikely]]
            return failed<T>(errc::busy);
        auto const bytes = end_.current();
        if (!bytes)
            return failed<T>(bytes.error());
        if constexpr (codec<T>::bitwise)
            return decode(*bytes);
        else
            try {
                typename decltype(decoding_)::scope const inside(decoding_);
                return decode(*bytes);
            } catch (std::bad_alloc const&) {
                return failed<T>(errc::out_of_memory);
            }
    }

    result<std::size_t> get_batch(std::span<T> messages, deadline until)
    {
        if (decoding_.is_active()) [[unlikely]]
            return errc::busy;
        if constexpr (decodes && bulk_receiver<end_type>)
            if constexpr (any_bits_are_valid<T>)
                return messages.empty() ? result<std::size_t>(0U) : end_.take_n(std::as_writable_bytes(messages), until);
        std::size_t n = 0;
        for (; n != messages.size() && (n == 0 || may_have_more()); ++n) {
            if constexpr (small_and_plain<T, X>) {
                auto bytes = end_.peek(n == 0 ? until : deadline::poll());
                if (!bytes) [[unlikely]] {
                    if (n == 0)
                        return bytes.error();
                    break;
                }
                messages[n] = codec<T>::view(*bytes);
                end_.release();
            }
            else if (error_code const e = take_into(messages[n], n == 0 ? until : deadline::poll())) {
                // A malformed message is reported only when it comes first: behind good messages it would hide them.
                if (n == 0)
                    return e;
                break;
            }
        }
        return n;
    }

    result<borrowed<T, X>> view(deadline until)
    {
        if (decoding_.is_active()) [[unlikely]]
            return errc::busy;
        BOOST_ASSERT_MSG(!borrowing_, "strait: a borrowed message is still held");
        using storage = typename borrowed<T, X>::storage;
        if constexpr (!decodes) {
            auto popped = end_.pop(until);
            if (!popped)
                return popped.error();
            borrowing_ = true;
            return borrowed<T, X>(*this, storage(std::move(*popped)));
        }
        else {
            auto bytes = end_.peek(until);
            if (!bytes) [[unlikely]]
                return bytes.error();
            if constexpr (codec<T>::bitwise || codec<T>::flat) {
                if (error_code const e = codec<T>::validate(*bytes))
                    return consumed(e);
                borrowing_ = true;
                if constexpr (std::is_pointer_v<storage>)
                    return borrowed<T, X>(*this, &codec<T>::view(*bytes));
                else
                    return borrowed<T, X>(*this, storage(codec<T>::view(*bytes)));
            }
            else {
                storage shown{};
                error_code const e = decoding([&] { return show(steady(*bytes), shown); });
                if (e)
                    return consumed(e);
                borrowing_ = true;
                return borrowed<T, X>(*this, std::move(shown));
            }
        }
    }

    result<void> close(deadline until)
    {
        if (decoding_.is_active()) [[unlikely]]
            return errc::busy;
        return end_.close(until);
    }

    void release() noexcept
    {
        borrowing_ = false;
        if constexpr (decodes)
            end_.release();
    }

private:
    static constexpr bool decodes_into = [] {
        if constexpr (decodes)
            return requires(std::span<std::byte const> in, T& out) {
                { codec<T>::decode(in, out) } -> std::same_as<error_code>;
            };
        else
            return false;
    }();

    // Decodes the message that is peeked. One for which there is no memory is reported and consumed, as one that is
    // malformed: at the front it would meet every later receiver. So is one whose serializer throws anything else,
    // which goes on.
    template <class Decode>
    [[STRAIT_HOT]] std::invoke_result_t<Decode&> decoding(Decode decode)
    {
        if constexpr (codec<T>::bitwise)
            return decode();  // only copies bytes
        else
            try {
                typename decltype(decoding_)::scope const inside(decoding_);
                return decode();
            } catch (std::bad_alloc const&) {
                if constexpr (std::same_as<std::invoke_result_t<Decode&>, error_code>)
                    return errc::out_of_memory;
                else
                    return failed<T>(errc::out_of_memory);
            } catch (...) {
                discard();
                throw;
            }
    }

    [[gnu::noinline, gnu::cold]] void discard() { consumed(errc::malformed_message); }

    // A function of its own, so that callers of the fast paths stay small.
    [[gnu::noinline]] error_code decode_carefully(std::span<std::byte const> bytes, T& message)
    {
        return consumed(decoding([&] { return decode_into(steady(bytes), message); }));
    }

    std::span<std::byte const> steady(std::span<std::byte const> bytes)
    {
        if constexpr (copies_first)
            return copy_.of(bytes);
        else
            return bytes;
    }

    // Shows what a serializer makes of the message.
    template <class Storage>
    error_code show(std::span<std::byte const> bytes, Storage& shown)
    {
        if constexpr (codec<T>::views_in_place) {
            if (error_code const e = codec<T>::validate(bytes))
                return e;
            if constexpr (std::is_pointer_v<Storage>)
                shown = &codec<T>::view(bytes);
            else
                shown.emplace(codec<T>::view(bytes));
            return {};
        }
        else {
            auto decoded = decode(bytes);
            if (decoded)
                shown.emplace(std::move(*decoded));
            return decoded ? error_code() : decoded.error();
        }
    }

    error_code decode_into(std::span<std::byte const> bytes, T& message)
    {
        if constexpr (decodes_into)
            return decode(bytes, message);
        else {
            auto decoded = decode(bytes);
            if (!decoded)
                return decoded.error();
            message = std::move(*decoded);
            return {};
        }
    }

    error_code decode(std::span<std::byte const> bytes, T& message)
    {
        if constexpr (codec<T>::layout.handles) {
            arriving_handles const beside(end_.handles());
            error_code const e = codec<T>::decode(bytes, message);
            return e || beside.all_taken() ? e : make_error_code(errc::malformed_message);
        }
        else
            return codec<T>::decode(bytes, message);
    }

    result<T> decode(std::span<std::byte const> bytes)
    {
        if constexpr (codec<T>::layout.handles) {
            arriving_handles const beside(end_.handles());
            auto decoded = codec<T>::decode(bytes);
            return decoded && !beside.all_taken() ? failed<T>(errc::malformed_message) : std::move(decoded);
        }
        else
            return codec<T>::decode(bytes);
    }

    // A cheap look where the end has one, because finding out for sure that no message is there takes much longer.
    bool may_have_more()
    {
        if constexpr (requires { { end_.has_message() } -> std::same_as<bool>; })
            return end_.has_message();
        else
            return true;
    }

    // A message that was decoded is consumed, and so is one that could not be, for whatever reason.
    error_code consumed(error_code const& e)
    {
        if (e) [[unlikely]]
            ++malformed_;
        end_.release();
        return e;
    }

    struct no_copy {};
    template <bool Copies, class Message>
    struct choose_copy {
        using type = no_copy;
    };
    template <class Message>
    struct choose_copy<true, Message> {
        using type = steady_copy<codec<Message>::layout.alignment>;
    };

    end_type end_;
    [[no_unique_address]] typename choose_copy<copies_first, T>::type copy_;
    [[no_unique_address]] foreign_call<calls_foreign_code<T, X>()> decoding_;
    std::uint64_t malformed_ = 0;
    bool borrowing_ = false;
};

}  // namespace strait::detail

#endif
