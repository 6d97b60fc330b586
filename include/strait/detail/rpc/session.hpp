// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_SESSION_HPP
#define STRAIT_DETAIL_RPC_SESSION_HPP

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

// A client, seen by a server. A client that does not take its replies makes nobody wait: they are kept here, and no more of
// its requests are read meanwhile.
template <class Interface, class X>
class server_session {
public:
    using request_type = request_frame<Interface>;
    using reply_type = reply_frame<Interface>;
    using connection_type = connection<reply_type, request_type, X>;

    explicit server_session(connection_type c) : connection_(std::move(c)) {}

    receiver<request_type, X>& in() noexcept { return connection_.in(); }

    // It is over when it cannot be sent.
    void send(reply_type const& r)
    {
        if (lost_)
            return;
        if (kept_.empty()) [[likely]] {
            auto const sent = connection_.try_send(r);
            if (sent) [[likely]]
                return;
            if (sent.error() != errc::full) {
                lost_ = true;
                return;
            }
        }
        kept_.push_back(r);
    }

    // Held by whoever calls send(), owes(), pay() or is_lost(), where several threads do.
    std::mutex sending;

    bool is_lost() const noexcept { return lost_; }

    // Replies, or parts of one, are still here.
    bool has_pending()
    {
        auto& end = end_access::of(connection_.out());
        if constexpr (requires { end.has_unsent(); })
            if (end.has_unsent())
                return true;
        return !kept_.empty();
    }

    // As far as there is room.
    void settle()
    {
        while (!lost_ && !kept_.empty()) {
            auto const sent = connection_.try_send(kept_.front());
            if (!sent) {
                lost_ = sent.error() != errc::full;
                return;
            }
            kept_.pop_front();
        }
        auto& end = end_access::of(connection_.out());
        if constexpr (requires { end.has_unsent(); })
            if (!lost_ && end.has_unsent())
                if (auto const left = end.flush(deadline::poll()); !left && left.error() != errc::full)
                    lost_ = true;
    }

private:
    connection_type connection_;
    std::deque<reply_type> kept_;
    bool lost_ = false;
};

}  // namespace strait::detail

#endif
