// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_WAIT_SET_HPP
#define STRAIT_DETAIL_WAIT_WAIT_SET_HPP

#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/timespec.hpp>
#include <strait/detail/wait/futex.hpp>
#include <strait/detail/wait/inotify_watcher.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <utility>
#include <vector>

#include <poll.h>

namespace strait::detail {

// One of the things that a thread waits for: an end, whatever its type, or a descriptor.
struct waited_for {
    std::size_t key = 0;
    void* end = nullptr;  // null: it is a descriptor
    // Nothing: wait on. Success: a message is there. An error: receiving would report it.
    std::optional<error_code> (*readiness)(void* end) = nullptr;
    wake_source (*arm)(void* end) = nullptr;
    void (*disarm)(void* end) = nullptr;
    wake_source source;
    int watched = -1;  // the file that `watch` is for
    int watch = -1;    // the number by which the watcher names it; -1: it is not watched
};

// Waits until one of a few is ready, and lets each have its turn. It asks the kernel about each of them: an
// epoll_wait_set is for many. Distinct objects: safe. Shared objects: unsafe.
class wait_set {
public:
    struct found {
        std::size_t key;
        error_code error;  // none: a message is there, or the descriptor is ready
    };

    // `watcher` watches the files of all of them.
    explicit wait_set(inotify_watcher& watcher) noexcept : watcher_(watcher) {}
    wait_set(wait_set const&) = delete;
    wait_set& operator=(wait_set const&) = delete;
    ~wait_set()
    {
        for (waited_for const& w : all_)
            forget(w);
    }

    bool empty() const noexcept { return all_.empty(); }
    std::size_t size() const noexcept { return all_.size(); }
    void add(waited_for const& w) { all_.push_back(w); }
    bool remove(std::size_t key)
    {
        auto const at = std::find_if(all_.begin(), all_.end(), [key](waited_for const& w) { return w.key == key; });
        if (at == all_.end())
            return false;
        forget(*at);
        all_.erase(at);
        return true;
    }

    // Gives away all of them.
    std::vector<waited_for> release()
    {
        for (waited_for const& w : all_)
            forget(w);
        return std::exchange(all_, {});
    }

    // Whether this descriptor of the application is ready; not_open when it is closed.
    static std::optional<error_code> descriptor_readiness(wake_source const& s)
    {
        ::pollfd p{s.descriptor, s.events, 0};
        int const ready = ::poll(&p, 1, 0);
        if (ready == 0 || (ready < 0 && errno == EINTR))
            return {};
        if (ready < 0)
            return last_failure();
        return (p.revents & POLLNVAL) != 0 ? make_error_code(errc::not_open) : error_code();
    }

    // The index of the one that is looked at first the next time.
    std::size_t turn = 0;

    // Returns the first that is ready. empty: none is, and `until` is a poll. timed_out: none was until then.
    result<found> wait(deadline until)
    {
        if (auto const f = look())
            return *f;
        if (until.is_poll())
            return errc::empty;
        struct disarming {
            std::vector<waited_for>& all;
            ~disarming()
            {
                for (waited_for& w : all)
                    if (w.end)
                        w.disarm(w.end);
            }
        } const at_the_end{all_};
        auto const take_events = [&] {
            watcher_.read_events([&](int, bool closed) {
                if (closed)
                    watcher_.looks.begin();
            });
        };
        for (;;) {
            STRAIT_STEP();
            take_events();
            bool const again = arm();
            if (auto const f = look())
                return *f;
            if (until.passed())
                return errc::timed_out;
            deadline wake = again ? until.capped(wait_slice) : until;
            if (watcher_.looks.any())
                wake = wake.capped(watcher_.looks.next());
            sleep(wake);
            take_events();
            if (auto const f = look())
                return *f;
        }
    }

private:
    std::optional<found> look()
    {
        std::size_t const n = all_.size();
        for (std::size_t i = 0; i != n; ++i) {
            waited_for& w = all_[(turn + i) % n];
            auto const ready = w.end ? w.readiness(w.end) : descriptor_readiness(w.source);
            if (!ready)
                continue;
            turn = (turn + i) % n + 1;
            return found{w.key, *ready};
        }
        return {};
    }

    // True when at least one must be looked at now and then, because not everything wakes us.
    bool arm()
    {
        bool again = false;
        for (waited_for& w : all_) {
            if (!w.end)
                continue;
            w.source = w.arm(w.end);
            if (w.source.file != w.watched) {
                forget(w);
                w.watched = w.source.file;
                w.watch = w.watched < 0 ? -1 : watcher_.add(w.watched);
            }
            again = again || w.source.again || (w.watched >= 0 && w.watch < 0);
        }
        return again;
    }

    void sleep(deadline until)
    {
        polled_.clear();
        polled_.push_back({watcher_.fd(), POLLIN, 0});  // poll(2) skips it while it is -1
        for (waited_for const& w : all_)
            if (w.source.descriptor >= 0)
                polled_.push_back({w.source.descriptor, w.source.events, 0});
        ::timespec const left = to_timespec(nanoseconds_left(until));
        (void)::ppoll(polled_.data(), polled_.size(), until.is_never() ? nullptr : &left, nullptr);
    }

    void forget(waited_for const& w) noexcept
    {
        bool const shared =
            std::any_of(all_.begin(), all_.end(), [&](waited_for const& o) { return &o != &w && o.watch == w.watch; });
        if (w.watch >= 0 && !shared)
            watcher_.remove(w.watch);
    }

    inotify_watcher& watcher_;
    std::vector<waited_for> all_;
    std::vector<::pollfd> polled_;
};

}  // namespace strait::detail

#endif
