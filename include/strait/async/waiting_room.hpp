// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_ASYNC_WAITING_ROOM_HPP
#define STRAIT_ASYNC_WAITING_ROOM_HPP

#include <strait/async/inner_executor.hpp>
#include <strait/async/parked_handler.hpp>
#include <strait/detail/bell_watch.hpp>
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
#include <unordered_map>
#include <utility>

namespace strait::detail {

// Where the operations of one execution context sleep: it hears the bells of their channels, and looks again where a
// bell cannot tell. A millisecond after the last has left it has nothing outstanding: the context can run out of work.
//
// Distinct objects: safe. Shared objects: safe; a sleeper belongs to one operation at a time.
class waiting_room : public asio::execution_context::service {
public:
    using key_type = waiting_room;
    static inline asio::execution_context::id id;

    // One end of a channel. All but `rung` belongs to the room.
    class sleeper : public boost::intrusive::list_base_hook<> {
    public:
        // Before a look that finds nothing: a bell that rings from here on keeps the sleeper awake.
        void look() noexcept { rung_.exchange(false, std::memory_order_acq_rel); }

    private:
        friend class waiting_room;

        std::atomic<bool> rung_{false};
        parked* parked_ = nullptr;
        void* descriptor_ = nullptr;  // that it waits for
        void (*cancel_)(void*) = nullptr;
        bool again_ = false;
        unsigned soon_ = 0;
        int file_ = -1;
        int watch_ = -1;
    };

    // Held by an operation that has slept, until it is over.
    class visit {
    public:
        visit() = default;
        explicit visit(waiting_room& room) : room_(&room) { room.enter(); }
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
        waiting_room* room_ = nullptr;
    };

    explicit waiting_room(asio::execution_context& context) : service(context) {}

    // The first end brings an executor for what the room does itself.
    template <class Executor>
    static waiting_room& of(Executor const& ex)
    {
        asio::execution_context& context = asio::query(ex, asio::execution::context);
        asio::any_io_executor const own = asio::prefer(without_strand(ex), asio::execution::outstanding_work.untracked);
        if (!asio::has_service<waiting_room>(context)) {  // what it uses is made first, and goes after it
            asio::steady_timer const timer(own);
            asio::posix::stream_descriptor const descriptor(own);
        }
        waiting_room& room = asio::use_service<waiting_room>(context);
        std::lock_guard const hold(room.mutex_);
        if (!room.timer_ && !room.shut_) {
            room.timer_.emplace(own);
            room.closing_time_.emplace(own);
            room.descriptor_.emplace(own);
        }
        return room;
    }

    // Has this file heard. True when it was not until now: look again before sleeping.
    bool hear(sleeper& s, int file)
    {
        std::lock_guard const hold(mutex_);
        if (s.file_ == file)
            return false;
        forget_locked(s);
        if (file < 0 || shut_)
            return false;
        s.file_ = file;
        s.watch_ = bells_.add(file);
        if (s.watch_ >= 0)
            by_watch_.emplace(s.watch_, &s);
        return s.watch_ >= 0;
    }

    // The file is about to be closed.
    void forget(sleeper& s) noexcept
    {
        std::lock_guard const hold(mutex_);
        forget_locked(s);
    }

    // Calls the handler as by post() when the sleeper is woken.
    template <class Executor, class Handler>
    void sleep(sleeper& s, bool again, Executor const& ex, Handler handler)
    {
        auto slot = asio::get_associated_cancellation_slot(handler);
        if (slot.is_connected())
            slot.assign([this, &s](asio::cancellation_type) { wake(s); });
        parked* const p = parked_handler<Executor, Handler>::make(ex, std::move(handler));
        {
            std::lock_guard const hold(mutex_);
            if (!shut_ && !s.rung_.load(std::memory_order_acquire)) {
                s.parked_ = p;
                fall_asleep(s, again);
                return;
            }
        }
        p->finish(p, !shut_);
    }

    // The same when the descriptor is ready, or has an error.
    template <class Descriptor, class Handler>
    void sleep(sleeper& s, bool again, Descriptor& d, typename Descriptor::wait_type what, Handler handler)
    {
        // The lock is held until the wait has begun: else it could be over, and another one begun, before we have noted
        // it.
        std::unique_lock hold(mutex_);
        if (s.rung_.load(std::memory_order_acquire)) {
            hold.unlock();
            auto const ex = d.get_executor();
            asio::post(ex, std::move(handler));
            return;
        }
        s.descriptor_ = &d;
        s.cancel_ = [](void* waiting) {
            error_code ignored;
            static_cast<Descriptor*>(waiting)->cancel(ignored);
        };
        fall_asleep(s, again);
        d.async_wait(what, std::move(handler));
    }

