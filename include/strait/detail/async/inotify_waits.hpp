// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_INOTIFY_WAITS_HPP
#define STRAIT_DETAIL_ASYNC_INOTIFY_WAITS_HPP

#include <strait/detail/async/pending_wait.hpp>
#include <strait/detail/wait/inotify_watcher.hpp>

#include <unordered_map>
#include <utility>

namespace strait::detail {

// Who hears the bell of which channel: several ends may hear the same. Shared objects: unsafe.
class hearers {
public:
    // Readable when a bell has rung. Not before somebody has been added.
    int fd() const noexcept { return bells_.fd(); }

    // False: its bell cannot be heard.
    bool add(sleeper& s, int file)
    {
        s.file = file;
        s.watch = bells_.add(file);
        if (s.watch >= 0)
            by_watch_.emplace(s.watch, &s);
        return s.watch >= 0;
    }

    void remove(sleeper& s) noexcept
    {
        if (s.watch >= 0) {
            auto [at, end] = by_watch_.equal_range(s.watch);
            for (; at != end && at->second != &s; ++at) {}
            if (at != end)
                by_watch_.erase(at);
            if (by_watch_.count(s.watch) == 0)
                bells_.remove(s.watch);
        }
        s.file = s.watch = -1;
        s.soon = 0;
    }

    // Calls `heard(sleeper&, whether the file was closed)` for those whose bells have rung.
    template <class Heard>
    void listen(Heard heard)
    {
        bells_.listen([&](int watch, bool closed) {
            auto const [from, to] = watch == bell_watch::all ? std::pair(by_watch_.begin(), by_watch_.end())
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
    bell_watch bells_;
    std::unordered_multimap<int, sleeper*> by_watch_;
};

}  // namespace strait::detail

#endif
