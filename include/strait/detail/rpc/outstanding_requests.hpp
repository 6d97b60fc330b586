// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_OUTSTANDING_REQUESTS_HPP
#define STRAIT_DETAIL_RPC_OUTSTANDING_REQUESTS_HPP

#include <strait/detail/rpc/failure.hpp>
#include <strait/detail/rpc/frame.hpp>
#include <strait/detail/rpc/request_id.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

namespace strait::detail {

// What a client has asked and what the frames that come mean to it, apart from how they travel. Call is what the client
// stores with each request.
//
// A request is outstanding until its whole reply has come and the client has removed it. One that the client has abandoned
// stays here, without being of interest, until its reply has come: so a late reply can be distinguished from one that was never
// asked for, and from a second reply to the same request. The latter two are malformed. An abandoned request takes memory
// for as long as the server does not reply to it.
//
// Distinct objects: safe. Shared objects: unsafe.
template <class Call>
class outstanding_requests {
public:
    struct request {
        std::uint64_t number;
        request_key const* key;
        Call call;
        call_failure failure{};  // of one that has failed
        bool answered = false;
        bool abandoned = false;
    };

    enum class outcome : std::uint8_t {
        reply,      // the frame holds the reply to a request
        failure,    // the request has failed
        late,       // the reply to an abandoned request, which is removed now
        malformed,  // refused
    };

    // A number for the next request, which fits into 48 bits.
    std::uint64_t draw() noexcept { return std::exchange(next_, (next_ + 1) & number_mask); }

    // The request is on its way, or will be. Its number is the highest drawn so far.
    void add(std::uint64_t number, request_key const& key, Call call)
    {
        all_.push_back({number, &key, std::move(call)});
        ++awaited_;
    }

    // Null when there is no such request or it was abandoned.
    request* find(std::uint64_t number) noexcept
    {
        auto const at = position(number);
        return at != all_.end() && !at->abandoned ? &*at : nullptr;
    }

    // Its reply has been delivered, or it was not sent at all.
    void remove(std::uint64_t number) noexcept
    {
        auto const at = position(number);
        if (at == all_.end())
            return;
        awaited_ -= at->abandoned ? 0 : 1;
        all_.erase(at);
    }

    // Its reply is of no interest any more.
    void abandon(std::uint64_t number)
    {
        auto const at = position(number);
        if (at == all_.end() || at->abandoned)
            return;
        if (at->answered)
            return remove(number);
        --awaited_;
        at->abandoned = true;
        at->call = Call();
    }

    // All that are neither abandoned nor removed, which are removed by that.
    template <class Do>
    void take_all(Do visit)
    {
        auto all = std::exchange(all_, {});
        awaited_ = 0;
        for (request& r : all)
            if (!r.abandoned)
                visit(r);
    }

    // How many are neither abandoned nor removed.
    std::size_t awaited() const noexcept { return awaited_; }

    // What a frame that has come means. `whose` is its request, for `reply` and `failure`.
    outcome receive(rpc_reply const& f, request*& whose)
    {
        auto const at = position(f.number());
        if (at == all_.end() || at->answered)
            return refuse();
        reply_kind const kind = f.kind();
        if (kind == reply_kind::failure)
            at->failure = {errc::handler_failed, std::string(f.text())};
        else if (kind == reply_kind::unknown)
            at->failure = failure_of_unknown(f, *at->key);
        if (at->failure.code == errc::malformed_message)
            return refuse();
        if (at->abandoned) {
            all_.erase(at);
            ++late_;
            return outcome::late;
        }
        at->answered = true;
        whose = &*at;
        return kind == reply_kind::message ? outcome::reply : outcome::failure;
    }

    // The message of a reply did not decode.
    void count_malformed() noexcept { ++malformed_; }

    std::uint64_t late() const noexcept { return late_; }
    std::uint64_t malformed() const noexcept { return malformed_; }

private:
    using position_type = typename std::deque<request>::iterator;

    // Requests lie in the order of their numbers.
    position_type position(std::uint64_t number) noexcept
    {
        auto const at = std::lower_bound(all_.begin(), all_.end(), number,
                                         [](request const& r, std::uint64_t n) { return r.number < n; });
        return at != all_.end() && at->number == number ? at : all_.end();
    }

    outcome refuse() noexcept
    {
        ++malformed_;
        return outcome::malformed;
    }

    std::deque<request> all_;
    std::size_t awaited_ = 0;
    std::uint64_t next_ = 0;
    std::uint64_t late_ = 0;
    std::uint64_t malformed_ = 0;
};

}  // namespace strait::detail

#endif
