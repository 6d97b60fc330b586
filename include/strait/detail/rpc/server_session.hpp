// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_SERVER_SESSION_HPP
#define STRAIT_DETAIL_RPC_SERVER_SESSION_HPP

#include <strait/connection.hpp>
#include <strait/detail/channel/ends.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/rpc/failure.hpp>
#include <strait/detail/rpc/frame.hpp>
#include <strait/detail/rpc/refused_requests.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>

namespace strait::detail {

// The server's side of one client. Replies for which there is no room are stored here, so that the server does not wait for
// a client that does not take them; the loop reads no more requests of this client until they have been sent.
//
// Distinct objects: safe. Shared objects: unsafe; threads that share one hold `sending`.
template <class X>
class server_session {
public:
    using connection_type = connection<rpc_reply, rpc_request, X>;

    // `unsendable` counts the replies that cannot be sent; it outlives this object.
    server_session(connection_type c, std::atomic<std::uint64_t>& unsendable) : connection_(std::move(c)), unsendable_(unsendable) {}

    receiver<rpc_request, X>& in() noexcept { return connection_.in(); }
    std::atomic<std::uint64_t>& unsendable() noexcept { return unsendable_; }
    // Only for the thread that reads its requests.
    refused_requests& refused() noexcept { return refused_; }

    // Sends a reply, or stores it, which takes its memory. Where it cannot be sent although the client is there, its call fails instead. To a
    // client that has gone no reply is sent, but what it had asked for before is read up to its end.
    void send(rpc_reply& r)
    {
        if (lost_ || gone_)
            return;
        if (unsent_.empty()) [[likely]] {
            error_code const e = put(r);
            if (!e) [[likely]]
                return;
            if (e != errc::full) {
                replace(r, e);
                return settle();
            }
        }
        unsent_.push_back(std::move(r));
    }

    // Its client has sent what is malformed, and is dropped.
    void refuse() noexcept { lost_ = true; }

    // Where several threads use this session: held while one calls send(), has_pending(), settle(), refuse() or is_lost().
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
            STRAIT_STEP();
            error_code const e = put(unsent_.front());
            if (e == errc::full)
                return;
            rpc_reply const r = std::move(unsent_.front());
            unsent_.pop_front();
            if (e)
                replace(r, e);
        }
        auto& end = end_access::of(connection_.out());
        if constexpr (requires { end.has_unsent(); })
            if (!lost_ && end.has_unsent())
                if (auto const left = end.flush(deadline::poll()); !left && left.error() != errc::full) {
                    gone_ = left.error() == errc::no_receiver;
                    lost_ = !gone_;
                    unsent_.clear();
                }
    }

private:
    // Tries to send. `full` and `no_receiver` concern the channel, any other error this reply.
    error_code put(rpc_reply const& r)
    {
        auto const sent = connection_.try_send(r);
        return sent ? error_code() : sent.error();
    }

    // Stores the failure of the call in front of other replies.
    [[gnu::noinline, gnu::cold]] void replace(rpc_reply const& r, error_code const& why)
    {
        if (why == errc::no_receiver) {
            gone_ = true;
            return unsent_.clear();
        }
        if (r.kind() == reply_kind::message)
            unsendable_.fetch_add(1, std::memory_order_relaxed);
        if (auto instead = instead_of(r, why.message()))
            unsent_.push_front(std::move(*instead));
        else
            lost_ = true;
    }

    connection_type connection_;
    std::atomic<std::uint64_t>& unsendable_;
    refused_requests refused_;
    std::deque<rpc_reply> unsent_;
    bool gone_ = false;  // the client: it takes no replies any more
    bool lost_ = false;
};

}  // namespace strait::detail

#endif
