// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_SERVE_LOOP_HPP
#define STRAIT_DETAIL_RPC_SERVE_LOOP_HPP

#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/rpc/frame.hpp>
#include <strait/detail/rpc/server_session.hpp>
#include <strait/detail/wait/adaptive_spin.hpp>
#include <strait/error.hpp>
#include <strait/select.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace strait::detail {

template <class X>
inline constexpr bool never_sleeps = [] {
    if constexpr (requires { typename X::waiting; })
        return !X::waiting::sleeps;
    else
        return false;
}();

// What a loop hands the requests of its clients to.
//   has_room()                whether it takes one more request
//   take(session, request)    takes a request; false: it is malformed, and the client is dropped
//   has_pending(session)      whether replies to this client have not been sent yet; then no more of it is read
//   settle(session)           sends such replies as far as there is room
//   is_lost(session)          whether the client cannot be sent to any more
template <class P, class Session>
concept request_processor = requires(P& p, std::shared_ptr<Session> const& s, rpc_request& q) {
    { p.has_room() } -> std::same_as<bool>;
    { p.take(s, q) } -> std::same_as<bool>;
    { p.has_pending(*s) } -> std::same_as<bool>;
    p.settle(*s);
    { p.is_lost(*s) } -> std::same_as<bool>;
};

// Serves many clients in one thread: waits for all of them, and for descriptors of its owner, and hands requests over in
// turns. Distinct objects: safe. Shared objects: unsafe.
template <class X, class Requests>
class serve_loop {
public:
    using session = server_session<X>;
    static_assert(request_processor<Requests, session>);

    // `unsendable` counts the replies that cannot be sent.
    serve_loop(Requests& requests, std::atomic<std::uint64_t>& unsendable) : requests_(requests), unsendable_(unsendable) {}

    std::size_t watch(int descriptor) { return selector_.add(plain_descriptor{descriptor}); }
    void unwatch(std::size_t key) { selector_.remove(key); }

    void add(typename session::connection_type c)
    {
        auto s = std::make_shared<session>(std::move(c), unsendable_);
        std::size_t const key = selector_.add(s->in());
        by_key_[key] = clients_.emplace_back(std::make_unique<client>(client{key, std::move(s)})).get();
    }

    bool empty() const noexcept { return clients_.empty(); }
    std::size_t size() const noexcept { return clients_.size(); }

    // Serves for a while. Returns the key of a descriptor that is ready, if one is.
    std::optional<std::size_t> turn()
    {
        // The descriptors are looked at every now and then, also while clients send without a pause.
        bool const served = !clients_.empty() && deadline::now() - checked_at_ < longest_between_checks && poll_clients();
        if (served)
            return std::nullopt;
        std::size_t const blocked = settle(nullptr);
        bool const due = std::exchange(checked_at_, deadline::now()) + longest_between_checks <= checked_at_;
        bool const busy = (never_sleeps<X> || due) && !clients_.empty();
        auto const until = busy ? deadline::poll() : blocked != 0 ? deadline::after(pause_) : deadline::never();
        auto const chosen = selector_.wait(until);
        if (!chosen) {
            pause_ = std::min(2 * pause_, longest_pause);
            return std::nullopt;
        }
        pause_ = std::chrono::milliseconds(1);
        auto const c = by_key_.find(chosen->index);
        if (c == by_key_.end()) {
            settled_at_ = 0;  // another thread may have said by this descriptor that it has sent, or could not
            return chosen->index;
        }
        if (!chosen->error)
            serve(*c->second);
        else
            c->second->over = true;
        settle(c->second);
        return std::nullopt;
    }

private:
    static constexpr int most_in_a_row = 32;
    static constexpr std::int64_t busy_window = 200'000;         // nanoseconds
    static constexpr std::int64_t longest_between_checks = 1'000'000;  // between two looks at the descriptors, in nanoseconds
    static constexpr std::int64_t between_settlements = 10'000'000;  // of all clients, in nanoseconds
    static constexpr std::chrono::milliseconds longest_pause{50};

    struct client {
        std::size_t key;
        std::shared_ptr<session> peer;
        bool blocked = false;  // not in the selector: nothing is read from it
        bool over = false;
    };

