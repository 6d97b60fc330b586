// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_ASYNC_OPERATIONS_HPP
#define STRAIT_ASYNC_OPERATIONS_HPP

#include <strait/async/end_state.hpp>
#include <strait/channel/ends.hpp>
#include <strait/error.hpp>
#include <strait/transport.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
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
    waiting_room::visit visit_;
    error_code failed_;
    bool begun_ = false;
    bool asleep_ = false;
};

// Looks and takes nothing. A failure is told once, and therefore kept; the end is told again and again.
template <class In>
bool has_news(In& in, error_code& failed)
{
    auto const news = news_of(end_access::of(in));
    if (news && *news && *news != errc::closed)
        failed = *news;
    return news.has_value();
}

template <class T>
struct receive_one {
    static constexpr bool keeps_descriptor = true;
    std::optional<T> message;

    template <class In>
    bool is_due(In& in, error_code& failed)
    {
        return has_news(in, failed);
    }
    template <class In>
    bool attempt(In& in, error_code& failed)
    {
        auto taken = in.try_receive();
        if (taken)
            message.emplace(std::move(*taken));
        else if (taken.error() == errc::empty)
            return false;
        else if (taken.error() != errc::closed)
            failed = taken.error();
        return true;
    }
    bool is_done() const noexcept { return false; }
    template <class Self>
    void complete(Self& self, error_code const& e)
    {
        self.complete(e, std::move(message));
    }
};

template <class T>
struct receive_many {
    static constexpr bool keeps_descriptor = true;
    std::span<T> messages;
    std::size_t count = 0;

    template <class In>
    bool is_due(In& in, error_code& failed)
    {
        return messages.empty() || has_news(in, failed);
    }
    template <class In>
    bool attempt(In& in, error_code& failed)
    {
        auto const taken = in.try_receive_batch(messages);
        if (taken)
            count = *taken;
        else if (taken.error() == errc::empty)
            return false;
        else if (taken.error() != errc::closed)
            failed = taken.error();
        return true;
    }
    bool is_done() const noexcept { return false; }
    template <class Self>
    void complete(Self& self, error_code const& e)
    {
        self.complete(e, count);
    }
};

struct await_news {
    static constexpr bool keeps_descriptor = true;

    template <class In>
    bool is_due(In& in, error_code& failed)
    {
        return has_news(in, failed);
    }
    template <class In>
    bool attempt(In& in, error_code& failed)
    {
        return has_news(in, failed);
    }
    bool is_done() const noexcept { return false; }
    template <class Self>
    void complete(Self& self, error_code const& e)
    {
        self.complete(e);
    }
};

// Of a message that has been accepted in part, the rest. False: it waits for room.
template <class Out>
bool push_rest(Out& out, error_code& failed)
{
    auto& end = end_access::of(out);
    if constexpr (requires { end.has_unsent(); }) {
        if (end.has_unsent())
            if (auto const left = end.flush(deadline::poll()); !left && left.error() != errc::full)
                failed = left.error();
        return failed || !end.has_unsent();
    } else {
        return static_cast<void>(end), static_cast<void>(failed), true;
    }
}

template <class T>
struct send_one {
    static constexpr bool keeps_descriptor = false;  // an end that connects anew has another one
    T message;
    bool accepted = false;

    template <class Out>
    bool is_due(Out& out, error_code& failed)
    {
        return attempt(out, failed);
    }
    template <class Out>
    bool attempt(Out& out, error_code& failed)
    {
        if (!accepted && !failed) {
            auto const sent = [&] {
                if constexpr (object_transport<typename Out::transport_type>)
                    return out.try_send(std::move(message));
                else
                    return out.try_send(message);
            }();
            accepted = sent.has_value();
            if (!accepted) {
                if (sent.error() == errc::full)
                    return false;
                failed = sent.error();
            }
        }
        return failed || push_rest(out, failed);
    }
    bool is_done() const noexcept { return accepted; }
    template <class Self>
    void complete(Self& self, error_code const& e)
    {
        self.complete(e);
    }
};

template <class T>
struct send_many {
    static constexpr bool keeps_descriptor = false;
    std::span<T const> messages;
    std::size_t count = 0;

    template <class Out>
    bool is_due(Out& out, error_code& failed)
    {
        return attempt(out, failed);
    }
    template <class Out>
    bool attempt(Out& out, error_code& failed)
    {
        while (!failed && count != messages.size()) {
            auto const sent = out.try_send_batch(messages.subspan(count));
            if (sent)
                count += *sent;
            else if (sent.error() == errc::full)
                return false;
            else
                failed = sent.error();
        }
        return failed || push_rest(out, failed);
    }
    bool is_done() const noexcept { return count == messages.size(); }
    template <class Self>
    void complete(Self& self, error_code const& e)
    {
        self.complete(e, count);
    }
};

}  // namespace strait::detail

#endif
