// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_END_STATE_HPP
#define STRAIT_DETAIL_ASYNC_END_STATE_HPP

#include <strait/detail/async/asio_service.hpp>
#include <strait/detail/async/pending_wait.hpp>
#include <strait/detail/async/registered_descriptor.hpp>
#include <strait/detail/channel/ends.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/error.hpp>
#include <strait/transport.hpp>

#include <boost/asio/post.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace strait::detail {

// An end of a channel that operations of an execution context use; shared by its owner and the operation under way.
// Distinct objects: safe. Shared objects: unsafe.
template <class End, class Executor>
class end_state {
    using descriptor_type = typename registered_descriptor<Executor>::object_type;

public:
    using executor_type = Executor;

    // The right of an operation to use the end. Held from its beginning until its handler is called.
    class turn {
    public:
        turn() = default;
        // Takes none while another operation has it.
        explicit turn(end_state& s) : state_(std::exchange(s.taken_, true) ? nullptr : &s) {}
        turn(turn&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
        turn& operator=(turn&& other) noexcept
        {
            std::swap(state_, other.state_);
            return *this;
        }
        ~turn()
        {
            if (state_)
                state_->taken_ = false;
        }
        explicit operator bool() const noexcept { return state_ != nullptr; }

    private:
        end_state* state_ = nullptr;
    };

    end_state(Executor const& ex, End e) : end(std::move(e)), service_(asio_service::of(ex)), descriptor_(service_, ex) {}
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
        descriptor_.reset();
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
        bool const registered = descriptor_.reset(source.descriptor);
        if (!registered)
            service_.wait(pending_wait_, source.again || source.descriptor >= 0, get_executor(), std::move(handler));
        else
            service_.wait(pending_wait_, source.again, descriptor_.object(),
                          waits_for_room(source.events) ? descriptor_type::wait_write : descriptor_type::wait_read,
                          std::move(handler));
    }

    // The handler of wait() has been called. `keep`: the next wait is for the same descriptor, which stays open until then.
    void end_wait(bool keep)
    {
        service_.end_wait(pending_wait_);
        if (!keep)
            descriptor_.reset();
        disarm();
    }

    End end;

    // Whether all that a sender has accepted has left, and its end of the stream can follow: then closing does not wait.
    bool can_close()
    {
        if constexpr (requires { end.try_flush(); }) {
            auto const left = end.try_flush();
            if (!left && (left.error() == errc::full || left.error() == errc::timed_out))
                return false;
            if constexpr (requires { end_access::of(end).has_unsent(); })  // its end of the stream is a frame, too
                return !left || end.native_handle() < 0 || is_writable(end.native_handle());
        }
        return true;
    }

    // Closes without waiting for what is not sent. The channel's set-up lock may be held by another process for a moment.
    error_code close_now()
    {
        auto const closed = end_access::of(end).close(deadline::after(std::chrono::milliseconds(10)));
        return closed ? error_code() : closed.error();
    }

    // Where a selection that begins with this end looks first.
    std::size_t selection_turn = 0;

    // A failure that the end has reported to an operation that was cancelled or destroyed: it is reported by the next
    // one that receives.
    error_code failure;

private:
    asio_service& service_;
    pending_wait pending_wait_;
    registered_descriptor<Executor> descriptor_;
    std::uint64_t generation_ = 0;
    bool taken_ = false;
};

}  // namespace strait::detail

#endif
