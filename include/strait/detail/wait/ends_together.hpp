// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_ENDS_TOGETHER_HPP
#define STRAIT_DETAIL_WAIT_ENDS_TOGETHER_HPP

#include <strait/detail/wait/asymmetric_fence.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace strait::detail {

// Many ends that one thread looks at, or arms, one after the other: while one of these lives, what costs a system call for each
// end is done once for all, or less often. Rings have no descriptor that says that something has come, so a thread that
// waits for a thousand of them looks at each.
class ends_together {
public:
    explicit ends_together(std::size_t count) noexcept : count_(count), outer_(current()) { current() = this; }
    ends_together(ends_together const&) = delete;
    ends_together& operator=(ends_together const&) = delete;
    ~ends_together()
    {
        current() = outer_;
        if (fence_due_)
            fence_.heavy();  // pairs with the light() of peer_sleeps() and any(), of each end that was armed
    }

    // The fence of an end that has said that it sleeps. Whoever arms many looks at them only when all are armed, so one
    // fence behind all of them does for each. All fences of a process are of one kind.
    static void heavy(asymmetric_fence const& fence) noexcept
    {
        if (ends_together* const all = current()) {
            all->fence_ = fence;
            all->fence_due_ = true;
        } else {
            fence.heavy();
        }
    }

    // How many times longer than usual an end goes without asking the kernel whether its peers live, so that all together ask about
    // as often as sixteen do. At most 32 times, or a death was seen too late.
    static std::int64_t seldom() noexcept
    {
        ends_together const* const all = current();
        return all ? static_cast<std::int64_t>(std::min<std::size_t>(1 + all->count_ / 16, 32)) : 1;
    }

private:
    static ends_together*& current() noexcept
    {
        thread_local ends_together* of_thread = nullptr;
        return of_thread;
    }

    std::size_t count_;
    ends_together* outer_;
    asymmetric_fence fence_;
    bool fence_due_ = false;
};

}  // namespace strait::detail

#endif
