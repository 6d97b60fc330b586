// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CHANNEL_ENDS_HPP
#define STRAIT_DETAIL_CHANNEL_ENDS_HPP

#include <strait/detail/codec/description.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/object_note.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/serialization.hpp>
#include <strait/transport.hpp>

#include <chrono>
#include <concepts>
#include <optional>
#include <string>
#include <utility>

#include <boost/core/type_name.hpp>

// What the typed ends share: which end of a transport carries a T, and how moments of any clock become deadlines.
namespace strait::detail {

template <class T, class X>
struct ends {
    static_assert(transport<X>, "strait: the second argument must be a transport, such as strait::shm_ring<>, or one that moves "
                                "objects of the first");
};

// Leads from a typed end to that of its transport, for waiting for many ends, and makes a typed end of one that was not opened
// by name.
struct end_access {
    template <class End>
    static auto& of(End& e) noexcept
    {
        return e.transport_end();
    }
    template <class End, class TransportEnd>
    static End make(TransportEnd e, std::chrono::nanoseconds linger)
    {
        return End(std::move(e), linger);
    }
    template <class End>
    static std::chrono::nanoseconds linger(End const& e) noexcept
    {
        return e.linger_;
    }
};

template <class T, byte_transport X>
struct ends<T, X> {
    static_assert(require_serializable<T>());
    static_assert(X::guarantees.max_message_size == 0 || codec<T>::layout.fixed_size <= X::guarantees.max_message_size,
                  "strait: this message type is larger than the transport takes (guarantees.max_message_size): split it, "
                  "or choose another transport");

    static_assert(codec<T>::layout.fixed_size != 0 || !X::guarantees.fixed_size_only,
                  "strait: messages of this type vary in size, and this transport takes only types of one size "
                  "(guarantees.fixed_size_only): send a plain number or struct, or choose another transport");

    static_assert(!codec<T>::layout.handles || X::guarantees.passes_handles,
                  "strait: this message type holds descriptors, which this transport cannot carry (guarantees.passes_handles): "
                  "choose unix_stream or unix_seqpacket");

    using sender = typename X::template sender_end<codec<T>::layout>;
    using receiver = typename X::template receiver_end<codec<T>::layout>;

    template <class X2 = X>
    using pair = typename X2::template pair<codec<T>::layout>;
};

template <class T, object_transport X>
struct ends<T, X> {
    static_assert(std::movable<T>, "strait: this transport moves objects, and the message type cannot be moved");

    using sender = typename X::template sender_end<T>;
    using receiver = typename X::template receiver_end<T>;

    template <class X2 = X>
    using pair = typename X2::template pair<T>;
};

// The name and, where T can be encoded, the description of a message type, which a transport is told at opening.
template <class T>
message_type message_type_of()
{
    if constexpr (serializable<T>)
        return {boost::core::type_name<T>(), &message_description_of<T>};
    else
        return {boost::core::type_name<T>(), nullptr};
}

// Throws why no end was opened here. The text names the endpoint, and the object of the host at which it failed.
[[noreturn, gnu::noinline, gnu::cold]] inline void raise_opening(error_code const& e, endpoint const& where)
{
    std::string text = "opening " + where.text();
    if (object_note[0] != '\0')
        text += std::string(", at ") + object_note;
    if (auto const note = error_note(e); !note.empty())
        (text += ": ") += note;
    throw boost::system::system_error(e, text);
}

// Forgets what was noted at an earlier failure of this thread.
inline void forget_notes() noexcept
{
    object_note[0] = '\0';
    failure_note.text[0] = '\0';
}

// What `open` returns, or throws why there is none.
template <class Open>
auto opened(endpoint const& where, Open open)
{
    forget_notes();
    auto made = open();
    if (!made)
        raise_opening(made.error(), where);
    return std::move(*made);
}

template <class T>
concept sent_as_it_is = serializable<T> && codec<T>::bitwise;

// Strings and vectors whose elements are sent as they are.
template <class T>
concept sent_as_elements = serializable<T> && codec<T>::flat;

// A T of a few words that needs no check when it is copied.
template <class T, class X>
concept small_and_plain = byte_transport<X> && sent_as_it_is<T> && sizeof(T) <= 256 && !has_bool<T>;

// Whether an end is inside of a user's serializer, which must not use that end: the message that is being written or
// read is not finished. Where no such serializer is called it costs nothing.
template <bool CanBe>
class foreign_call {
public:
    class scope {
    public:
        explicit scope(foreign_call& c) noexcept : call_(c) { call_.active_ = true; }
        scope(scope const&) = delete;
        scope& operator=(scope const&) = delete;
        ~scope() { call_.active_ = false; }

    private:
        foreign_call& call_;
    };

    bool is_active() const noexcept { return active_; }

private:
    bool active_ = false;
};

template <>
class foreign_call<false> {
public:
    struct scope {
        explicit scope(foreign_call&) noexcept {}
        ~scope() {}
    };

    static constexpr bool is_active() noexcept { return false; }
};

template <class T, class X>
consteval bool calls_foreign_code()
{
    if constexpr (byte_transport<X>)
        return has_foreign_serializer<T>;
    else
        return false;
}

// Makes a result that holds the error, also where an error code converts to T.
template <class T>
result<T> failed(error_code const& e)
{
    return result<T>{unexpect, e};
}

// Calls `attempt(deadline)` until it returns anything but timed_out, or the moment has come by its own clock: a clock other than
// the monotonic one may be set while the operation waits.
template <class Clock, class Duration, class Attempt>
auto until(std::chrono::time_point<Clock, Duration> const& when, Attempt attempt)
{
    if constexpr (std::same_as<Clock, deadline::clock>) {
        return attempt(deadline::at(when));
    }
    else {
        for (;;) {
            STRAIT_STEP();
            auto r = attempt(deadline::after(time_left(when)));
            if (r || r.error() != errc::timed_out || time_left(when) <= std::chrono::nanoseconds(0))
                return r;
        }
    }
}

// What a receiver would find, without taking it: a message (no error), the end or a failure, or nothing. A failure is reported
// once, because a message that was malformed is gone.
template <class End>
std::optional<error_code> readiness_of(End& end)
{
    if constexpr (requires { end.readiness(); }) {
        return end.readiness();
    } else {
        auto const shown = end.peek(deadline::poll());
        if (shown)
            return error_code();
        if (shown.error() == errc::empty)
            return {};
        return shown.error();
    }
}

}  // namespace strait::detail

#endif
