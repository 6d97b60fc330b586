// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_ASIO_SERVICE_HPP
#define STRAIT_DETAIL_ASYNC_ASIO_SERVICE_HPP

#include <strait/detail/async/inner_executor.hpp>
#include <strait/detail/async/inotify_waits.hpp>
#include <strait/detail/async/pending_wait.hpp>
#include <strait/detail/async/stored_handler.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>

namespace strait::detail {

// Where the operations of one execution context sleep: it hears the bells of their channels, and looks again where a
// bell cannot tell. A millisecond after the last has left it has nothing outstanding: the context can run out of work.
//
// Distinct objects: safe. Shared objects: safe; a sleeper belongs to one operation at a time.
class asio_service : public asio::execution_context::service {
public:
    using key_type = asio_service;
    static inline asio::execution_context::id id;

    // Held by an operation that has slept, until it is over.
    class visit {
    public:
        visit() = default;
        explicit visit(asio_service& room) : room_(&room) { room.enter(); }
        visit(visit&& other) noexcept : room_(std::exchange(other.room_, nullptr)) {}
        visit& operator=(visit&& other) noexcept
        {
            std::swap(room_, other.room_);
            return *this;
        }
        ~visit()
        {
            if (room_)
                room_->leave();
        }
        explicit operator bool() const noexcept { return room_ != nullptr; }

    private:
        asio_service* room_ = nullptr;
    };

    explicit asio_service(asio::execution_context& context) : service(context) {}

    // The first end brings an executor for what the room does itself.
    template <class Executor>
    static asio_service& of(Executor const& ex)
    {
        asio::execution_context& context = asio::query(ex, asio::execution::context);
        asio::any_io_executor const own = asio::prefer(without_strand(ex), asio::execution::outstanding_work.untracked);
        if (!asio::has_service<asio_service>(context)) {  // what it uses is made first, and goes after it
            asio::steady_timer const timer(own);
            asio::posix::stream_descriptor const descriptor(own);
        }
        asio_service& room = asio::use_service<asio_service>(context);
        std::lock_guard const hold(room.mutex_);
        if (!room.timer_ && !room.shut_) {
            room.timer_.emplace(own);
            room.closing_time_.emplace(own);
            room.descriptor_.emplace(own);
        }
        return room;
    }

    // Has this file heard. True when it was not until now: look again before sleeping.
    bool hear(pending_wait& s, int file)
    {
        std::lock_guard const hold(mutex_);
        if (s.file == file)
            return false;
        inotify_waits_.remove(s);
        return file >= 0 && !shut_ && inotify_waits_.add(s, file);
    }

    // The file is about to be closed.
    void forget(pending_wait& s) noexcept
    {
        std::lock_guard const hold(mutex_);
        inotify_waits_.remove(s);
    }

    // Calls the handler as by post() when the sleeper is woken.
    template <class Executor, class Handler>
    void sleep(pending_wait& s, bool again, Executor const& ex, Handler handler)
    {
        auto slot = asio::get_associated_cancellation_slot(handler);
        if (slot.is_connected())
            slot.assign([this, &s](asio::cancellation_type) { wake(s); });
        stored_handler* const p = stored_handler_of<Executor, Handler>::make(ex, std::move(handler));
        {
            std::lock_guard const hold(mutex_);
            if (!shut_ && !s.rung.load(std::memory_order_acquire)) {
                s.handler = p;
                fall_asleep(s, again);
                return;
            }
        }
        p->finish(p, !shut_);
    }

    // The same when the descriptor is ready, or has an error.
    template <class Descriptor, class Handler>
    void sleep(pending_wait& s, bool again, Descriptor& d, typename Descriptor::wait_type what, Handler handler)
    {
        // The lock is held until the wait has begun: else it could be over, and another one begun, before we have noted
        // it.
        std::unique_lock hold(mutex_);
        if (s.rung.load(std::memory_order_acquire)) {
            hold.unlock();
            auto const ex = d.get_executor();
            asio::post(ex, std::move(handler));
            return;
        }
        s.descriptor = &d;
        s.cancel = [](void* waiting) {
            error_code ignored;
            static_cast<Descriptor*>(waiting)->cancel(ignored);
        };
        fall_asleep(s, again);
        d.async_wait(what, std::move(handler));
    }

    // The operation goes on.
    void awake(pending_wait& s) noexcept
    {
        std::lock_guard const hold(mutex_);
        s.descriptor = nullptr;
        s.rise();
    }

