// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_REFUSED_REQUESTS_HPP
#define STRAIT_DETAIL_RPC_REFUSED_REQUESTS_HPP

#include <strait/detail/rpc/failure.hpp>
#include <strait/detail/rpc/frame.hpp>
#include <strait/detail/rpc/request_id.hpp>
#include <strait/detail/schema/mismatch.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace strait::detail {

// The requests of one client that a server does not answer although it knows their ids: both sides have appended members to their
// types, and these contradict each other. A client says what it has appended before its first call of such a request.
//
// Distinct objects: safe. Shared objects: unsafe.
class refused_requests {
public:
    // True: this frame was no call, or one that is refused, and send(reply) was called when `reply` held the answer to that.
    template <class Send>
    bool take(rpc_request const& f, std::span<request_key const* const> keys, rpc_reply& reply, Send send)
    {
        if (f.kind() == request_kind::call && refused_.empty()) [[likely]]
            return false;
        if (f.kind() == request_kind::types) {
            compare(f, keys);
            return true;
        }
        if (std::find(refused_.begin(), refused_.end(), f.id) == refused_.end())
            return false;
        reply = unknown_frame(f, keys);
        send(reply);
        return true;
    }

private:
    [[gnu::noinline, gnu::cold]] void compare(rpc_request const& f, std::span<request_key const* const> keys)
    {
        auto const key = std::find_if(keys.begin(), keys.end(), [&](request_key const* k) { return k->id == f.id && k->grows; });
        if (key == keys.end())
            return;
        bool newer = false;
        error_code const e = schema_versions(f.body.text(), (*key)->description, newer);
        auto const at = std::find(refused_.begin(), refused_.end(), f.id);
        if (e == errc::type_mismatch && at == refused_.end())
            refused_.push_back(f.id);
        else if (!e && at != refused_.end())
            refused_.erase(at);
    }

    std::vector<std::uint64_t> refused_;  // at most as many as the interface has
};

// The frame with which a client says what types a request has. It gets no reply.
[[gnu::noinline, gnu::cold]] inline rpc_request types_frame(request_key const& key)
{
    schema_bytes types;
    schema_writer::write(key.description, types);
    rpc_request f;
    f.id = key.id;
    f.head = frame_head(number_mask, request_kind::types);
    f.body.assign(types.view());
    return f;
}

}  // namespace strait::detail

#endif
