// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_EPOLL_WAIT_SET_HPP
#define STRAIT_DETAIL_WAIT_EPOLL_WAIT_SET_HPP

#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/epoll_set.hpp>
#include <strait/detail/wait/ends_together.hpp>
#include <strait/detail/wait/futex.hpp>
#include <strait/detail/wait/inotify_watcher.hpp>
#include <strait/detail/wait/wait_set.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace strait::detail {

// Waits until one of very many is ready, and lets each have its turn. It does what a wait_set does, but epoll(7) says
// which descriptors are ready, so that a wait makes no system call for each of them.
//
// An end with a descriptor is looked at when epoll reports it, when its object holds something already, when its file
// was closed or its doorbell rung, when it asks for that by `again`, and once a second. All others are looked at in
// each wait. Before it sleeps, and now and then, a wait arms every end, which makes no system call where there is a
// descriptor.
//
// Distinct objects: safe. Shared objects: unsafe.
class epoll_wait_set {
public:
    using found = wait_set::found;

    // `watcher` watches the files of all of them.
    explicit epoll_wait_set(inotify_watcher& watcher) noexcept : watcher_(watcher) {}
    epoll_wait_set(epoll_wait_set const&) = delete;
    epoll_wait_set& operator=(epoll_wait_set const&) = delete;
    ~epoll_wait_set()
    {
        for (auto const& s : all_)
            unwatch(*s);
    }

    // Before anything else. False: there is no descriptor to be had.
    bool open() { return !set_.open(); }

    bool empty() const noexcept { return all_.empty(); }
    std::size_t size() const noexcept { return all_.size(); }

    void add(waited_for const& w)
    {
        auto& s = *all_.emplace_back(std::make_unique<slot>(w));
        s.index = all_.size() - 1;
        s.watch = s.watched = -1;
        by_key_.emplace(s.key, &s);
        s.end ? arm(s) : enroll(s);
        if (s.unreported) {
            always_.push_back(&s);
            armed_ = true;
        }
        enqueue(s);
    }

    bool remove(std::size_t key)
    {
        auto const at = by_key_.find(key);
        if (at == by_key_.end())
            return false;
        slot& s = *at->second;
        dismiss(s);
        unwatch(s);
        std::erase(queue_, &s);
        std::erase(always_, &s);
        by_key_.erase(at);
        std::swap(all_[s.index], all_.back());
        all_[s.index]->index = s.index;
        all_.pop_back();
        return true;
    }

    // Returns one that is ready. empty: none is, and `until` is a poll. timed_out: none was until then.
    // descriptor_limit: in a child of fork(), which can have no descriptor.
    result<found> wait(deadline until)
    {
        if (!set_.fd())
            if (error_code const e = begin_again())
                return e;
        disarming const at_the_end{*this};
        if (always_first_)
            if (auto const f = look_at_unreported())
                return *f;
        if (is_due(looked_at_, std::chrono::seconds(1)))
            enqueue_if([](slot const&) { return true; });
        collect(deadline::poll());
        if (++waits_ % waits_between_passes == 0)
            (void)arm(false);
        if (auto const f = look())
            return *f;
        for (;;) {
            STRAIT_STEP();
            bool const again = arm(!until.is_poll());
            if (auto const f = look())
                return *f;
            if (until.is_poll())
                return errc::empty;
            if (until.passed())
                return errc::timed_out;
            collect(sleep_until(until, again));
            if (again)
                enqueue_if([](slot const& s) { return s.source.again || (s.watched >= 0 && s.watch < 0); });
            if (auto const f = look())
                return *f;
        }
    }

private:
    static constexpr unsigned waits_between_passes = 64;

    struct slot : waited_for {
        explicit slot(waited_for const& w) : waited_for(w) {}

        std::size_t index = 0;         // in all_
        int enrolled = -1;             // the descriptor that epoll reports
        std::uint64_t serial = 0;      // of that descriptor
        short events = 0;              // that epoll reports of it
        descriptor copy;               // what epoll has instead, where another slot has the same descriptor
        bool unreported = true;        // epoll does not say when it is ready
        bool refused = false;          // by epoll, for want of memory
        bool queued = false;
    };

