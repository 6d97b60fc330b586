// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_OUTSTANDING_REQUESTS_HPP
#define STRAIT_DETAIL_RPC_OUTSTANDING_REQUESTS_HPP

#include <strait/detail/rpc/frame_parser.hpp>

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
template <class Reply, class Call>
class outstanding_requests {
public:
    struct request {
        std::uint64_t number;
        std::size_t index;  // which request of the interface: its reply has the same
        Call call;
        std::string failure{};  // what has come of its text
        bool answered = false;
        bool abandoned = false;
    };

    enum class outcome : std::uint8_t {
        reply,       // the frame holds the reply to a request
        failure,     // the request has failed; its text is complete
        incomplete,  // a part of a text; more follow
        late,        // the reply to an abandoned request, which is removed now
        malformed,   // refused
    };

    // A number for the next request, which fits into 48 bits.
    std::uint64_t draw() noexcept { return std::exchange(next_, (next_ + 1) & number_mask); }

    // The request is on its way, or will be. Its number is the highest drawn so far.
    void add(std::uint64_t number, std::size_t index, Call call)
    {
        all_.push_back({number, index, std::move(call)});
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
    outcome receive(Reply const& frame, request*& whose)
    {
        rpc_frame_parser<Reply> const f(frame);
        auto const at = position(f.number());
        if (at == all_.end() || at->answered)
            return refuse();
        frame_kind const kind = f.kind();
        if (kind == frame_kind::message ? f.index() != at->index : kind == frame_kind::malformed || !append(f, at->failure))
            return refuse();
        if (kind == frame_kind::part_of_failure)
            return outcome::incomplete;
        if (at->abandoned) {
            all_.erase(at);
            ++late_;
            return outcome::late;
        }
        at->answered = true;
        whose = &*at;
        return kind == frame_kind::message ? outcome::reply : outcome::failure;
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

    // Parts are not empty, or they could come without end.
    static bool append(rpc_frame_parser<Reply> const& f, std::string& text)
    {
        auto const part = f.text();
        if (!part || text.size() + part->size() > longest_failure || (part->empty() && f.kind() == frame_kind::part_of_failure))
            return false;
        text.append(*part);
        return true;
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
