// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_ASIO_SERVICE_HPP
#define STRAIT_DETAIL_ASYNC_ASIO_SERVICE_HPP

#include <strait/detail/async/pending_wait.hpp>
#include <strait/detail/wait/futex.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/intrusive/list.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>

namespace strait::detail {

// The executor below a strand: a strand of the user's may be busy with handlers that have nothing to do with channels.
template <class Executor>
asio::any_io_executor without_strand(Executor const& ex)
{
    using io = asio::io_context::executor_type;
    if constexpr (requires { ex.get_inner_executor(); })
        return without_strand(ex.get_inner_executor());
    else if constexpr (requires { ex.template target<asio::strand<io>>(); }) {
        if (auto const* s = ex.template target<asio::strand<io>>())
            return s->get_inner_executor();
        if (auto const* s = ex.template target<asio::strand<asio::any_io_executor>>())
            return without_strand(s->get_inner_executor());
        return ex;
    } else
        return ex;
}

// A descriptor of ours in the reactor of an execution context, which must not be there while the process forks: the
// child has it closed already when it tells its copy of the reactor.
class registration : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    virtual void release() noexcept = 0;

protected:
    ~registration() = default;
};

// What wakes the operations of one execution context that wait: it watches the files of their channels, whose doorbells are
// rung there, and looks again every now and then where no event can tell. A millisecond after the last operation is over it
// cancels its own waits, so that the context can run out of work.
//
// Distinct objects: safe. Shared objects: safe; a pending_wait belongs to one operation at a time.
class asio_service : public asio::execution_context::service {
public:
    using key_type = asio_service;
    static inline asio::execution_context::id id;

    // Held by an operation from its first wait until it is over.
    class use {
    public:
        use() = default;
        explicit use(asio_service& service) : service_(&service) { service.begin_use(); }
        use(use&& other) noexcept : service_(std::exchange(other.service_, nullptr)) {}
        use& operator=(use&& other) noexcept
        {
            std::swap(service_, other.service_);
            return *this;
        }
        ~use()
        {
            if (service_)
                service_->end_use();
        }
        explicit operator bool() const noexcept { return service_ != nullptr; }

    private:
        asio_service* service_ = nullptr;
    };

    explicit asio_service(asio::execution_context& context) : service(context) {}

    // The service of this executor's context. Its own timers and descriptor use the executor of the first end.
    template <class Executor>
    static asio_service& of(Executor const& ex)
    {
        asio::execution_context& context = asio::query(ex, asio::execution::context);
        asio::any_io_executor const own = asio::prefer(without_strand(ex), asio::execution::outstanding_work.untracked);
        if (!asio::has_service<asio_service>(context)) {  // what it uses is made first, and destroyed after it
            asio::steady_timer const timer(own);
            asio::posix::stream_descriptor const descriptor(own);
        }
        asio_service& service = asio::use_service<asio_service>(context);
        std::lock_guard const hold(service.mutex_);
        if (!service.timer_ && !service.shut_) {
            service.timer_.emplace(own);
            service.idle_timer_.emplace(own);
            service.descriptor_.emplace(own);
        }
        return service;
    }

    // Events of this file wake `w` from now on. True when they did not until now: look again before waiting.
    bool watch(pending_wait& w, int file)
    {
        std::lock_guard const hold(mutex_);
        if (w.file == file)
            return false;
        inotify_waits_.remove(w);
        return file >= 0 && !shut_ && inotify_waits_.add(w, file);
    }

    // Called before the file is closed.
    void unwatch(pending_wait& w) noexcept
    {
        std::lock_guard const hold(mutex_);
        inotify_waits_.remove(w);
    }

    // From now on the descriptor is released when the process forks.
    void enlist(registration& r)
    {
        std::lock_guard const hold(mutex_);
        registered_.push_back(r);
    }
    void withdraw(registration& r) noexcept
    {
        std::lock_guard const hold(mutex_);
        if (r.is_linked())
            r.unlink();
    }