    // What epoll reports needs no disarming.
    struct disarming {
        epoll_wait_set& set;
        ~disarming()
        {
            if (std::exchange(set.armed_, false))
                for (slot* const s : set.always_)
                    if (s->end)
                        s->disarm(s->end);
        }
    };

    static void* tag_of(slot const& s) noexcept { return reinterpret_cast<void*>(s.key + 1); }

    static bool is_due(std::int64_t& last, std::chrono::nanoseconds interval) noexcept
    {
        std::int64_t const now = deadline::now();
        if (now - last < interval.count())
            return false;
        last = now;
        return true;
    }

    // Those that epoll does not report are looked at in any case.
    void enqueue(slot& s)
    {
        if (!s.unreported && !std::exchange(s.queued, true))
            queue_.push_back(&s);
    }

    template <class Which>
    void enqueue_if(Which which)
    {
        for (auto const& s : all_)
            if (which(*s))
                enqueue(*s);
    }

    // Looks at all that may be ready. After one that epoll reports come those that it does not report, and the other
    // way round.
    std::optional<found> look()
    {
        if (always_first_)
            if (auto const f = look_at_unreported())
                return f;
        if (auto const f = look_at_queue()) {
            always_first_ = true;
            return f;
        }
        return always_first_ ? std::nullopt : look_at_unreported();
    }

    static std::optional<error_code> readiness_of(slot& s)
    {
        return s.end ? s.readiness(s.end) : wait_set::descriptor_readiness(s.source);
    }

    // In turns, beginning behind the one that was ready last.
    std::optional<found> look_at_unreported()
    {
        std::size_t const n = always_.size();
        ends_together const together(n);
        for (std::size_t i = 0; i != n; ++i) {
            std::size_t const at = (turn_ + i) % n;
            if (auto const ready = readiness_of(*always_[at])) {
                turn_ = at + 1;
                always_first_ = owner_.empty();
                return found{always_[at]->key, *ready};
            }
        }
        return {};
    }

    // One that is ready comes last the next time, and is looked at then in any case.
    std::optional<found> look_at_queue()
    {
        while (!queue_.empty()) {
            STRAIT_STEP();
            slot& s = *queue_.front();
            queue_.pop_front();
            queue_.push_back(&s);  // also when what the application is asked throws
            if (auto const ready = readiness_of(s))
                return found{s.key, *ready};
            queue_.pop_back();
            s.queued = false;
        }
        return {};
    }

    // Puts those that have something to report into the queue; waits for that up to the deadline.
    void collect(deadline until)
    {
        std::array<::epoll_event, 64> events;
        bool stale = false;
        bool files = false;
        for (::epoll_event const& e : set_.wait(events, until)) {
            files = files || !e.data.ptr;
            if (!e.data.ptr)
                continue;
            auto const at = by_key_.find(reinterpret_cast<std::size_t>(e.data.ptr) - 1);
            if (at == by_key_.end())
                stale = true;
            else
                enqueue(*at->second);
        }
        if (stale)
            (void)begin_again();  // a copy of a descriptor that was closed before its slot was removed
        if (files)
            watcher_.read_events([&](int watch, bool closed) {
                if (closed) {
                    watcher_.looks.begin();
                    looks_at_ = 0;
                }
                enqueue_if([&](slot const& s) { return s.watch >= 0 && (watch == inotify_watcher::all || s.watch == watch); });
            });
        if (watcher_.looks.any() && deadline::now() >= looks_at_) {
            looks_at_ = deadline::now() + std::chrono::nanoseconds(watcher_.looks.next()).count();
            enqueue_if([](slot const& s) { return s.watch >= 0; });
        }
    }

    deadline sleep_until(deadline until, bool again) const
    {
        deadline wake = again ? until.capped(wait_slice) : until;
        if (watcher_.looks.any())
            wake = std::min(wake, deadline::at(deadline::clock::time_point(std::chrono::nanoseconds(looks_at_))));
        return wake;
    }

