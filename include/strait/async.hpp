// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_ASYNC_HPP
#define STRAIT_ASYNC_HPP

#include <strait/detail/async/operations.hpp>
#include <strait/detail/async/end_state.hpp>
#include <strait/detail/async/receive_actions.hpp>
#include <strait/detail/async/send_actions.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/receiver.hpp>
#include <strait/sender.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/execution_context.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

/// Channels for programs that wait in an execution context of Boost.Asio. Every transport can be awaited.
///
/// Operations take any completion token, last, by default that of the executor; a handler's associated executor,
/// allocator and cancellation slot are used. No handler is called before the function that began its operation has
/// returned. At most one operation of an object may be outstanding, until its handler is called: a second one fails with
/// errc::busy. What the end reports once (a malformed message) is not lost with an operation that was cancelled: the next
/// operation of the async_receiver reports it.
///
/// All types of cancellation are supported, and for receivers leave the channel as it was: a message is taken in the
/// step that calls the handler, after the last look at whether the operation was cancelled. So `a.async_receive() ||
/// b.async_receive()`, or a parallel_group of more, loses nothing where all run on one thread or in one strand; else
/// two may finish at the same time. A chain of three, `a || b || c`, is a pair of a pair: Asio drops what the inner one
/// has received when the outer one is decided meanwhile; for three or more there is async_select().
///
/// Idle channels are not polled. Of sockets, pipes and POSIX queues the context awaits the descriptor. Where there is none (a
/// ring, a System V queue, in_process) the channel's doorbell wakes it: senders ring it only while someone waits so, otherwise
/// sending costs what it always does. Doorbells, and deaths, come as events of one inotify(7) instance for each context; where
/// the user has no more of them (/proc/sys/fs/inotify/max_user_instances), or of watches, such channels are looked at every
/// 50 ms. So are those of senders that wait for a receiver to come, or for room in a ring. No thread is started.
///
/// A context may be run by one thread or by many; with many, the operations and functions of one object belong into
/// one strand, as those of Asio's sockets do. A program that forks calls the context's notify_fork() before and after,
/// in both processes: operations that wait go on in the parent. In a child of fork() the ends of the parent are of no
/// use, as ever; do not go on with the context of the parent there.
namespace strait {

namespace detail {

// What async_sender and async_receiver have in common.
template <class End, class Executor>
class async_end {
    using state = end_state<End, Executor>;

public:
    using executor_type = Executor;

    /// Takes over an end that is open; its operations use this executor.
    async_end(Executor const& ex, End end) : state_(std::make_shared<state>(ex, std::move(end))) {}
    /// Takes over an end that is open; its operations use the executor of this context.
    template <std::derived_from<boost::asio::execution_context> Context>
    async_end(Context& context, End end) : async_end(context.get_executor(), std::move(end))
    {
    }

    /// Opens the channel as the constructor of the end does, and throws as that; its operations use this executor.
    async_end(Executor const& ex, endpoint const& where, typename End::options const& how = {}) : async_end(ex, End(where, how)) {}
    /// Opens the channel as the constructor of the end does, and throws as that; its operations use the context's executor.
    template <std::derived_from<boost::asio::execution_context> Context>
    async_end(Context& context, endpoint const& where, typename End::options const& how = {})
        : async_end(context.get_executor(), End(where, how))
    {
    }

    /// Takes over the end of `other`, whose operation is cancelled, with another executor of this or another context.
    template <class Other>
        requires std::constructible_from<Executor, Other>
    async_end(async_end<End, Other>&& other) : async_end(Executor(other.get_executor()), other.release())
    {
        state_->failure = other.state_->failure;
    }

    async_end(async_end&&) = default;
    /// Closes first.
    async_end& operator=(async_end&& other)
    {
        if (this != &other) {
            leave();
            state_ = std::move(other.state_);
        }
        return *this;
    }
    ~async_end() { leave(); }

    /// The executor of its operations, for handlers that have none of their own.
    executor_type get_executor() const { return state_->get_executor(); }

    /// Ends the operation under way with asio::error::operation_aborted.
    void cancel() { state_->cancel(); }