    // Calls the handler as by post() when `w` is woken; `again`: also after a while.
    template <class Executor, class Handler>
    void wait(pending_wait& w, bool again, Executor const& ex, Handler handler)
    {
        auto slot = asio::get_associated_cancellation_slot(handler);
        if (slot.is_connected())
            slot.assign([this, &w](asio::cancellation_type) { wake(w); });
        stored_handler* const p = stored_handler_of<Executor, Handler>::make(ex, std::move(handler));
        {
            std::lock_guard const hold(mutex_);
            if (!shut_ && !w.woken.load(std::memory_order_acquire)) {  // pairs with pending_wait::wake()
                w.handler = p;
                begin_wait(w, again);
                return;
            }
        }
        p->finish(p, !shut_);
    }

    // Calls the handler also when the descriptor is ready or has an error.
    template <class Descriptor, class Handler>
    void wait(pending_wait& w, bool again, Descriptor& d, typename Descriptor::wait_type what, Handler handler)
    {
        // The lock is held until the wait of the descriptor has begun: else that could be over, and another one begun,
        // before it is noted here.
        std::unique_lock hold(mutex_);
        if (w.woken.load(std::memory_order_acquire)) {  // pairs with pending_wait::wake()
            hold.unlock();
            auto const ex = d.get_executor();
            asio::post(ex, std::move(handler));
            return;
        }
        w.descriptor = &d;
        w.cancel = [](void* waiting) {
            error_code ignored;
            static_cast<Descriptor*>(waiting)->cancel(ignored);
        };
        begin_wait(w, again);
        d.async_wait(what, std::move(handler));
    }

    // The handler has been called: the wait is over.
    void end_wait(pending_wait& w) noexcept
    {
        std::lock_guard const hold(mutex_);
        w.descriptor = nullptr;
        w.leave_list();
    }

    // Ends the wait of `w` if it waits.
    void wake(pending_wait& w)
    {
        stored_handler* ready = nullptr;
        {
            std::lock_guard const hold(mutex_);
            w.wake(ready);
        }
        stored_handler::finish_all(ready, true);
    }

private:
    static constexpr std::chrono::milliseconds idle_pause{1};
    using clock = std::chrono::steady_clock;

    void begin_use()
    {
        std::lock_guard const hold(mutex_);
        ++uses_;
    }

    // The waits of the service are cancelled after a pause without operations: most of them begin another one at once.
    void end_use()
    {
        std::lock_guard const hold(mutex_);
        if (--uses_ != 0 || shut_ || idle_pending_ || !(awaits_events_ || ticks_begun_ != 0))
            return;
        idle_pending_ = true;
        idle_timer_->expires_after(idle_pause);
        idle_timer_->async_wait([this](error_code const&) { cancel_if_idle(); });
    }

    void cancel_if_idle()
    {
        std::lock_guard const hold(mutex_);
        idle_pending_ = false;
        if (uses_ != 0 || shut_)
            return;
        error_code ignored;
        descriptor_->cancel(ignored);
        timer_->cancel();
    }

    void begin_wait(pending_wait& w, bool again)
    {
        w.again = again || (w.file >= 0 && w.watch < 0);
        waiting_.push_front(w);
        if (w.watch >= 0)
            await_events();
        if (w.again) {
            if (auto const now = clock::now(); again_at_ < now)
                again_at_ = now + wait_slice;
            tick_at(again_at_);
        }
        if (w.looks.any())
            tick_at(w.look_at);
    }

