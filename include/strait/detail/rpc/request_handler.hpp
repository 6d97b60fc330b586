// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_REQUEST_HANDLER_HPP
#define STRAIT_DETAIL_RPC_REQUEST_HANDLER_HPP

#include <strait/detail/rpc/dispatch.hpp>
#include <strait/detail/rpc/session.hpp>

#include <memory>

namespace strait::detail {

// A desk (rpc/serve_loop.hpp) that answers at once.
template <class Interface, class X, class Handler>
class request_handler {
public:
    using session = server_session<Interface, X>;

    explicit request_handler(Handler& h) : handler_(h) {}

    static constexpr bool has_room() noexcept { return true; }
    bool take(std::shared_ptr<session> const& s, typename session::request_type& q)
    {
        return answer_request<Interface>(q, handler_, [&](auto const& reply) { s->send(reply); });
    }
    static bool has_pending(session& s) { return s.has_pending(); }
    static void settle(session& s) { s.settle(); }
    static bool is_lost(session const& s) noexcept { return s.is_lost(); }

private:
    Handler& handler_;
};

}  // namespace strait::detail

#endif
