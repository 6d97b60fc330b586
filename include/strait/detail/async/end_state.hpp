// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_END_STATE_HPP
#define STRAIT_DETAIL_ASYNC_END_STATE_HPP

#include <strait/detail/async/asio_service.hpp>
#include <strait/detail/async/pending_wait.hpp>
#include <strait/detail/channel/ends.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/error.hpp>
#include <strait/transport.hpp>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace strait::detail {

// An end of a channel that operations of an execution context use; shared by its owner and the operation under way.
// Distinct objects: safe. Shared objects: unsafe.
template <class End, class Executor>
class end_state {
    using descriptor_type = asio::posix::basic_stream_descriptor<Executor>;

public:
    end_state(Executor const& ex, End e) : end(std::move(e)), service_(asio_service::of(ex)), descriptor_(ex) {}
    end_state(end_state const&) = delete;
    end_state& operator=(end_state const&) = delete;
    ~end_state() { detach(); }

    Executor get_executor() { return descriptor_.get_executor(); }

    // Is counted on by cancel(): operations that began before that are cancelled.
    std::uint64_t generation() const noexcept { return generation_; }

    void cancel()
    {
        ++generation_;
        service_.wake(pending_wait_);
    }

    // Called before the end is closed or moved away.
    void detach()
    {
        cancel();
        service_.unwatch(pending_wait_);
        unregister();
    }

    void look() noexcept { pending_wait_.look(); }
    asio_service::use use() { return asio_service::use(service_); }

    // From now on the peers of the end wake it. False: look once more before waiting, and disarm() if that finds something.
    bool arm(wake_source& source)
    {
        auto& transport_end = end_access::of(end);
        source = transport_end.arm();
        if constexpr (requires { transport_end.awaits_receiver(); })
            source.again = source.again || transport_end.awaits_receiver();  // the first receiver does not wake senders
        bool const fresh = service_.watch(pending_wait_, source.file);
        return !fresh && source.descriptor >= 0;
    }
    void disarm() { end_access::of(end).disarm(); }

    // Calls the handler when the end may be ready. This object may have been destroyed when wait() returns.
    template <class Handler>
    void wait(wake_source const& source, Handler handler)
    {
        error_code failed;
        if (source.descriptor != registered_) {
            unregister();
            if (source.descriptor >= 0)
                descriptor_.assign(source.descriptor, failed);
            registered_ = failed ? -1 : source.descriptor;
        }
        if (registered_ < 0)
            service_.wait(pending_wait_, source.again || failed, get_executor(), std::move(handler));
        else
            service_.wait(pending_wait_, source.again, descriptor_,
                          waits_for_room(source.events) ? descriptor_type::wait_write : descriptor_type::wait_read,
                          std::move(handler));
    }

    // The handler of wait() has been called. `keep`: the next wait is for the same descriptor, which stays open until then.
    void end_wait(bool keep)
    {
        service_.end_wait(pending_wait_);
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

    asio_service& service_;
    pending_wait pending_wait_;
    descriptor_type descriptor_;
    int registered_ = -1;
    std::uint64_t generation_ = 0;
};

}  // namespace strait::detail

#endif
