// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_OPERATIONS_HPP
#define STRAIT_DETAIL_ASYNC_OPERATIONS_HPP

#include <strait/detail/async/end_state.hpp>
#include <strait/error.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <tuple>
#include <utility>

// Operations for asio::async_compose(). An Action is what an operation at one end does:
//   bool is_due(End&, error_code&)     looks whether attempt() would find it pending, and completes nothing. False: it is
//                                      pending. Called when the operation begins, and before each wait
//   bool attempt(End&, error_code&)    does it if that needs no waiting. False: it is pending
//                                      An exception of either, which the serializer of a message has thrown, becomes the error
//                                      of the operation: it must not come out of the context, whose other work goes on
//   error_code caught()                optional: the error for the exception that is being handled
//   bool is_done() const               it is done already, so that cancelling it has no effect
//   void complete(Self&, error_code)   calls the handler, also of a cancelled operation
//   static constexpr bool keeps_descriptor   the end waits for the same descriptor from one wait to the next
namespace strait::detail {

// The error for the exception that is being handled, in an operation whose handler takes no exceptions.
inline error_code error_of_exception()
{
    try {
        throw;
    } catch (boost::system::system_error const& e) {
        return e.code();
    } catch (std::bad_alloc const&) {
        return errc::out_of_memory;
    } catch (...) {
        return errc::serializer_failed;
    }
}

// An operation at one end, in as many steps as it takes. Distinct objects: safe. Shared objects: unsafe.
template <class State, class Action>
class end_operation {
public:
    end_operation(std::shared_ptr<State> s, Action a)
        : state_(std::move(s)), action_(std::move(a)), generation_(state_->generation())
    {
    }

    template <class Self>
    void operator()(Self& self, error_code const& = {})
    {
        if (!begun_) {
            begun_ = true;
            self.reset_cancellation_state(asio::enable_total_cancellation());
            state_->look();
            return is_due() ? post(self) : wait(self);
        }
        if (std::exchange(waiting_, false))
            state_->end_wait(Action::keeps_descriptor);
        bool const cancelled = self.cancelled() != asio::cancellation_type::none || generation_ != state_->generation();
        if (cancelled && !action_.is_done())
            return complete(self, asio::error::operation_aborted);
        state_->look();
        if (failed_ || cancelled || attempt())
            return complete(self, failed_);
        wait(self);
    }

private:
    bool is_due()
    {
        return guarded([this] { return action_.is_due(state_->end, failed_); });
    }
    bool attempt()
    {
        return guarded([this] { return action_.attempt(state_->end, failed_); });
    }
    template <class Step>
    bool guarded(Step step)
    {
        try {
            return step();
        } catch (...) {
            if constexpr (requires { action_.caught(); })
                failed_ = action_.caught();
            else
                failed_ = error_of_exception();
            return true;
        }
    }

    // Goes on in a handler of its own: none is called before the function that begins an operation has returned.
    template <class Self>
    void post(Self& self)
    {
        auto const ex = state_->get_executor();
        asio::post(ex, std::move(self));
    }

    template <class Self>
    void wait(Self& self)
    {
        if (!use_)
            use_ = state_->use();
        wake_source source;
        if (!state_->arm(source) && is_due()) {
            state_->disarm();
            return post(self);
        }
        waiting_ = true;
        State& s = *state_;  // is held by what is moved away here
        s.wait(source, std::move(self));
    }

    // The handler is called when the operation holds neither the end nor the service any more.
    template <class Self>
    void complete(Self& self, error_code const& e)
    {
        state_.reset();
        use_ = {};
        action_.complete(self, e);
    }

    std::shared_ptr<State> state_;
    Action action_;
    std::uint64_t generation_;
    asio_service::use use_;
    error_code failed_;
    bool begun_ = false;
    bool waiting_ = false;
};

// Waits for all of these receivers and cancels the other waits when the first one is ready.
template <class... In>
struct select_operation {
    std::tuple<In&...> ins;

    template <class Self>
    void operator()(Self& self)
    {
        self.reset_cancellation_state(asio::enable_total_cancellation());
        std::apply(
            [&self](In&... in) {
                asio::experimental::make_parallel_group(in.async_wait(asio::deferred)...)
                    .async_wait(asio::experimental::wait_for_one(), std::move(self));
            },
            ins);
    }

    template <class Self, class... Outcome>
    void operator()(Self& self, std::array<std::size_t, sizeof...(In)> order, Outcome const&... outcomes)
    {
        std::array<error_code, sizeof...(In)> const all{outcomes...};
        self.complete(all[order[0]], order[0]);
    }
};

}  // namespace strait::detail

#endif