    void await_events()
    {
        if (std::exchange(awaits_events_, true))
            return;
        if (!descriptor_->is_open()) {
            error_code failed;
            descriptor_->assign(inotify_waits_.fd(), failed);
            if (failed) {  // a child of fork()
                awaits_events_ = false;
                return;
            }
        }
        descriptor_->async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code const& e) { events_came(e); });
    }

    void events_came(error_code const& e)
    {
        stored_handler* ready = nullptr;
        {
            std::lock_guard const hold(mutex_);
            awaits_events_ = false;
            if (shut_)
                return;
            if (!e)
                inotify_waits_.read_events([&](pending_wait& w, bool closed) {
                    if (closed) {
                        w.looks.begin();
                        schedule_look(w, clock::now());
                        tick_at(w.look_at);
                    }
                    w.wake(ready);
                });
            if (uses_ != 0)
                await_events();
        }
        stored_handler::finish_all(ready, true);
    }

    static void schedule_look(pending_wait& w, clock::time_point now) { w.look_at = now + w.looks.next(); }

    // Sees to it that ticked() runs at this moment, or before.
    void tick_at(clock::time_point when)
    {
        if (ticks_begun_ != 0 && timer_->expiry() <= when)
            return;
        timer_->expires_at(when);  // ends the wait for a later moment
        ++ticks_begun_;
        timer_->async_wait([this](error_code const&) { ticked(); });
    }

    void ticked()
    {
        stored_handler* ready = nullptr;
        {
            std::lock_guard const hold(mutex_);
            if (--ticks_begun_ != 0 || shut_ || uses_ == 0)
                return;
            auto const now = clock::now();
            auto next = clock::time_point::max();
            inotify_waits_.for_each([&](pending_wait& w) {  // also those that are between two waits
                if (!w.looks.any())
                    return;
                if (w.look_at <= now) {
                    schedule_look(w, now);
                    w.wake(ready);
                }
                next = std::min(next, w.look_at);
            });
            bool const look = again_at_ <= now;
            if (look)
                again_at_ = now + wait_slice;
            for (auto at = waiting_.begin(); at != waiting_.end();) {
                pending_wait& w = *at++;  // before waking takes it out of the list
                if (w.again) {
                    next = std::min(next, again_at_);
                    if (look)
                        w.wake(ready);
                }
            }
            if (next != clock::time_point::max())
                tick_at(next);
        }
        stored_handler::finish_all(ready, true);
    }

    // The waits for the descriptors end by this, and begin anew when their handlers run.
    void notify_fork(asio::execution_context::fork_event event) override
    {
        if (event != asio::execution_context::fork_prepare)
            return;
        std::lock_guard const hold(mutex_);
        while (!registered_.empty()) {
            registration& r = registered_.front();
            r.unlink();
            r.release();
        }
        if (descriptor_ && descriptor_->is_open())
            (void)descriptor_->release();
    }

    // Handlers that still wait are destroyed and never called.
    void shutdown() override
    {
        stored_handler* left = nullptr;
        {
            std::lock_guard const hold(mutex_);
            shut_ = true;
            waiting_.clear_and_dispose([&](pending_wait* w) {
                w->descriptor = nullptr;
                if (w->handler)
                    std::exchange(w->handler, nullptr)->link(left);
            });
            if (descriptor_ && descriptor_->is_open())
                (void)descriptor_->release();
        }
        descriptor_.reset();
        timer_.reset();
        idle_timer_.reset();
        stored_handler::finish_all(left, false);
    }

    std::mutex mutex_;
    inotify_waits inotify_waits_;
    boost::intrusive::list<pending_wait, boost::intrusive::constant_time_size<false>> waiting_;
    boost::intrusive::list<registration, boost::intrusive::constant_time_size<false>> registered_;
    std::size_t uses_ = 0;
    unsigned ticks_begun_ = 0;         // waits of timer_ whose handlers have not run; the last one counts
    clock::time_point again_at_{};     // when those are woken next that not every event wakes
    bool awaits_events_ = false;  // descriptor_ is waited for
    bool idle_pending_ = false;   // idle_timer_ is waited for
    bool shut_ = false;
    std::optional<asio::steady_timer> timer_;
    std::optional<asio::steady_timer> idle_timer_;
    std::optional<asio::posix::stream_descriptor> descriptor_;
};

}  // namespace strait::detail

#endif
