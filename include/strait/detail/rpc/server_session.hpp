// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_SERVER_SESSION_HPP
#define STRAIT_DETAIL_RPC_SERVER_SESSION_HPP

#include <strait/connection.hpp>
#include <strait/detail/channel/ends.hpp>
#include <strait/detail/rpc/frame.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>

namespace strait::detail {

// The server's side of one client. Replies for which there is no room are stored here, so that the server does not wait for
// a client that does not take them; the loop reads no more requests of this client until they have been sent.
//
// Distinct objects: safe. Shared objects: unsafe; threads that share one hold `sending`.
template <class Interface, class X>
class server_session {
public:
    using request_type = request_frame<Interface>;
    using reply_type = reply_frame<Interface>;
    using connection_type = connection<reply_type, request_type, X>;

    explicit server_session(connection_type c) : connection_(std::move(c)) {}

    receiver<request_type, X>& in() noexcept { return connection_.in(); }

    // Sends or stores a reply. The session is lost when sending fails. To a client that has gone no reply is sent, but what it
    // had asked for before is read up to its end.
    void send(reply_type const& r)
    {
        if (lost_ || gone_)
            return;
        if (unsent_.empty()) [[likely]] {
            auto const sent = connection_.try_send(r);
            if (sent) [[likely]]
                return;
            if (sent.error() != errc::full)
                return fail(sent.error());
        }
        unsent_.push_back(r);
    }

    // Where several threads use this session: held while one calls send(), has_pending(), settle() or is_lost().
    std::mutex sending;

    bool is_lost() const noexcept { return lost_; }

    // Whether replies, or a part of one, have not been sent yet.
    bool has_pending()
    {
        auto& end = end_access::of(connection_.out());
        if constexpr (requires { end.has_unsent(); })
            if (end.has_unsent())
                return true;
        return !unsent_.empty();
    }

    // Sends stored replies as far as there is room.
    void settle()
    {
        while (!lost_ && !unsent_.empty()) {
            auto const sent = connection_.try_send(unsent_.front());
            if (!sent) {
                if (sent.error() != errc::full)
                    fail(sent.error());
                return;
            }
            unsent_.pop_front();
        }
        auto& end = end_access::of(connection_.out());
        if constexpr (requires { end.has_unsent(); })
            if (!lost_ && end.has_unsent())
                if (auto const left = end.flush(deadline::poll()); !left && left.error() != errc::full)
                    fail(left.error());
    }

private:
    void fail(error_code const& why)
    {
        gone_ = why == errc::no_receiver;
        lost_ = !gone_;
        unsent_.clear();
    }

    connection_type connection_;
    std::deque<reply_type> unsent_;
    bool gone_ = false;  // the client: it takes no replies any more
    bool lost_ = false;
};

}  // namespace strait::detail

#endif
