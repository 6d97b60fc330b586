// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_OPERATIONS_HPP
#define STRAIT_DETAIL_ASYNC_OPERATIONS_HPP

#include <strait/detail/async/end_state.hpp>
#include <strait/error.hpp>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <tuple>
#include <utility>
#include <vector>

// Operations for asio::async_compose(). An Action is what an operation at one end does:
//   bool is_due(End&, error_code&)     looks whether attempt() would find it pending, and completes nothing. False: it is
//                                      pending. Called when the operation begins, and before each wait
//   bool attempt(End&, error_code&)    does it if that needs no waiting. False: it is pending
//                                      An exception of either, which the serializer of a message has thrown, becomes the error
//                                      of the operation: it must not come out of the context, whose other work goes on
//   error_code caught()                optional: the error for the exception that is being handled
//   bool is_done() const               it is done already, so that cancelling it has no effect
//   void complete(Self&, error_code)   calls the handler, also of a cancelled operation
//   static constexpr bool receives           a failure is of the end, which reports it once: where the operation cannot, because it
//                                            was cancelled or destroyed, the next one does
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

// An operation at one end, in as many steps as it takes. While another one is under way there it fails with errc::busy.
// Distinct objects: safe. Shared objects: unsafe.
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
            turn_ = typename State::turn(*state_);
            if (!turn_)
                return post(self);
            state_->look();
            return is_due() ? post(self) : wait(self);
        }
        if (!turn_)
            return complete(self, errc::busy);
        if (std::exchange(waiting_, false))
            state_->end_wait(Action::keeps_descriptor);
        bool const cancelled = self.cancelled() != asio::cancellation_type::none || generation_ != state_->generation();
        if (cancelled && !action_.is_done() && (Action::receives || !failed()))
            return complete(self, asio::error::operation_aborted);
        state_->look();
        if (failed() || cancelled || attempt())
            return complete(self, std::exchange(failed(), {}));
        wait(self);
    }

private:
    error_code& failed() noexcept
    {
        if constexpr (Action::receives)
            return state_->failure;
        else
            return failed_;
    }
    bool is_due()
    {
        return failed() || guarded([this] { return action_.is_due(state_->end, failed()); });
    }
    bool attempt()
    {
        return guarded([this] { return action_.attempt(state_->end, failed()); });
    }
    template <class Step>
    bool guarded(Step step)
    {
        try {
            return step();
        } catch (...) {
            if constexpr (requires { action_.caught(); })
                failed() = action_.caught();
            else
                failed() = error_of_exception();
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
        error_code const outcome = e;
        turn_ = {};
        state_.reset();
        use_ = {};
        action_.complete(self, outcome);
    }

    std::shared_ptr<State> state_;
    Action action_;
    typename State::turn turn_;
    std::uint64_t generation_;
    asio_service::use use_;
    error_code failed_;
    bool begun_ = false;
    bool waiting_ = false;
};

// Begins operations of an end that are not public, and reaches what its operations share.
struct async_access {
    template <class Signature, class End, class Action, class Token>
    static auto start(End& end, Action action, Token&& token)
    {
        return end.template start<Signature>(std::move(action), token);
    }

    // The outcome of a wait that is not shown to the user: a failure of the end is reported by its next operation.
    template <class End>
    static void put_back(End& end, error_code const& e)
    {
        if (e && e != asio::error::operation_aborted && e != errc::busy)
            end.state_->failure = e;
    }

    // The place that a selection whose first receiver this is looks at first.
    template <class End>
    static std::size_t& turn(End& end) noexcept
    {
        return end.state_->selection_turn;
    }

    // Ends the operation under way and closes the end, without waiting for what is not sent.
    template <class End>
    static void drop(End& end)
    {
        end.state_->detach();
        end.state_->close_now();
    }
};

// Closes an end that nothing else uses any more when all that it has accepted has left, or its linger is over, looking
// at growing intervals. Handler: void(error_code), why something was lost.
template <class State>
class closing_operation {
public:
    closing_operation(std::shared_ptr<State> s, std::chrono::nanoseconds linger)
        : state_(std::move(s)),
          until_(deadline::after(linger)),
          timer_(std::make_unique<asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                                                              typename State::executor_type>>(state_->get_executor()))
    {
    }

    template <class Self>
    void operator()(Self& self, error_code const& = {})
    {
        if (!std::exchange(begun_, true))
            return asio::post(state_->get_executor(), std::move(self));
        if (!turn_)
            turn_ = typename State::turn(*state_);  // when the operation that was cancelled is over
        if (turn_ && (state_->can_close() || until_.passed() || self.cancelled() != asio::cancellation_type::none)) {
            error_code const e = state_->close_now();
            turn_ = {};
            state_.reset();
            timer_.reset();
            return self.complete(e);
        }
        pause_ = std::min(2 * pause_, std::chrono::milliseconds(50));
        timer_->expires_after(pause_);
        auto& timer = *timer_;
        timer.async_wait(std::move(self));
    }

private:
    std::shared_ptr<State> state_;
    typename State::turn turn_;
    deadline until_;
    std::unique_ptr<asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                                               typename State::executor_type>>
        timer_;
    std::chrono::milliseconds pause_{1};
    bool begun_ = false;
};

// Which of the waits of a selection is reported, where `order` is that in which they were over and `turn` the place
// that is looked at first: the first that was ready, else the one that was over first.
template <class Order, class Outcomes>
std::size_t selected(Order const& order, Outcomes const& outcomes, std::size_t turn)
{
    std::size_t const n = outcomes.size();
    for (std::size_t i = 0; i != n; ++i)
        if (std::size_t const at = (turn + i) % n; !outcomes[at])
            return at;
    return order[0];
}

// Waits for all of these receivers and cancels the other waits when the first one is ready. Of those that are ready at
// the same time each has its turn.
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
        std::size_t& turn = async_access::turn(std::get<0>(ins));
        std::size_t const chosen = selected(order, all, turn);
        turn = chosen + 1;
        // Failures of the others are reported later.
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            ((I != chosen ? async_access::put_back(std::get<I>(ins), all[I]) : void()), ...);
        }(std::index_sequence_for<In...>());
        self.complete(all[chosen], chosen);
    }
};

// Waits for the receivers of a range in this way.
template <class In, class Executor>
struct select_range_operation {
    std::vector<In*> ins;
    Executor executor;
    bool empty = false;

    template <class Self>
    void operator()(Self& self)
    {
        self.reset_cancellation_state(asio::enable_total_cancellation());
        if (ins.empty() && !std::exchange(empty, true))
            return asio::post(executor, std::move(self));
        if (empty)
            return self.complete(errc::empty, 0);
        std::vector<decltype(ins[0]->async_wait(asio::deferred))> waits;
        for (In* in : ins)
            waits.push_back(in->async_wait(asio::deferred));
        asio::experimental::make_parallel_group(std::move(waits)).async_wait(asio::experimental::wait_for_one(), std::move(self));
    }

    template <class Self>
    void operator()(Self& self, std::vector<std::size_t> const& order, std::vector<error_code> const& all)
    {
        std::size_t& turn = async_access::turn(*ins[0]);
        std::size_t const chosen = selected(order, all, turn);
        turn = chosen + 1;
        for (std::size_t i = 0; i != ins.size(); ++i)
            if (i != chosen)
                async_access::put_back(*ins[i], all[i]);
        self.complete(all[chosen], chosen);
    }
};

}  // namespace strait::detail

#endif
