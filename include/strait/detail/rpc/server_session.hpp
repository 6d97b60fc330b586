// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_SERVER_SESSION_HPP
#define STRAIT_DETAIL_RPC_SERVER_SESSION_HPP

#include <strait/connection.hpp>
#include <strait/detail/channel/ends.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/rpc/failure.hpp>
#include <strait/detail/rpc/frame.hpp>
#include <strait/detail/rpc/frame_parser.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

    // `unsendable` counts the replies that cannot be sent; it outlives this object.
    server_session(connection_type c, std::atomic<std::uint64_t>& unsendable) : connection_(std::move(c)), unsendable_(unsendable) {}

    receiver<request_type, X>& in() noexcept { return connection_.in(); }

    // Sends or stores a reply. Where it cannot be sent although the client is there, its call fails instead. To a
    // client that has gone no reply is sent, but what it had asked for before is read up to its end.
    void send(reply_type const& r)
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
            STRAIT_STEP();
            error_code const e = put(unsent_.front());
            if (e == errc::full)
                return;
            reply_type const r = std::move(unsent_.front());
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
    // Tries to send. `full` and `no_receiver` concern the channel, any other error this reply; `handler_failed`: its
    // serializer has thrown what thrown_ says.
    error_code put(reply_type const& r)
    {
        try {
            auto const sent = connection_.try_send(r);
            return sent ? error_code() : sent.error();
        } catch (...) {
            with_text_of(std::current_exception(), [&](std::string_view text) { thrown_ = text; });
            return errc::handler_failed;
        }
    }

    // Stores the failure of the call in front of other replies.
    [[gnu::noinline, gnu::cold]] void replace(reply_type const& r, error_code const& why)
    {
        if (why == errc::no_receiver) {
            gone_ = true;
            return unsent_.clear();
        }
        if (rpc_frame_parser(r).kind() == frame_kind::message)
            unsendable_.fetch_add(1, std::memory_order_relaxed);
        auto const frames = failure_instead_of(r, why == errc::handler_failed ? thrown_ : why.message());
        lost_ = frames.empty();
        unsent_.insert(unsent_.begin(), frames.begin(), frames.end());
    }

    connection_type connection_;
    std::atomic<std::uint64_t>& unsendable_;
    std::string thrown_;
    std::deque<reply_type> unsent_;
    bool gone_ = false;  // the client: it takes no replies any more
    bool lost_ = false;
};

}  // namespace strait::detail

#endif