    // The operation goes on.
    void awake(sleeper& s) noexcept
    {
        std::lock_guard const hold(mutex_);
        s.descriptor_ = nullptr;
        wake_up(s);
    }

    // Whoever sleeps here goes on at once, if somebody does.
    void wake(sleeper& s)
    {
        parked* woken = nullptr;
        {
            std::lock_guard const hold(mutex_);
            rouse(s, woken);
        }
        parked::finish_all(woken, true);
    }

private:
    static constexpr std::chrono::milliseconds patience{1};
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
        closing_time_->expires_after(patience);
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

    void fall_asleep(sleeper& s, bool again)
    {
        s.again_ = again || (s.file_ >= 0 && s.watch_ < 0);
        asleep_.push_front(s);
        if (s.watch_ >= 0)
            listen();
        if (s.again_ || s.soon_ != 0)
            tick();
    }

    void wake_up(sleeper& s) noexcept
    {
        if (s.is_linked())
            asleep_.erase(asleep_.iterator_to(s));
    }

    void rouse(sleeper& s, parked*& woken)
    {
        s.rung_.store(true, std::memory_order_release);
        if (s.parked_) {
            std::exchange(s.parked_, nullptr)->link(woken);
            wake_up(s);
        } else if (s.descriptor_) {
            s.cancel_(std::exchange(s.descriptor_, nullptr));
        }
    }

    void forget_locked(sleeper& s) noexcept
    {
        if (s.watch_ >= 0) {
            auto [at, end] = by_watch_.equal_range(s.watch_);
            for (; at != end && at->second != &s; ++at) {}
            if (at != end)
                by_watch_.erase(at);
            if (by_watch_.count(s.watch_) == 0)
                bells_.remove(s.watch_);
        }
        s.file_ = s.watch_ = -1;
        s.soon_ = 0;
    }

    void listen()
    {
        if (std::exchange(listening_, true))
            return;
        if (!descriptor_->is_open())
            descriptor_->assign(bells_.fd());
        descriptor_->async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code const& e) { heard(e); });
    }

    void heard(error_code const& e)
    {
        parked* woken = nullptr;
        {
            std::lock_guard const hold(mutex_);
            listening_ = false;
            if (shut_)
                return;
            if (!e)
                bells_.listen([&](int watch, bool closed) {
                    auto const [from, to] = watch == bell_watch::all ? std::pair(by_watch_.begin(), by_watch_.end())
                                                                     : by_watch_.equal_range(watch);
                    for (auto at = from; at != to; ++at) {
                        if (closed) {
                            at->second->soon_ = looks_after_closing;
                            tick();
                        }
                        rouse(*at->second, woken);
                    }
                });
            if (visitors_ != 0)
                listen();
        }
        parked::finish_all(woken, true);
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
        parked* woken = nullptr;
        {
            std::lock_guard const hold(mutex_);
            ticking_ = false;
            if (shut_ || visitors_ == 0)
                return;
            bool const look = ++ticks_ % ticks_between_looks == 0;
            bool more = false;
            for (auto& [watch, s] : by_watch_)  // also of those who are between two sleeps
                if (s->soon_ != 0) {
                    more = --s->soon_ != 0 || more;
                    rouse(*s, woken);
                }
            for (auto at = asleep_.begin(); at != asleep_.end();) {
                sleeper& s = *at++;  // before it leaves
                if (s.again_) {
                    more = true;
                    if (look)
                        rouse(s, woken);
                }
            }
            if (more)
                tick();
        }
        parked::finish_all(woken, true);
    }

    // Operations that are still asleep are destroyed, and never called.
    void shutdown() override
    {
        parked* left = nullptr;
        {
            std::lock_guard const hold(mutex_);
            shut_ = true;
            asleep_.clear_and_dispose([&](sleeper* s) {
                s->descriptor_ = nullptr;
                if (s->parked_)
                    std::exchange(s->parked_, nullptr)->link(left);
            });
            if (descriptor_ && descriptor_->is_open())
                (void)descriptor_->release();
        }
        descriptor_.reset();
        timer_.reset();
        closing_time_.reset();
        parked::finish_all(left, false);
    }

    std::mutex mutex_;
    bell_watch bells_;
    std::unordered_multimap<int, sleeper*> by_watch_;
    boost::intrusive::list<sleeper, boost::intrusive::constant_time_size<false>> asleep_;
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