    /// Ends the operation under way with asio::error::operation_aborted and closes the end, as its close() does: a
    /// sender waits for options.linger here. The destructor does not: what a sender has accepted leaves later, while
    /// the context runs.
    result<void> close()
    {
        state_->detach();
        return state_->end.close();
    }

    /// The channel's end, for all that needs no waiting. Not while an operation is under way.
    End& next_layer() noexcept { return state_->end; }
    /// The channel's end, for all that needs no waiting.
    End const& next_layer() const noexcept { return state_->end; }

    /// Gives the end back, after cancelling what is under way. This object can only be assigned to or destroyed then.
    [[nodiscard]] End release()
    {
        state_->detach();
        return std::move(state_->end);
    }

protected:
    template <class Signature, class Action, class Token>
    auto start(Action action, Token&& token)
    {
        return asio::async_compose<Token, Signature>(end_operation<state, Action>(state_, std::move(action)), token,
                                                     state_->get_executor());
    }

    template <class Token>
    auto close_later(Token&& token)
    {
        state_->detach();
        return begin_closing(std::forward<Token>(token));
    }

private:
    friend struct async_access;
    template <class, class>
    friend class async_end;

    // What is not sent leaves while the context runs, for as long as options.linger says.
    void leave()
    {
        if (!state_)
            return;
        state_->detach();
        if constexpr (requires { state_->end.try_flush(); })
            if (!state_->can_close())
                return begin_closing(asio::detached);
        (void)state_->close_now();
    }

    template <class Token>
    auto begin_closing(Token&& token)
    {
        auto const ex = state_->get_executor();
        auto const linger = end_access::linger(state_->end);
        return asio::async_compose<Token, void(error_code)>(closing_operation<state>(std::move(state_), linger), token, ex);
    }

    std::shared_ptr<state> state_;
};

}  // namespace detail

/// A receiver whose operations are awaited.
///
///     strait::async_receiver<trade, strait::shm_ring<>> in{co_await asio::this_coro::executor, "trades"};
///     while (auto const t = co_await in.async_receive(asio::use_awaitable))
///         print(*t);
///
/// Distinct objects: safe. Shared objects: unsafe. Move only; not while an operation is under way.
template <class T, class X, class Executor = boost::asio::any_io_executor>
class async_receiver : public detail::async_end<receiver<T, X>, Executor> {
    using base = detail::async_end<receiver<T, X>, Executor>;
    using default_token = boost::asio::default_completion_token_t<Executor>;

public:
    using value_type = T;      ///< the type of the messages
    using transport_type = X;  ///< what they go over

    /// This type with another executor, whose default completion token is used.
    template <class Other>
    struct rebind_executor {
        using other = async_receiver<T, X, Other>;  ///< that type
    };

    using base::base;

    /// Handler: void(error_code, std::optional<T>). A message; no message and no error at the end of the
    /// stream; else a failure as of receiver::try_receive(). A cancelled one has taken nothing.
    template <class Token = default_token>
    auto async_receive(Token&& token = default_token())
    {
        return base::template start<void(error_code, std::optional<T>)>(detail::receive_one<T>{}, token);
    }

    /// Waits for one message and takes what more is there. `messages` must stay. Handler: void(error_code,
    /// std::size_t), how many; 0 at the end of the stream. A cancelled one has taken nothing.
    template <class Token = default_token>
    auto async_receive_batch(std::span<T> messages, Token&& token = default_token())
    {
        return base::template start<void(error_code, std::size_t)>(detail::receive_many<T>{messages},
                                                                   token);
    }

    /// Waits until a message or the end is there, and takes nothing. Handler: void(error_code), where an error is a failure
    /// of the channel that is not reported again.
    template <class Token = default_token>
    auto async_wait(Token&& token = default_token())
    {
        return base::template start<void(error_code)>(detail::await_readiness{}, token);
    }
};

/// A sender whose operations are awaited. close() may wait for options.linger, as of any sender; async_close() and the
/// destructor do not block the context: what was accepted leaves while it runs. Distinct objects: safe. Shared objects:
/// unsafe. Move only; not while an operation is under way.
template <class T, class X, class Executor = boost::asio::any_io_executor>
class async_sender : public detail::async_end<sender<T, X>, Executor> {
    using base = detail::async_end<sender<T, X>, Executor>;
    using default_token = boost::asio::default_completion_token_t<Executor>;

public:
    using value_type = T;      ///< the type of the messages
    using transport_type = X;  ///< what they go over

