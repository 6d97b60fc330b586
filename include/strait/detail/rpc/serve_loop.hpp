// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_SERVE_LOOP_HPP
#define STRAIT_DETAIL_RPC_SERVE_LOOP_HPP

#include <strait/detail/rpc/session.hpp>
#include <strait/detail/wait/adaptive_spin.hpp>
#include <strait/detail/wait/pause.hpp>
#include <strait/error.hpp>
#include <strait/select.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
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

// One thread that serves many clients: waits for all of them, and for descriptors of its owner, and hands requests over in
// turns. A Desk is who takes them:
//   bool has_room()                               for one more request
//   void take(shared_ptr<session>, request&)      false: it was none, and the client must go
//   bool owes(session&), void pay(session&)       as the session's
//   bool is_lost(session&)
template <class Interface, class X, class Requests>
class serve_loop {
public:
    using session = server_session<Interface, X>;
    using request_type = typename session::request_type;

    explicit serve_loop(Requests& requests) : requests_(requests) {}

    std::size_t watch(int descriptor) { return selector_.add(plain_descriptor{descriptor}); }
    void unwatch(std::size_t key) { selector_.remove(key); }

    void add(typename session::connection_type c)
    {
        auto s = std::make_shared<session>(std::move(c));
        std::size_t const key = selector_.add(s->in());
        clients_.push_back({key, std::move(s)});
    }

    bool empty() const noexcept { return clients_.empty(); }
    std::size_t size() const noexcept { return clients_.size(); }

    // Serves for a while. The key of a descriptor that is ready, or nothing.
    std::optional<std::size_t> turn()
    {
        // Whoever asks without end keeps nobody else waiting.
        bool const served = !clients_.empty() && deadline::now() - listened_at_ < longest_deafness && poll_clients();
        if (served)
            return std::nullopt;
        std::size_t const blocked = settle();
        bool const due = std::exchange(listened_at_, deadline::now()) + longest_deafness <= listened_at_;
        bool const busy = (never_sleeps<X> || due) && !clients_.empty();
        auto const until = busy ? deadline::poll() : blocked != 0 ? deadline::after(pause_) : deadline::never();
        auto const chosen = selector_.wait(until);
        if (!chosen) {
            pause_ = std::min(2 * pause_, longest_pause);
            return std::nullopt;
        }
        pause_ = std::chrono::milliseconds(1);
        auto const c = std::find_if(clients_.begin(), clients_.end(), [&](client const& k) { return k.key == chosen->index; });
        if (c == clients_.end())
            return chosen->index;
        if (!chosen->error)
            serve(*c);
        else
            c->over = true;
        settle();
        return std::nullopt;
    }

private:
    static constexpr int most_in_a_row = 32;
    static constexpr std::int64_t busy_window = 200'000;         // nanoseconds
    static constexpr std::int64_t longest_deafness = 1'000'000;  // between two looks at the descriptors
    static constexpr std::chrono::milliseconds longest_pause{50};

    struct client {
        std::size_t key;
        std::shared_ptr<session> who;
        bool blocked = false;  // out of the selector: nothing is read from it
        bool over = false;
    };

    // Of a ring it takes no system call to see a request, so it pays to look for one before sleeping.
    bool poll_clients()
    {
        if constexpr (!never_sleeps<X>) {
            if (X::guarantees.pollable || !spin_.worthwhile())
                return false;
        }
        std::int64_t const end = deadline::now() + (never_sleeps<X> ? busy_window : adaptive::spin_nanoseconds);
        bool served = false;
        if (clients_.size() == 1 && !clients_.front().blocked) {
            served = await_only(end);
        } else {
            do {
                for (client& c : clients_)
                    served = (!c.blocked && serve(c)) || served;
                if (!served)
                    pause_polling<100>();
            } while (!served && deadline::now() < end);
        }
        served ? spin_.succeeded() : spin_.failed();
        if (served)
            settle();
        return served;
    }

    // The only one is waited for as its transport does, which is quicker.
    bool await_only(std::int64_t end)
    {
        client& c = clients_.front();
        if (!requests_.has_room())
            return false;
        auto r = c.who->in().receive_until(deadline::clock::time_point(std::chrono::nanoseconds(end)));
        if (!r) {
            c.over = r.error() != errc::timed_out;
            return c.over;
        }
        c.over = !requests_.take(c.who, *r);
        return true;
    }

    // Whether there was anything to do.
    bool serve(client& c)
    {
        for (int n = 0; n != most_in_a_row; ++n) {
            if (!requests_.has_room() || requests_.has_pending(*c.who))
                return n != 0;
            auto r = c.who->in().try_receive();
            if (!r) {
                c.over = r.error() != errc::empty;
                return n != 0 || c.over;
            }
            if (!requests_.take(c.who, *r)) {
                c.over = true;
                return true;
            }
        }
        return true;
    }

    // Who is over goes. Who owes nothing any more, or finds room at the desk again, is heard; how many are not.
    std::size_t settle()
    {
        std::size_t blocked = 0;
        bool const room = requests_.has_room();
        for (client& c : clients_) {
            bool const pending = requests_.has_pending(*c.who);
            if (pending)
                requests_.settle(*c.who);
            c.over = c.over || requests_.is_lost(*c.who);
            bool const block = !room || (pending && requests_.has_pending(*c.who));
            if (block != c.blocked && !c.over) {
                if (block)
                    selector_.remove(c.key);
                else
                    c.key = selector_.add(c.who->in());
                c.blocked = block;
            }
            blocked += block ? 1 : 0;
        }
        std::erase_if(clients_, [&](client& c) {
            if (c.over)
                selector_.remove(c.key);
            return c.over;
        });
        return blocked;
    }

    Requests& requests_;
    selector selector_;
    std::vector<client> clients_;
    adaptive_spin spin_;
    std::int64_t listened_at_ = 0;
    std::chrono::milliseconds pause_{1};
};

}  // namespace strait::detail

#endif
