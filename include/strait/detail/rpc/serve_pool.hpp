// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_SERVE_POOL_HPP
#define STRAIT_DETAIL_RPC_SERVE_POOL_HPP

#include <strait/detail/os/event_fd.hpp>
#include <strait/detail/rpc/request_handler.hpp>
#include <strait/detail/rpc/server_session.hpp>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace strait::detail {

// A request_processor (rpc/serve_loop.hpp) with a queue and threads of its own. The thread of the loop reads the requests;
// the threads of the pool call the handler, several at a time, and send the replies. The queue holds 64 requests for each thread.
// Distinct objects: safe. Shared objects: safe.
template <class Interface, class X, class Handler>
class serve_pool {
public:
    using session = server_session<X>;

    // `nudge` is rung to wake the loop when the queue has room again, and when a reply could not be sent.
    serve_pool(Handler& h, std::size_t threads, wake_event const& nudge) : handler_(h), nudge_(nudge), most_(64 * threads)
    {
        try {
            while (threads_.size() != threads)
                threads_.emplace_back([this] { work(); });
        } catch (...) {
            stop();
            throw;
        }
    }
    serve_pool(serve_pool const&) = delete;
    serve_pool& operator=(serve_pool const&) = delete;
    ~serve_pool() { stop(); }

    bool has_room()
    {
        std::lock_guard const hold(mutex_);
        full_ = jobs_.size() >= most_;
        return !full_;
    }

    // Whether the request is malformed is seen when a thread handles it.
    bool take(std::shared_ptr<session> const& s, rpc_request& q)
    {
        rpc_reply refusal;
        if (s->refused().take(q, Interface::keys, refusal, [&](rpc_reply& reply) { send(*s, reply); }))
            return true;
        {
            std::lock_guard const hold(mutex_);
            jobs_.push_back({s, std::move(q)});
        }
        queued_.notify_one();
        return true;
    }

    bool has_pending(session& s)
    {
        std::lock_guard const hold(s.sending);
        return s.has_pending();
    }
    void settle(session& s)
    {
        std::lock_guard const hold(s.sending);
        s.settle();
    }
    bool is_lost(session& s)
    {
        std::lock_guard const hold(s.sending);
        return s.is_lost();
    }

private:
    struct job {
        std::shared_ptr<session> who;
        rpc_request what;
    };

    void work()
    {
        rpc_reply reply;  // its memory is used again
        for (;;) {
            std::unique_lock hold(mutex_);
            queued_.wait(hold, [this] { return stopped_ || !jobs_.empty(); });
            if (stopped_)
                return;
            job j = std::move(jobs_.front());
            jobs_.pop_front();
            bool const nudge = std::exchange(full_, false);
            hold.unlock();
            if (nudge)
                nudge_.ring();
            session& s = *j.who;
            if (!answer_request<Interface>(j.what, handler_, s.unsendable(), reply, [&](rpc_reply& r) { send(s, r); }))
                refuse(s);
        }
    }

    void refuse(session& s)
    {
        {
            std::lock_guard const hold(s.sending);
            s.refuse();
        }
        nudge_.ring();
    }

    void send(session& s, rpc_reply& reply)
    {
        bool const nudge = [&] {
            std::lock_guard const hold(s.sending);
            s.send(reply);
            return s.has_pending();
        }();
        if (nudge)
            nudge_.ring();
    }

    void stop() noexcept
    {
        {
            std::lock_guard const hold(mutex_);
            stopped_ = true;
        }
        queued_.notify_all();
        for (std::thread& t : threads_)
            t.join();
        threads_.clear();
    }

    Handler& handler_;
    wake_event const& nudge_;
    std::size_t most_;
    std::mutex mutex_;
    std::condition_variable queued_;
    std::deque<job> jobs_;
    bool full_ = false;
    bool stopped_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace strait::detail

#endif
