// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_OPERATIONS_HPP
#define STRAIT_DETAIL_ASYNC_OPERATIONS_HPP

#include <strait/detail/async/end_state.hpp>
#include <strait/error.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <cstdint>
#include <memory>
#include <utility>

// Operations as asio::async_compose() wants them. An Action is what one of them does:
//   bool is_due(End&, error_code&)     a look when it begins and before it sleeps, which does not complete anything.
//                                      True: attempt() will not find it pending, or has failed so already
//   bool attempt(End&, error_code&)    does it, if that needs no waiting. False: pending
//   bool is_done() const               cancelling comes too late
//   void complete(Self&, error_code)   of a cancelled one, too
//   static constexpr bool keeps_descriptor
namespace strait::detail {

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
            return action_.is_due(state_->end, failed_) ? come_back(self) : sleep(self);
        }
        if (std::exchange(asleep_, false))
            state_->awake(Action::keeps_descriptor);
        bool const cancelled = self.cancelled() != asio::cancellation_type::none || generation_ != state_->generation();
        if (cancelled && !action_.is_done())
            return complete(self, asio::error::operation_aborted);
        state_->look();
        if (failed_ || cancelled || action_.attempt(state_->end, failed_))
            return complete(self, failed_);
        sleep(self);
    }

private:
    template <class Self>
    void come_back(Self& self)
    {
        auto const ex = state_->get_executor();
        asio::post(ex, std::move(self));
    }

    template <class Self>
    void sleep(Self& self)
    {
        if (!visit_)
            visit_ = state_->visit();
        wake_source source;
        if (!state_->arm(source) && action_.is_due(state_->end, failed_)) {
            state_->disarm();
            return come_back(self);
        }
        asleep_ = true;
        State& s = *state_;  // held by what is moved from here on
        s.sleep(source, std::move(self));
    }

    // Nothing of ours is held when the handler is called.
    template <class Self>
    void complete(Self& self, error_code const& e)
    {
        state_.reset();
        visit_ = {};
        action_.complete(self, e);
    }

    std::shared_ptr<State> state_;
    Action action_;
    std::uint64_t generation_;
    asio_service::visit visit_;
    error_code failed_;
    bool begun_ = false;
    bool asleep_ = false;
};

}  // namespace strait::detail

#endif
