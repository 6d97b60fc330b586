// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BORROWED_HPP
#define STRAIT_BORROWED_HPP

#include <strait/detail/channel/ends.hpp>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace strait {

namespace detail {

template <class T, class X>
class message_reader;

// The type that a borrowed message shows.
template <class T, class X>
struct borrowed_view {
    using type = T const&;
};
template <class T, byte_transport X>
    requires(codec<T>::views_in_place)
struct borrowed_view<T, X> {
    using type = typename codec<T>::view_type;
};

}  // namespace detail

/// A message that is read where it lies. It is consumed by release() or when this object is destroyed; if the receiver is killed
/// before, the next receiver gets it where the transport retains messages. The receiver must outlive this object, stay where it
/// is, and do nothing else meanwhile.
///
/// `*b` is a `T const&`; a string_view or span for strings and vectors of plain elements; else what serializer<T>::view
/// makes. False at the end of the stream.
///
/// Distinct objects: safe. Shared objects: unsafe.
template <class T, class X>
class borrowed {
    using view = typename detail::borrowed_view<T, X>::type;
    static constexpr bool in_place = std::is_same_v<view, T const&> && byte_transport<X> && [] {
        if constexpr (byte_transport<X>)
            return detail::codec<T>::views_in_place;
        else
            return false;
    }();
    using storage = std::conditional_t<in_place, T const*, std::optional<std::remove_cvref_t<view>>>;

public:
    /// What is shown: `T const&`, a string_view or span, or serializer<T>::view_type.
    using view_type = view;

    borrowed() = default;
    borrowed(borrowed&& other) noexcept
        : reader_(std::exchange(other.reader_, nullptr)), view_(std::exchange(other.view_, storage{}))
    {
    }
    borrowed& operator=(borrowed&& other) noexcept
    {
        if (this != &other) {
            release();
            reader_ = std::exchange(other.reader_, nullptr);
            view_ = std::exchange(other.view_, storage{});
        }
        return *this;
    }
    ~borrowed() { release(); }

    /// False when there is no message: at the end of the stream, and after release().
    explicit operator bool() const noexcept { return reader_ != nullptr; }
    /// The message, until it is released.
    std::remove_reference_t<view> const& operator*() const noexcept { return *view_; }
    /// A member of the message, until it is released.
    std::remove_reference_t<view> const* operator->() const noexcept { return std::addressof(*view_); }

    /// Consumes the message now. Idempotent.
    void release() noexcept
    {
        if (reader_) {
            view_ = storage{};
            std::exchange(reader_, nullptr)->release();
        }
    }

private:
    friend class detail::message_reader<T, X>;

    borrowed(detail::message_reader<T, X>& r, storage v) : reader_(&r), view_(std::move(v)) {}

    detail::message_reader<T, X>* reader_ = nullptr;
    storage view_{};
};

}  // namespace strait

#endif