    // Arms all ends, and brings up to date what epoll and the watcher report. Without `sleeps` those that epoll does
    // not report are left alone: they are looked at anyway. True when at least one must be looked at now and then,
    // because not everything wakes us.
    bool arm(bool sleeps)
    {
        bool again = false;
        always_.clear();
        armed_ = armed_ || sleeps;
        ends_together const together(all_.size());  // whoever arms looks behind that
        for (auto const& held : all_) {
            slot& s = *held;
            if (s.end && (sleeps || !s.unreported))
                arm(s);
            if (s.unreported)
                always_.push_back(&s);
            again = again || s.source.again || s.refused || (s.watched >= 0 && s.watch < 0);
        }
        if (watcher_.fd() >= 0 && watcher_.fd() != watcher_enrolled_ && !set_.add(watcher_.fd(), nullptr, EPOLLIN))
            watcher_enrolled_ = watcher_.fd();
        return again;
    }

    void arm(slot& s)
    {
        s.source = s.arm(s.end);
        if (s.enrolled != s.source.descriptor || s.events != s.source.events || s.serial != s.source.serial) {
            dismiss(s);
            enroll(s);
            enqueue(s);
        }
        if (s.source.file != s.watched)
            watch(s);
        if (s.source.buffered)
            enqueue(s);
    }

    void enroll(slot& s)
    {
        s.enrolled = s.source.descriptor;
        s.serial = s.source.serial;
        s.events = s.source.events;
        s.unreported = true;
        s.refused = false;
        if (s.enrolled < 0)
            return;
        auto const events = static_cast<std::uint32_t>(static_cast<unsigned short>(s.events));
        error_code e = set_.add(s.enrolled, tag_of(s), events);
        if (e == error_code(EEXIST, boost::system::system_category())) {
            s.copy = duplicate(s.enrolled);
            e = s.copy ? set_.add(s.copy.get(), tag_of(s), events) : last_failure();
        } else if (!e) {
            owner_[s.enrolled] = s.key;
        }
        // Of an end whose descriptor has no serial number it is not known whether it is still the one that was
        // enrolled. A file is always ready (EPERM).
        s.unreported = e || (s.end && s.serial == 0);
        s.refused = e && e != error_code(EPERM, boost::system::system_category());
    }

    // A descriptor of the same number may be another slot's by now.
    void dismiss(slot& s)
    {
        if (s.copy) {
            set_.remove(s.copy.get());
            s.copy.reset();
        } else if (auto const at = owner_.find(s.enrolled); at != owner_.end() && at->second == s.key) {
            set_.remove(s.enrolled);
            owner_.erase(at);
        }
        s.enrolled = -1;
    }

    void watch(slot& s)
    {
        unwatch(s);
        s.watched = s.source.file;
        s.watch = s.watched < 0 ? -1 : watcher_.add(s.watched);
        if (s.watch >= 0)
            ++watches_[s.watch];
    }

    void unwatch(slot& s) noexcept
    {
        if (s.watch < 0)
            return;
        if (auto const at = watches_.find(s.watch); at != watches_.end() && --at->second == 0) {
            watcher_.remove(s.watch);
            watches_.erase(at);
        }
        s.watch = s.watched = -1;
    }

    // In a child of fork(), or when epoll has a descriptor that it cannot be told to forget.
    [[gnu::noinline, gnu::cold]] error_code begin_again()
    {
        if (error_code const e = set_.open())
            return e;
        owner_.clear();
        watches_.clear();
        watcher_enrolled_ = -1;
        for (auto const& s : all_) {
            s->copy.reset();
            s->enrolled = s->watch = s->watched = -1;
            s->serial = 0;
            if (!s->end)
                enroll(*s);
            enqueue(*s);
        }
        return {};
    }

    inotify_watcher& watcher_;
    epoll_set set_;
    std::vector<std::unique_ptr<slot>> all_;
    std::unordered_map<std::size_t, slot*> by_key_;
    std::unordered_map<int, std::size_t> owner_;  // the key of the slot for which epoll has this descriptor
    std::unordered_map<int, std::size_t> watches_;  // how many slots have each watch
    std::vector<slot*> always_;  // are looked at in each wait
    std::deque<slot*> queue_;  // may be ready
    std::int64_t looked_at_ = 0;  // when all were looked at
    std::int64_t looks_at_ = 0;  // when those with a file are to be looked at, after one was closed
    int watcher_enrolled_ = -1;
    std::size_t turn_ = 0;  // the index in always_ that is looked at first
    unsigned waits_ = 0;
    bool always_first_ = true;
    bool armed_ = false;  // those that epoll does not report
};

}  // namespace strait::detail

#endif
