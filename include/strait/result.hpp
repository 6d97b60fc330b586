// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_RESULT_HPP
#define STRAIT_RESULT_HPP

#include <strait/version.hpp>

#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace strait {

using boost::system::error_code;

/// The first argument of a result that is made as an error, where its type alone would not say so.
struct unexpect_t {
    explicit unexpect_t() = default;
};
/// As an argument: the result is an error.
inline constexpr unexpect_t unexpect{};

namespace detail {

// What the last failure of this thread that has more to say than its code had to say. An error_code has no room for it.
struct failure_note_text {
    error_code error{};
    char text[1024] = {};
};
inline constinit thread_local failure_note_text failure_note{};

// Cold and out of line, so that throwing costs the hot paths no code.
[[noreturn, gnu::noinline, gnu::cold]] inline void raise(error_code const& error)
{
    if (failure_note.text[0] != '\0' && failure_note.error == error)
        throw boost::system::system_error(error, failure_note.text);
    throw boost::system::system_error(error);
}

// What result<void> holds on success.
struct no_value {};

// Two storages, because Clang 14 does not know special member functions that are trivial under a constraint.
template <class T, bool = std::is_trivially_copyable_v<T>>
struct result_storage {
    template <class... A>
    constexpr explicit result_storage(std::in_place_t, A&&... value) : value_(std::forward<A>(value)...), has_value_(true)
    {
    }

    constexpr explicit result_storage(error_code const& error) noexcept : error_(error), has_value_(false) {}

    union {
        T value_;
        error_code error_;
    };
    bool has_value_;
};

template <class T>
struct result_storage<T, false> {
    template <class... A>
    constexpr explicit result_storage(std::in_place_t, A&&... value) : value_(std::forward<A>(value)...), has_value_(true)
    {
    }

    constexpr explicit result_storage(error_code const& error) noexcept : error_(error), has_value_(false) {}

    constexpr result_storage(result_storage&& other) noexcept(std::is_nothrow_move_constructible_v<T>) : error_(), has_value_(false)
    {
        take(std::move(other));
    }

    constexpr result_storage(result_storage const& other)
        requires std::copy_constructible<T>
        : error_(), has_value_(false)
    {
        take(other);
    }

    constexpr result_storage& operator=(result_storage&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
    {
        if (this != &other) {
            drop();
            take(std::move(other));
        }
        return *this;
    }

    constexpr result_storage& operator=(result_storage const& other)
        requires std::copy_constructible<T>
    {
        return *this = result_storage(other);
    }

    constexpr ~result_storage() { drop(); }

    union {
        T value_;
        error_code error_;
    };
    bool has_value_;

private:
    constexpr void drop() noexcept
    {
        if (!has_value_)
            return;
        std::destroy_at(std::addressof(value_));
        std::construct_at(std::addressof(error_));
        has_value_ = false;
    }

    template <class Other>
    constexpr void take(Other&& other)
    {
        if (!other.has_value_) {
            error_ = other.error_;
            return;
        }
        try {
            std::construct_at(std::addressof(value_), std::forward<Other>(other).value_);
            has_value_ = true;
        } catch (...) {
            std::construct_at(std::addressof(error_));  // the constructor has written there
            throw;
        }
    }
};

}  // namespace detail

/// A T, or the error_code that says why there is none; made from either. What std::expected<T, error_code> is in C++23,
/// with what operations of channels need of it. (That of Boost.System, made of a variant for any types, took a third of
/// the time that a program with channels compiles.) After an assignment that has thrown it is an error without a value
/// of its own. Thread safety: as of any object, one thread at a time.
template <class T>
class result : detail::result_storage<T> {
    using storage = detail::result_storage<T>;

public:
    using value_type = T;
    /// What says why there is no value.
    using error_type = error_code;

    /// A value that is made by default.
    constexpr result()
        requires std::default_initializable<T>
        : storage(std::in_place)
    {
    }

    /// A value, from whatever converts into one.
    template <class Value = T>
        requires(std::convertible_to<Value, T> && !std::convertible_to<Value, error_code> &&
                 !std::same_as<std::remove_cvref_t<Value>, result>)
    constexpr result(Value&& value) : storage(std::in_place, std::forward<Value>(value))
    {
    }