    /// This type with another executor, whose default completion token is used.
    template <class Other>
    struct rebind_executor {
        using other = async_sender<T, X, Other>;  ///< that type
    };

    using base::base;

    /// Sends a message; waits while the channel is full, and for the first receiver as long as options.connect_timeout says.
    /// Handler: void(error_code), a failure as of sender::try_send(). A cancelled one has sent nothing; once a byte of the message is on its way
    /// cancelling has no effect but to leave the rest to the next operation.
    template <class Token = default_token>
    auto async_send(T message, Token&& token = default_token())
    {
        return base::template start<void(error_code)>(detail::send_one<T>{std::move(message)}, token);
    }

    /// Sends all of these, which must stay. Handler: void(error_code, std::size_t), how many were accepted:
    /// all, or those before the failure or the cancelling.
    template <class Token = default_token>
    auto async_send_batch(std::span<T const> messages, Token&& token = default_token())
    {
        return base::template start<void(error_code, std::size_t)>(detail::send_many<T>{messages}, token);
    }

    /// Ends the operation under way and closes the end when all that was accepted has left, after options.linger at
    /// most. Handler: void(error_code), an error says that something was lost. Cancelling closes at once. This object
    /// can only be assigned to or destroyed then.
    template <class Token = default_token>
    auto async_close(Token&& token = default_token())
    {
        return base::close_later(std::forward<Token>(token));
    }

    /// Waits until there may be room for a message, and sends none: then try_send() of next_layer() may succeed. First sends
    /// the rest of a message of which a part is on its way. Handler: void(error_code), where an error is what sending would
    /// report. Where the system does not tell (a System V queue, signals) it is called after 50 ms at most.
    template <class Token = default_token>
    auto async_wait(Token&& token = default_token())
    {
        return base::template start<void(error_code)>(detail::await_room{}, token);
    }
};

/// Waits until one of these async_receivers has a message or its end, and takes nothing. Handler: void(error_code,
/// std::size_t), its place among them from 0. Those that are ready at the same time have their turns: after one was
/// named the others come first.
///
///     switch (co_await strait::async_select(std::tie(trades, quotes), asio::use_awaitable)) ...
template <class... In, class Token = boost::asio::default_completion_token_t<
                           typename std::tuple_element_t<0, std::tuple<In...>>::executor_type>>
auto async_select(
    std::tuple<In&...> ins,
    Token&& token =
        boost::asio::default_completion_token_t<typename std::tuple_element_t<0, std::tuple<In...>>::executor_type>())
{
    auto const ex = std::get<0>(ins).get_executor();
    return boost::asio::async_compose<Token, void(error_code, std::size_t)>(detail::select_operation<In...>{ins}, token,
                                                                            ex);
}

/// Waits until one of a range of async_receivers of one type has a message or its end, and takes nothing; the receivers
/// must stay. Handler and turns are those of the form for several types; errc::empty for an empty range.
///
///     std::vector<strait::async_receiver<trade, strait::tcp>> all;
///     std::size_t const ready = co_await strait::async_select(context.get_executor(), all, asio::use_awaitable);
template <class Executor, std::ranges::forward_range Range, class Token = boost::asio::default_completion_token_t<Executor>>
    requires requires(std::ranges::range_reference_t<Range> in) { in.async_wait(boost::asio::deferred); }
auto async_select(Executor const& ex, Range& ins, Token&& token = boost::asio::default_completion_token_t<Executor>())
{
    using in_type = std::remove_reference_t<std::ranges::range_reference_t<Range>>;
    detail::select_range_operation<in_type, Executor> operation{{}, ex};
    for (in_type& in : ins)
        operation.ins.push_back(std::addressof(in));
    return boost::asio::async_compose<Token, void(error_code, std::size_t)>(std::move(operation), token, ex);
}

}  // namespace strait

#endif
