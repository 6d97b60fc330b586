// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_PENDING_WAIT_HPP
#define STRAIT_DETAIL_ASYNC_PENDING_WAIT_HPP

#include <strait/detail/async/stored_handler.hpp>

#include <boost/intrusive/list.hpp>

#include <atomic>
#include <utility>

namespace strait::detail {

// One end of a channel in a asio_service, whose lock protects all but `rung`.
struct pending_wait : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    // Before a look that finds nothing: a bell that rings from here on keeps it awake.
    void look() noexcept { rung.exchange(false, std::memory_order_acq_rel); }

    // It goes on; or, if it does not sleep, will not fall asleep before the next look().
    void rouse(stored_handler*& woken)
    {
        rung.store(true, std::memory_order_release);
        if (handler) {
            std::exchange(handler, nullptr)->link(woken);
            rise();
        } else if (descriptor) {
            cancel(std::exchange(descriptor, nullptr));
        }
    }

    // It sleeps no longer.
    void rise() noexcept
    {
        if (is_linked())
            unlink();
    }

    std::atomic<bool> rung{false};
    stored_handler* handler = nullptr;
    void* descriptor = nullptr;  // that it waits for
    void (*cancel)(void*) = nullptr;
    bool again = false;  // no bell can tell it all: it looks now and then
    unsigned soon = 0;   // how many times it still looks because of a file that was closed
    int file = -1;       // whose bell it hears
    int watch = -1;      // by which that is told
};

}  // namespace strait::detail

#endif
