// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_RECEIVE_ACTIONS_HPP
#define STRAIT_DETAIL_ASYNC_RECEIVE_ACTIONS_HPP

#include <strait/detail/channel/ends.hpp>
#include <strait/error.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

// What the operations of a receiver do; async/operations.hpp says what an Action is.

namespace strait::detail {

// Whether a message, the end or a failure is there; takes nothing. The end reports a failure once, so that it is stored here;
// it reports the end of the stream again and again.
template <class In>
bool is_ready(In& in, error_code& failed)
{
    auto const ready = readiness_of(end_access::of(in));
    if (ready && *ready && *ready != errc::closed)
        failed = *ready;
    return ready.has_value();
}

template <class T>
struct receive_one {
    static constexpr bool receives = true;
    static constexpr bool keeps_descriptor = true;
    std::optional<T> message;

    template <class In>
    bool is_due(In& in, error_code& failed)
    {
        return is_ready(in, failed);
    }
    template <class In>
    bool attempt(In& in, error_code& failed)
    {
        auto taken = in.try_receive();
        if (taken)
            message.emplace(std::move(*taken));
        else if (taken.error() == errc::empty)
            return false;
        else if (taken.error() != errc::closed)
            failed = taken.error();
        return true;
    }
    bool is_done() const noexcept { return false; }
    template <class Self>
    void complete(Self& self, error_code const& e)
    {
        self.complete(e, std::move(message));
    }
};

template <class T>
struct receive_many {
    static constexpr bool receives = true;
    static constexpr bool keeps_descriptor = true;
    std::span<T> messages;
    std::size_t count = 0;

    template <class In>
    bool is_due(In& in, error_code& failed)
    {
        return messages.empty() || is_ready(in, failed);
    }
    template <class In>
    bool attempt(In& in, error_code& failed)
    {
        auto const taken = in.try_receive_batch(messages);
        if (taken)
            count = *taken;
        else if (taken.error() == errc::empty)
            return false;
        else if (taken.error() != errc::closed)
            failed = taken.error();
        return true;
    }
    bool is_done() const noexcept { return false; }
    template <class Self>
    void complete(Self& self, error_code const& e)
    {
        self.complete(e, count);
    }
};

struct await_readiness {
    static constexpr bool receives = true;
    static constexpr bool keeps_descriptor = true;
    bool ready = false;

    template <class In>
    bool is_due(In& in, error_code& failed)
    {
        return attempt(in, failed);
    }
    template <class In>
    bool attempt(In& in, error_code& failed)
    {
        bool const found = is_ready(in, failed);
        ready = found && !failed;
        return found;
    }
    // What was found stays there, so that cancelling comes too late; a failure is for the next operation then.
    bool is_done() const noexcept { return ready; }
    template <class Self>
    void complete(Self& self, error_code const& e)
    {
        self.complete(e);
    }
};

}  // namespace strait::detail

#endif