    // Looking for a request takes no system call over a ring, so it pays to poll for a while before sleeping. Whether a
    // request was found.
    bool poll_clients()
    {
        if constexpr (!never_sleeps<X>) {
            if (X::guarantees.pollable || !spin_.worthwhile())
                return false;
        }
        std::int64_t const end = deadline::now() + (never_sleeps<X> ? busy_window : adaptive::spin_nanoseconds);
        bool served = false;
        if (clients_.size() == 1 && !clients_.front()->blocked) {
            served = await_only(end);
        } else {
            do {
                for (auto const& c : clients_)
                    served = (!c->blocked && serve(*c)) || served;
                if (!served)
                    pause_polling<100>();
            } while (!served && deadline::now() < end);
        }
        served ? spin_.succeeded() : spin_.failed();
        if (served) {
            settled_at_ = 0;
            settle(nullptr);
        }
        return served;
    }

    // A single client is waited for in the way of its transport, which is quicker than looking again and again.
    bool await_only(std::int64_t end)
    {
        client& c = *clients_.front();
        if (!requests_.has_room())
            return false;
        auto const until = deadline::at(deadline::clock::time_point(std::chrono::nanoseconds(end)));
        auto const come = c.peer->in().receive_batch_until({&request_, 1}, until);
        if (!come) {
            c.over = come.error() != errc::timed_out;
            return c.over;
        }
        c.over = !requests_.take(c.peer, request_);
        return true;
    }

    // Takes up to 32 requests of a client. Whether there was anything to do.
    bool serve(client& c)
    {
        for (int n = 0; n != most_in_a_row; ++n) {
            STRAIT_STEP();
            if (!requests_.has_room() || requests_.has_pending(*c.peer))
                return n != 0;
            auto const come = c.peer->in().try_receive_batch({&request_, 1});
            if (!come) {
                c.over = come.error() != errc::empty;
                return n != 0 || c.over;
            }
            if (!requests_.take(c.peer, request_)) {
                c.over = true;
                return true;
            }
        }
        return true;
    }

    // Drops clients that have left, died or failed. Stops reading from those with unsent replies, and from all while there is
    // no room for requests; reads from them again afterwards. Returns how many are not read from. It looks at the
    // client that was `served`, if one was, and at all of them while any is not read from, when another thread has said
    // something, and now and then.
    std::size_t settle(client* served)
    {
        bool const room = requests_.has_room();
        std::int64_t const now = deadline::now();
        bool const all = blocked_ != 0 || !room || now - settled_at_ >= between_settlements;
        if (!all) {
            if (served)
                settle(*served, room);
            if (served && served->over)
                drop_those_that_are_over();
            return blocked_;
        }
        settled_at_ = now;
        bool any_over = false;
        for (auto const& c : clients_) {
            settle(*c, room);
            any_over = any_over || c->over;
        }
        if (any_over)
            drop_those_that_are_over();
        return blocked_;
    }

    void settle(client& c, bool room)
    {
        bool const pending = requests_.has_pending(*c.peer);
        if (pending)
            requests_.settle(*c.peer);
        c.over = c.over || requests_.is_lost(*c.peer);
        bool const block = !room || (pending && requests_.has_pending(*c.peer));
        if (block == c.blocked || c.over)
            return;
        by_key_.erase(c.key);
        if (block) {
            selector_.remove(c.key);
            ++blocked_;
        }
        else {
            c.key = selector_.add(c.peer->in());
            by_key_[c.key] = &c;
            --blocked_;
        }
        c.blocked = block;
    }

    void drop_those_that_are_over()
    {
        std::erase_if(clients_, [&](auto const& c) {
            if (!c->over)
                return false;
            selector_.remove(c->key);
            by_key_.erase(c->key);
            blocked_ -= c->blocked ? 1 : 0;
            return true;
        });
    }

    Requests& requests_;
    rpc_request request_;  // its memory is used again
    std::atomic<std::uint64_t>& unsendable_;
    selector selector_;
    std::vector<std::unique_ptr<client>> clients_;
    std::unordered_map<std::size_t, client*> by_key_;  // those that are read from
    std::size_t blocked_ = 0;                          // how many are not
    std::int64_t settled_at_ = 0;                      // when all of them were looked at
    adaptive_spin spin_;
    std::int64_t checked_at_ = 0;
    std::chrono::milliseconds pause_{1};
};

}  // namespace strait::detail

#endif
