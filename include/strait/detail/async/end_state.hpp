// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_END_STATE_HPP
#define STRAIT_DETAIL_ASYNC_END_STATE_HPP

#include <strait/detail/async/asio_service.hpp>
#include <strait/detail/async/pending_wait.hpp>
#include <strait/detail/channel/ends.hpp>
#include <strait/error.hpp>
#include <strait/transport.hpp>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <cstdint>
#include <memory>
#include <utility>

#include <poll.h>

namespace strait::detail {

// An end of a channel that operations of an execution context use; shared by its owner and the operation under way.
// Distinct objects: safe. Shared objects: unsafe.
template <class End, class Executor>
class end_state {
    using descriptor_type = asio::posix::basic_stream_descriptor<Executor>;

public:
    end_state(Executor const& ex, End e) : end(std::move(e)), room_(asio_service::of(ex)), descriptor_(ex) {}
    end_state(end_state const&) = delete;
    end_state& operator=(end_state const&) = delete;
    ~end_state() { let_go(); }

    Executor get_executor() { return descriptor_.get_executor(); }

    // Which operations are cancelled: those begun before it was counted on.
    std::uint64_t generation() const noexcept { return generation_; }

    void cancel()
    {
        ++generation_;
        room_.wake(pending_wait_);
    }

    // Before the end is closed or moved away.
    void let_go()
    {
        cancel();
        room_.forget(pending_wait_);
        unregister();
    }

    void look() noexcept { pending_wait_.look(); }
    asio_service::visit visit() { return asio_service::visit(room_); }

    // False: look once more before sleeping, and disarm() if that finds something.
    bool arm(wake_source& source)
    {
        source = end_access::of(end).arm();
        bool const fresh = room_.hear(pending_wait_, source.file);
        return !fresh && source.descriptor >= 0;
    }
    void disarm() { end_access::of(end).disarm(); }

    // The handler is called when the end may be ready. This object may be gone when it returns.
    template <class Handler>
    void sleep(wake_source const& source, Handler handler)
    {
        error_code failed;
        if (source.descriptor != registered_) {
            unregister();
            if (source.descriptor >= 0)
                descriptor_.assign(source.descriptor, failed);
            registered_ = failed ? -1 : source.descriptor;
        }
        if (registered_ < 0)
            room_.sleep(pending_wait_, source.again || failed, get_executor(), std::move(handler));
        else
            room_.sleep(pending_wait_, source.again, descriptor_,
                        (source.events & POLLOUT) != 0 ? descriptor_type::wait_write : descriptor_type::wait_read,
                        std::move(handler));
    }

    // `keep`: the next sleep is at the same descriptor, which nobody closes in between.
    void awake(bool keep)
    {
        room_.awake(pending_wait_);
        if (!keep)
            unregister();
        disarm();
    }

    End end;

private:
    void unregister()
    {
        if (std::exchange(registered_, -1) >= 0)
            (void)descriptor_.release();
    }

    asio_service& room_;
    pending_wait pending_wait_;
    descriptor_type descriptor_;
    int registered_ = -1;
    std::uint64_t generation_ = 0;
};

}  // namespace strait::detail

#endif