    /// An error: an error_code, or an enumerator like errc::empty.
    template <class Error>
        requires(std::convertible_to<Error, error_code> && !std::convertible_to<Error, T>)
    constexpr result(Error const& error) noexcept : storage(error_code(error))
    {
    }

    /// A value that is made of these, whatever their types are.
    template <class... Value>
    constexpr explicit result(std::in_place_t, Value&&... value) : storage(std::in_place, std::forward<Value>(value)...)
    {
    }

    /// An error, whatever T is.
    constexpr explicit result(unexpect_t, error_code const& error) noexcept : storage(error) {}

    /// Whether it holds a value.
    constexpr bool has_value() const noexcept { return this->has_value_; }
    /// Whether it holds an error.
    constexpr bool has_error() const noexcept { return !this->has_value_; }
    /// Whether it holds a value.
    constexpr explicit operator bool() const noexcept { return this->has_value_; }

    /// The value. Throws boost::system::system_error when there is none.
    constexpr T& value() &
    {
        check();
        return this->value_;
    }
    /// The value. Throws boost::system::system_error when there is none.
    constexpr T const& value() const&
    {
        check();
        return this->value_;
    }
    /// The value, to be moved from. Throws boost::system::system_error when there is none.
    constexpr T&& value() &&
    {
        check();
        return std::move(this->value_);
    }

    /// The value, which must be there.
    constexpr T& operator*() & noexcept { return this->value_; }
    /// The value, which must be there.
    constexpr T const& operator*() const& noexcept { return this->value_; }
    /// The value, which must be there, to be moved from.
    constexpr T&& operator*() && noexcept { return std::move(this->value_); }
    /// A member of the value, which must be there.
    constexpr T* operator->() noexcept { return std::addressof(this->value_); }
    /// A member of the value, which must be there.
    constexpr T const* operator->() const noexcept { return std::addressof(this->value_); }

    /// The error, or an error_code of 0 beside a value.
    constexpr error_code error() const noexcept { return this->has_value_ ? error_code() : this->error_; }

    /// Equal values, or equal errors.
    friend constexpr bool operator==(result const& a, result const& b)
        requires std::equality_comparable<T>
    {
        return a.has_value() == b.has_value() && (a ? *a == *b : a.error() == b.error());
    }

private:
    constexpr void check() const
    {
        if (!this->has_value_)
            detail::raise(this->error_);
    }
};

/// What an operation without a value returns: success, or the error_code that says why not.
/// Thread safety: as of any object, one thread at a time.
template <>
class result<void> : detail::result_storage<detail::no_value> {
    using storage = detail::result_storage<detail::no_value>;

public:
    using value_type = void;
    /// What says why it has failed.
    using error_type = error_code;

    /// Success.
    constexpr result() noexcept : storage(std::in_place) {}
    /// Success.
    constexpr explicit result(std::in_place_t) noexcept : storage(std::in_place) {}

    /// An error: an error_code, or an enumerator like errc::full.
    template <class Error>
        requires std::convertible_to<Error, error_code>
    constexpr result(Error const& error) noexcept : storage(error_code(error))
    {
    }
    /// An error.
    constexpr explicit result(unexpect_t, error_code const& error) noexcept : storage(error) {}

    /// Whether it is a success.
    constexpr bool has_value() const noexcept { return has_value_; }
    /// Whether it holds an error.
    constexpr bool has_error() const noexcept { return !has_value_; }
    /// Whether it is a success.
    constexpr explicit operator bool() const noexcept { return has_value_; }

    /// Throws boost::system::system_error when it holds an error.
    constexpr void value() const
    {
        if (!has_value_)
            detail::raise(error_);
    }

    /// Does nothing, so that code for any T compiles.
    constexpr void operator*() const noexcept {}

    /// The error, or an error_code of 0.
    constexpr error_code error() const noexcept { return has_value_ ? error_code() : error_; }

    /// Both succeeded, or equal errors.
    friend bool operator==(result const& a, result const& b) noexcept
    {
        return a.has_value_ == b.has_value_ && a.error() == b.error();
    }
};

}  // namespace strait

#endif
