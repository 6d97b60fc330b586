// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_FORK_GUARD_HPP
#define STRAIT_DETAIL_OS_FORK_GUARD_HPP

#include <mutex>

#include <pthread.h>

namespace strait::detail {

// An object that a child of plain fork() must not share with its parent: a lock would stay held as long as one of the
// two lives, and a destructor in the child would close the parent's channel. Before fork() returns in the child, the
// child handler of pthread_atfork(3) calls the `disarm` of every such object, which makes only calls that are safe
// after fork() in a process with threads.
class fork_guard {
public:
    using disarm = void (*)(fork_guard&) noexcept;

    fork_guard(fork_guard const&) = delete;
    fork_guard& operator=(fork_guard const&) = delete;

protected:
    explicit fork_guard(disarm in_child) : in_child_(in_child)
    {
        list& all = registry();
        std::lock_guard const hold(all.mutex);
        next_ = all.first;
        if (next_)
            next_->previous_ = this;
        all.first = this;
    }

    ~fork_guard()
    {
        list& all = registry();
        std::lock_guard const hold(all.mutex);
        (previous_ ? previous_->next_ : all.first) = next_;
        if (next_)
            next_->previous_ = previous_;
    }

private:
    struct list {
        std::mutex mutex;
        fork_guard* first = nullptr;
    };

    // Never destroyed, because destructors of other static objects may close ends.
    static list& registry()
    {
        static list& all = []() -> list& {
            ::pthread_atfork([] { registry().mutex.lock(); }, [] { registry().mutex.unlock(); },
                             [] {
                                 for (fork_guard* g = registry().first; g; g = g->next_)
                                     g->in_child_(*g);
                                 registry().mutex.unlock();
                             });
            return *new list;
        }();
        return all;
    }

    disarm in_child_;
    fork_guard* next_ = nullptr;
    fork_guard* previous_ = nullptr;
};

// Says whether this process is a child of the process that made the mark.
class fork_mark : fork_guard {
public:
    fork_mark() : fork_guard(&disarm) {}
    fork_mark(fork_mark&& other) : fork_guard(&disarm), inherited_(other.inherited_) {}
    fork_mark& operator=(fork_mark&& other) noexcept
    {
        inherited_ = other.inherited_;
        return *this;
    }

    bool is_inherited() const noexcept { return inherited_; }

private:
    static void disarm(fork_guard& g) noexcept { static_cast<fork_mark&>(g).inherited_ = true; }

    bool inherited_ = false;
};

}  // namespace strait::detail

#endif
