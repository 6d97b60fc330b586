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

// An operation at one end, in as many steps as it takes. While another one is under way there it fails with errc::busy. Distinct objects: safe. Shared objects: unsafe.
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

    // Ends the operation under way and closes the end without waiting.
    template <class End>
    static void drop(End& end)
    {
        end.state_->detach();
        (void)end_access::of(end.state_->end).close(deadline::poll());
    }
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
        // Failures of the others are reported later.
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            ((I != order[0] ? async_access::put_back(std::get<I>(ins), all[I]) : void()), ...);
        }(std::index_sequence_for<In...>());
        self.complete(all[order[0]], order[0]);
    }
};

}  // namespace strait::detail

#endif
