// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_INOTIFY_WAITS_HPP
#define STRAIT_DETAIL_ASYNC_INOTIFY_WAITS_HPP

#include <strait/detail/async/pending_wait.hpp>
#include <strait/detail/wait/inotify_watcher.hpp>

#include <unordered_map>
#include <utility>

namespace strait::detail {

// Who hears the bell of which channel: several ends may hear the same. Shared objects: unsafe.
class inotify_waits {
public:
    // Readable when a bell has rung. Not before somebody has been added.
    int fd() const noexcept { return watcher_.fd(); }

    // False: its bell cannot be heard.
    bool add(pending_wait& s, int file)
    {
        s.file = file;
        s.watch = watcher_.add(file);
        if (s.watch >= 0)
            by_watch_.emplace(s.watch, &s);
        return s.watch >= 0;
    }

    void remove(pending_wait& s) noexcept
    {
        if (s.watch >= 0) {
            auto [at, end] = by_watch_.equal_range(s.watch);
            for (; at != end && at->second != &s; ++at) {}
            if (at != end)
                by_watch_.erase(at);
            if (by_watch_.count(s.watch) == 0)
                watcher_.remove(s.watch);
        }
        s.file = s.watch = -1;
        s.soon = 0;
    }

    // Calls `heard(sleeper&, whether the file was closed)` for those whose bells have rung.
    template <class Heard>
    void listen(Heard heard)
    {
        watcher_.listen([&](int watch, bool closed) {
            auto const [from, to] = watch == inotify_watcher::all ? std::pair(by_watch_.begin(), by_watch_.end())
                                                             : by_watch_.equal_range(watch);
            for (auto at = from; at != to; ++at)
                heard(*at->second, closed);
        });
    }

    template <class Do>
    void for_each(Do visit)
    {
        for (auto& [watch, s] : by_watch_)
            visit(*s);
    }

private:
    inotify_watcher watcher_;
    std::unordered_multimap<int, pending_wait*> by_watch_;
};

}  // namespace strait::detail

#endif
