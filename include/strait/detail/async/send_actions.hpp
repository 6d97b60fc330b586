// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_SEND_ACTIONS_HPP
#define STRAIT_DETAIL_ASYNC_SEND_ACTIONS_HPP

#include <strait/detail/channel/ends.hpp>
#include <strait/error.hpp>
#include <strait/transport.hpp>
#include <strait/wait.hpp>

#include <cstddef>
#include <span>
#include <utility>

// What the operations of a sender do; async/operations.hpp says how an Action is used.

namespace strait::detail {

// Of a message that has been accepted in part, the rest. False: it waits for room.
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
                if (sent.error() == errc::full)
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

template <class T>
struct send_many {
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
            else if (sent.error() == errc::full)
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

}  // namespace strait::detail

#endif
