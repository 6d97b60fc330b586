// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_CLAIMED_HPP
#define STRAIT_CLAIMED_HPP

#include <strait/detail/channel/ends.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace strait {

template <class T, class X>
class sender;

namespace detail {

template <class T, class X>
class message_writer;

// Where a claimed message is filled: in the transport's memory as a T or as a run of elements, or in an object of the claim's
// own, which commit() encodes or moves.
enum class claim_place { object, elements, own_object, own_elements };

template <class T, class X>
consteval claim_place place_of_claim()
{
    if constexpr (byte_transport<X> && sent_as_it_is<T>)
        return claim_place::object;
    else if constexpr (sent_as_elements<T>)
        return byte_transport<X> ? claim_place::elements : claim_place::own_elements;
    else
        return claim_place::own_object;
}

template <class T, claim_place = claim_place::object>
struct claim_storage {
    using element_type = T;
    explicit claim_storage(std::span<std::byte> bytes) : bytes_(bytes)
    {
        if constexpr (std::is_default_constructible_v<T>)
            ::new (static_cast<void*>(bytes.data())) T;  // leaves trivial members as they are
    }
    T* get() noexcept { return std::launder(reinterpret_cast<T*>(bytes_.data())); }
    std::span<std::byte> bytes_;
};

template <class T>
struct claim_storage<T, claim_place::elements> {
    using element_type = std::span<typename codec<T>::element_type>;
    explicit claim_storage(std::span<std::byte> bytes)
        : bytes_(bytes),
          elements_(reinterpret_cast<typename element_type::pointer>(bytes.data()),
                    bytes.size() / sizeof(typename element_type::value_type))
    {
    }
    element_type* get() noexcept { return &elements_; }
    std::span<std::byte> bytes_;
    element_type elements_;
};

template <class T>
struct claim_storage<T, claim_place::own_object> {
    using element_type = T;
    T* get() noexcept { return std::addressof(value_); }
    T value_{};
};

template <class T>
struct claim_storage<T, claim_place::own_elements> {
    using element_type = std::span<typename codec<T>::element_type>;
    explicit claim_storage(std::size_t n) : value_(n, typename T::value_type{}) {}
    element_type* get() noexcept
    {
        elements_ = element_type(value_.data(), value_.size());  // a short string moves with its object
        return &elements_;
    }
    T value_;
    element_type elements_;
};

}  // namespace detail

/// A message that is being filled, in the transport's own memory where it has any. commit() sends it; dropping it sends
/// nothing. Its sender must outlive it, stay where it is, and do nothing else meanwhile.
///
/// `*c` is a T; for a string or vector of plain elements it is a std::span of as many elements as were asked for.
///
/// A message that lies in the transport's memory has its room, and most transports send it without waiting. One that is
/// encoded, or moved, when it is committed may wait then. commit() waits as long as the claim was allowed to wait: not at
/// all after try_claim(), up to the deadline after claim_until() and claim_for(), as long as it takes after claim(). After
/// errc::full or errc::timed_out the message is still here and can be committed again.
///
/// Distinct objects: safe. Shared objects: unsafe.
template <class T, class X>
class claimed {
    static constexpr detail::claim_place place = detail::place_of_claim<T, X>();
    static constexpr bool of_elements = place == detail::claim_place::elements || place == detail::claim_place::own_elements;
    using storage = detail::claim_storage<T, place>;

public:
    /// T, or a span of its elements.
    using element_type = typename storage::element_type;

    claimed(claimed&& other)
        : writer_(std::exchange(other.writer_, nullptr)), until_(other.until_), storage_(std::move(other.storage_))
    {
    }
    claimed& operator=(claimed&&) = delete;
    ~claimed() = default;

    /// The message to fill, until it is committed.
    element_type& operator*() noexcept { return *storage_.get(); }
    /// A member of the message to fill.
    element_type* operator->() noexcept { return storage_.get(); }

    /// Sends the message. Throws boost::system::system_error if that fails: errc::full or errc::timed_out when the claim may
    /// not wait as long as it would take, else as sender::send does.
    void commit()
    {
        if (auto r = put(until_); !r) [[unlikely]]
            detail::raise(r.error());
    }

    /// Sends the first `used` elements of those claimed, as commit() does.
    void commit(std::size_t used)
        requires of_elements
    {
        if (used > storage_.get()->size())
            detail::raise(errc::message_too_large);
        if constexpr (place == detail::claim_place::elements)
            storage_.bytes_ = storage_.bytes_.first(used * sizeof(typename element_type::value_type));
        else
            storage_.value_.resize(used);
        commit();
    }

    /// Sends the message if that needs no waiting, else errc::full.
    [[nodiscard]] result<void> try_commit() { return put(deadline::poll()); }

    /// Sends the message, waiting up to the deadline, else errc::timed_out.
    [[nodiscard]] result<void> commit_until(deadline when) { return put(when); }

    /// Sends the message, waiting up to this moment of any clock, else errc::timed_out.
    template <class Clock, class Duration>
    [[nodiscard]] result<void> commit_until(std::chrono::time_point<Clock, Duration> const& when)
    {
        return detail::until(when, [this](deadline d) { return put(d); });
    }

    /// Sends the message, waiting so long, else errc::timed_out.
    template <class Rep, class Period>
    [[nodiscard]] result<void> commit_for(std::chrono::duration<Rep, Period> const& d)
    {
        return put(deadline::after(d));
    }

private:
    friend class detail::message_writer<T, X>;
    friend class sender<T, X>;

    template <class... Arguments>
    claimed(detail::message_writer<T, X>& w, deadline until, Arguments&&... a)
        : writer_(&w), until_(until), storage_(std::forward<Arguments>(a)...)
    {
    }

    result<void> put(deadline until)
    {
        if (!writer_)
            return errc::not_open;
        auto r = [&]() -> result<void> {
            if constexpr (place == detail::claim_place::object || place == detail::claim_place::elements)
                return writer_->put_claimed(storage_.bytes_.size(), until);
            else if constexpr (object_transport<X>)
                return writer_->put_moved(storage_.value_, until);
            else
                return writer_->put(storage_.value_, until);
        }();
        if (r)
            writer_ = nullptr;
        return r;
    }

    detail::message_writer<T, X>* writer_;
    deadline until_;
    storage storage_;
};

}  // namespace strait

#endif
