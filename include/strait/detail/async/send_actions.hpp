// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_SEND_ACTIONS_HPP
#define STRAIT_DETAIL_ASYNC_SEND_ACTIONS_HPP

#include <strait/detail/channel/ends.hpp>
#include <strait/detail/channel/until_stopped.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/error.hpp>
#include <strait/serialization.hpp>
#include <strait/transport.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <span>
#include <utility>

// What the operations of a sender do; async/operations.hpp says what an Action is.

namespace strait::detail {

// Sends the rest of a message that was accepted in part. False: there is no room for it.
template <class Out>
bool push_rest(Out& out, error_code& failed)
{
    auto& end = end_access::of(out);
    if constexpr (requires { end.has_unsent(); }) {
        if (end.has_unsent())
            if (auto const left = end.flush(deadline::poll()); !left && left.error() != errc::full)
                failed = left.error();
        return failed || !end.has_unsent();
    } else {
        return static_cast<void>(end), static_cast<void>(failed), true;
    }
}

template <class T>
struct send_one {
    static constexpr bool receives = false;
    static constexpr bool keeps_descriptor = false;  // an end that connects anew has another one
    T message;
    bool accepted = false;

    template <class Out>
    bool is_due(Out& out, error_code& failed)
    {
        return attempt(out, failed);
    }
    template <class Out>
    bool attempt(Out& out, error_code& failed)
    {
        if (!accepted && !failed) {
            auto const sent = [&] {
                if constexpr (object_transport<typename Out::transport_type>)
                    return out.try_send(std::move(message));
                else
                    return out.try_send(message);
            }();
            accepted = sent.has_value();
            if (!accepted) {
                if (is_pending(end_access::of(out), sent.error()))
                    return false;
                failed = sent.error();
            }
        }
        return failed || push_rest(out, failed);
    }
    bool is_done() const noexcept { return accepted; }
    template <class Self>
    void complete(Self& self, error_code const& e)
    {
        self.complete(e);
    }
};

// Sends one message, and hands what its serializer has thrown to the handler, void(error_code, std::exception_ptr).
template <class T>
struct send_and_catch : send_one<T> {
    std::exception_ptr thrown;

    error_code caught()
    {
        thrown = std::current_exception();
        return errc::serializer_failed;
    }
    template <class Self>
    void complete(Self& self, error_code const& e)
    {
        self.complete(e, std::move(thrown));
    }
};

template <class T>
struct send_many {
    static constexpr bool receives = false;
    static constexpr bool keeps_descriptor = false;
    std::span<T const> messages;
    std::size_t count = 0;

    template <class Out>
    bool is_due(Out& out, error_code& failed)
    {
        return attempt(out, failed);
    }
    template <class Out>
    bool attempt(Out& out, error_code& failed)
    {
        while (!failed && count != messages.size()) {
            auto const sent = out.try_send_batch(messages.subspan(count));
            if (sent)
                count += *sent;
            else if (is_pending(end_access::of(out), sent.error()))
                return false;
            else
                failed = sent.error();
        }
        return failed || push_rest(out, failed);
    }
    bool is_done() const noexcept { return count == messages.size(); }
    template <class Self>
    void complete(Self& self, error_code const& e)
    {
        self.complete(e, count);
    }
};

// Waits until a message may be sent, and sends none. Where an end cannot say so without sending (a System V queue, signals, a
// socket that is not connected yet) it waits once, which takes 50 ms at most.
struct await_room {
    static constexpr bool receives = false;
    static constexpr bool keeps_descriptor = false;
    bool waited = false;

    template <class Out>
    bool is_due(Out& out, error_code& failed)
    {
        if (failed || !push_rest(out, failed))
            return static_cast<bool>(failed);
        auto& end = end_access::of(out);
        if constexpr (object_transport<typename Out::transport_type>) {
            auto const ready = end.readiness();
            failed = ready ? *ready : error_code();
            return ready.has_value();
        } else {
            constexpr std::size_t least = std::max<std::size_t>(codec<typename Out::value_type>::layout.fixed_size, 1);
            auto const room = end.reserve(least, deadline::poll());  // is not committed, and has never been
            if (!room) {
                if (is_pending(end, room.error()))
                    return false;
                failed = room.error();
                return true;
            }
            if constexpr (requires { end.native_handle(); })
                return end.native_handle() >= 0 ? is_writable(end.native_handle()) : waited;
            else
                return Out::guarantees.zero_copy || waited;
        }
    }
    template <class Out>
    bool attempt(Out& out, error_code& failed)
    {
        waited = true;
        return is_due(out, failed);
    }
    bool is_done() const noexcept { return false; }
    template <class Self>
    void complete(Self& self, error_code const& e)
    {
        self.complete(e);
    }
};

}  // namespace strait::detail

#endif
