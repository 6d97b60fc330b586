// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_ASYMMETRIC_FENCE_HPP
#define STRAIT_DETAIL_WAIT_ASYMMETRIC_FENCE_HPP

#include <strait/detail/os/atomic.hpp>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace strait::detail {

// A fence between two processes of which each stores one word and then loads the other's: A publishes and looks for a
// waiter, B says that it sleeps and looks for a publication. One of them must see the other, which takes a full fence
// between store and load on both sides. A does this for every message and B hardly ever. So B runs the fence for both:
// membarrier(2) runs a full fence on every core that runs a registered process, and A only keeps its compiler from swapping
// the two accesses. (At 8 bytes a fence per message costs a factor of 40.)
//
// Where the system call is refused (an old kernel, seccomp), this end runs full fences itself on both sides. When such an
// end meets one that relies on membarrier, two cases differ. If the waiter's call reaches the publisher's core, or the
// publisher runs a full fence, no wake is lost, because the call is a full fence for its caller too. If the publisher relies
// on a call that the waiter cannot make, the publication may still be in its store buffer when both look; then the wake is
// lost, and the waiter looks again when its slice of 50 ms is over.
class asymmetric_fence {
public:
    // Registers this process, which has an effect once. Must be called before the first light().
    static asymmetric_fence attach() noexcept
    {
        asymmetric_fence f;
        f.full_ = ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) != 0;
        return f;
    }

    // Between publishing and looking for a waiter.
    void light() const noexcept
    {
        if (full_) [[unlikely]]
            detail::atomic_thread_fence(std::memory_order_seq_cst);
        else
            detail::atomic_signal_fence(std::memory_order_seq_cst);
    }

    // Between saying that this end sleeps and looking for a publication.
    void heavy() const noexcept
    {
        if (full_ || ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) != 0)
            detail::atomic_thread_fence(std::memory_order_seq_cst);
    }

private:
    bool full_ = true;  // this process is not registered, and runs full fences itself
};

}  // namespace strait::detail

#endif