    // Whoever sleeps here goes on at once, if somebody does.
    void wake(pending_wait& s)
    {
        stored_handler* woken = nullptr;
        {
            std::lock_guard const hold(mutex_);
            s.rouse(woken);
        }
        stored_handler::finish_all(woken, true);
    }

private:
    static constexpr std::chrono::milliseconds closing_pause{1};
    static constexpr std::chrono::milliseconds tick_length{10};
    static constexpr unsigned ticks_between_looks = 5;
    static constexpr unsigned looks_after_closing =
        6;  // the lock of one who died is freed a moment after its file is closed

    void enter()
    {
        std::lock_guard const hold(mutex_);
        ++visitors_;
    }

    // What is outstanding is given up when nobody has come back after a while: most do at once.
    void leave()
    {
        std::lock_guard const hold(mutex_);
        if (--visitors_ != 0 || shut_ || closing_ || !(listening_ || ticking_))
            return;
        closing_ = true;
        closing_time_->expires_after(closing_pause);
        closing_time_->async_wait([this](error_code const&) { close_up(); });
    }

    void close_up()
    {
        std::lock_guard const hold(mutex_);
        closing_ = false;
        if (visitors_ != 0 || shut_)
            return;
        error_code ignored;
        descriptor_->cancel(ignored);
        timer_->cancel();
    }

    void fall_asleep(pending_wait& s, bool again)
    {
        s.again = again || (s.file >= 0 && s.watch < 0);
        asleep_.push_front(s);
        if (s.watch >= 0)
            listen();
        if (s.again || s.soon != 0)
            tick();
    }

    void listen()
    {
        if (std::exchange(listening_, true))
            return;
        if (!descriptor_->is_open())
            descriptor_->assign(inotify_waits_.fd());
        descriptor_->async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code const& e) { heard(e); });
    }

    void heard(error_code const& e)
    {
        stored_handler* woken = nullptr;
        {
            std::lock_guard const hold(mutex_);
            listening_ = false;
            if (shut_)
                return;
            if (!e)
                inotify_waits_.listen([&](pending_wait& s, bool closed) {
                    if (closed) {
                        s.soon = looks_after_closing;
                        tick();
                    }
                    s.rouse(woken);
                });
            if (visitors_ != 0)
                listen();
        }
        stored_handler::finish_all(woken, true);
    }

    void tick()
    {
        if (std::exchange(ticking_, true))
            return;
        timer_->expires_after(tick_length);
        timer_->async_wait([this](error_code const&) { ticked(); });
    }

    void ticked()
    {
        stored_handler* woken = nullptr;
        {
            std::lock_guard const hold(mutex_);
            ticking_ = false;
            if (shut_ || visitors_ == 0)
                return;
            bool const look = ++ticks_ % ticks_between_looks == 0;
            bool more = false;
            inotify_waits_.for_each([&](pending_wait& s) {  // also of those who are between two sleeps
                if (s.soon != 0) {
                    more = --s.soon != 0 || more;
                    s.rouse(woken);
                }
            });
            for (auto at = asleep_.begin(); at != asleep_.end();) {
                pending_wait& s = *at++;  // before it leaves
                if (s.again) {
                    more = true;
                    if (look)
                        s.rouse(woken);
                }
            }
            if (more)
                tick();
        }
        stored_handler::finish_all(woken, true);
    }

    // Operations that are still asleep are destroyed, and never called.
    void shutdown() override
    {
        stored_handler* left = nullptr;
        {
            std::lock_guard const hold(mutex_);
            shut_ = true;
            asleep_.clear_and_dispose([&](pending_wait* s) {
                s->descriptor = nullptr;
                if (s->handler)
                    std::exchange(s->handler, nullptr)->link(left);
            });
            if (descriptor_ && descriptor_->is_open())
                (void)descriptor_->release();
        }
        descriptor_.reset();
        timer_.reset();
        closing_time_.reset();
        stored_handler::finish_all(left, false);
    }

    std::mutex mutex_;
    inotify_waits inotify_waits_;
    boost::intrusive::list<pending_wait, boost::intrusive::constant_time_size<false>> asleep_;
    std::size_t visitors_ = 0;
    unsigned ticks_ = 0;
    bool listening_ = false;
    bool ticking_ = false;
    bool closing_ = false;
    bool shut_ = false;
    std::optional<asio::steady_timer> timer_;
    std::optional<asio::steady_timer> closing_time_;
    std::optional<asio::posix::stream_descriptor> descriptor_;
};

}  // namespace strait::detail

#endif
