// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_RPC_CALLS_HPP
#define STRAIT_DETAIL_ASYNC_RPC_CALLS_HPP

#include <strait/async.hpp>
#include <strait/connection.hpp>
#include <strait/detail/rpc/failure.hpp>
#include <strait/detail/rpc/frame.hpp>
#include <strait/detail/rpc/outstanding_requests.hpp>
#include <strait/detail/rpc/refused_requests.hpp>
#include <strait/detail/rpc/request_id.hpp>
#include <strait/error.hpp>
#include <strait/rpc/client.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace strait::detail {

// The handler of a call, whatever its type, in memory of its own allocator. Each of these functions destroys this object.
class rpc_waiting {
public:
    // Completes the call with the message of a reply, or with malformed_message. False: the message does not decode.
    virtual bool take(rpc_reply const& frame) = 0;
    virtual void fail(std::exception_ptr why) = 0;
    // Without calling the handler.
    virtual void destroy() = 0;

protected:
    ~rpc_waiting() = default;
};

// Owns the handler of a call until it is called.
class rpc_call {
    struct destroying {
        void operator()(rpc_waiting* p) const { p->destroy(); }
    };

public:
    rpc_call() = default;
    explicit rpc_call(rpc_waiting* p) : waiting_(p) {}

    explicit operator bool() const noexcept { return static_cast<bool>(waiting_); }
    bool take(rpc_reply const& frame) { return waiting_.release()->take(frame); }
    void fail(error_code const& why) { fail(std::make_exception_ptr(boost::system::system_error(why))); }
    void fail(std::exception_ptr why) { waiting_.release()->fail(std::move(why)); }

private:
    std::unique_ptr<rpc_waiting, destroying> waiting_;
};

// A request whose reply is an R. The handler is posted to the executor of the client, `io`, and goes from there
// to its own one: so the context runs as long as a call is outstanding, and a handler without an executor, as that of a
// future, is called by it.
template <class R, class Handler, class Executor>
class rpc_waiting_handler final : public rpc_waiting {
    template <class E>
    using tracked = std::decay_t<decltype(asio::prefer(std::declval<E>(), asio::execution::outstanding_work.tracked))>;
    using allocator =
        typename std::allocator_traits<asio::associated_allocator_t<Handler>>::template rebind_alloc<rpc_waiting_handler>;

public:
    static rpc_call make(Handler&& h, Executor const& io)
    {
        allocator a(asio::get_associated_allocator(h));
        rpc_waiting_handler* const p = a.allocate(1);
        return rpc_call(::new (static_cast<void*>(p)) rpc_waiting_handler(std::move(h), io));
    }

    bool take(rpc_reply const& frame) override
    {
        auto r = decode_body<sent_reply<R>>(frame.body);
        if (!r)
            fail(std::make_exception_ptr(boost::system::system_error(errc::malformed_message)));
        else if constexpr (std::is_void_v<R>)
            finish(std::exception_ptr());
        else
            finish(std::exception_ptr(), std::move(*r));
        return r.has_value();
    }
    void fail(std::exception_ptr why) override
    {
        if constexpr (std::is_void_v<R>)
            finish(std::move(why));
        else
            finish(std::move(why), R());
    }
    void destroy() override { (void)give_up(); }

private:
    rpc_waiting_handler(Handler&& h, Executor const& io)
        : handler_(std::move(h)),
          io_(asio::prefer(io, asio::execution::outstanding_work.tracked)),
          own_(asio::prefer(asio::get_associated_executor(handler_, io), asio::execution::outstanding_work.tracked))
    {
    }
    ~rpc_waiting_handler() = default;

    // Gives the memory back before the handler is called.
    Handler give_up()
    {
        allocator a(asio::get_associated_allocator(handler_));
        Handler h(std::move(handler_));
        this->~rpc_waiting_handler();
        a.deallocate(this, 1);
        return h;
    }

    template <class... A>
    void finish(A... a)
    {
        auto slot = asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected())
            slot.clear();
        auto const io = io_;
        auto const own = own_;  // has work until the handler is posted
        asio::post(io, asio::append(give_up(), std::move(a)...));
    }

    Handler handler_;
    tracked<Executor> io_;
    tracked<asio::associated_executor_t<Handler, Executor>> own_;
};

// The connection of an asynchronous client and its requests. While no call is outstanding nothing is awaited, so that the
// context can run out of work. Distinct objects: safe. Shared objects: unsafe.
template <class X, class Executor>
class rpc_calls : public std::enable_shared_from_this<rpc_calls<X, Executor>> {
    using requests = outstanding_requests<rpc_call>;
    using outcome = typename requests::outcome;

public:
    rpc_calls(Executor const& ex, connection<rpc_request, rpc_reply, X> c)
        : out_(ex, std::move(c.out())), in_(ex, std::move(c.in()))
    {
    }

    Executor get_executor() { return in_.get_executor(); }
    std::uint64_t late() const noexcept { return requests_.late(); }
    std::uint64_t malformed() const noexcept { return requests_.malformed(); }

    // Sends a request whose reply is an R.
    template <class R, class Q, class Handler>
    void start(request_key const& key, Q const& request, Handler handler)
    {
        auto slot = asio::get_associated_cancellation_slot(handler);
        auto call = rpc_waiting_handler<R, Handler, Executor>::make(std::move(handler), get_executor());
        if (broken_)
            return call.fail(broken_);
        rpc_request frame;
        try {
            if (error_code const e = encode_body(request, frame.body))
                return call.fail(e);
        } catch (...) {
            return call.fail(std::current_exception());
        }
        if (key.grows && std::find(shown_.begin(), shown_.end(), &key) == shown_.end()) {
            unsent_.push_back(types_frame(key));  // where it cannot be sent, no call has its number
            shown_.push_back(&key);
        }
        std::uint64_t const number = requests_.draw();
        frame.id = key.id;
        frame.head = frame_head(number, request_kind::call);
        unsent_.push_back(std::move(frame));
        requests_.add(number, key, std::move(call));
        if (slot.is_connected())
            slot.assign([weak = this->weak_from_this(), number](asio::cancellation_type) {
                if (auto const self = weak.lock())
                    self->cancel(number);
            });
        send();
        receive();
    }

    void close(error_code const& why)
    {
        break_down(why);
        async_access::drop(out_);
        async_access::drop(in_);
    }

private:
    // The request is withdrawn if nothing of it has been sent; else its reply will be dropped.
    void cancel(std::uint64_t number)
    {
        auto* const c = requests_.find(number);
        if (!c)
            return;
        auto call = std::move(c->call);
        auto const unsent =
            std::find_if(unsent_.begin(), unsent_.end(), [&](rpc_request const& f) { return f.number() == number; });
        if (unsent == unsent_.end() || (sending_ && unsent == unsent_.begin())) {
            requests_.abandon(number);
        } else {
            unsent_.erase(unsent);
            requests_.remove(number);
        }
        call.fail(asio::error::operation_aborted);
        if (requests_.awaited() == 0 && receiving_)
            in_.cancel();
    }

    void send()
    {
        if (sending_ || unsent_.empty() || broken_)
            return;
        sending_ = true;
        std::uint64_t const number = unsent_.front().number();
        auto const sent = [self = this->shared_from_this(), number](error_code const& e, std::exception_ptr thrown) {
            self->sending_ = false;
            if (!self->unsent_.empty())
                self->unsent_.pop_front();
            if (e && !self->broken_) {  // replies that the server has sent before it went are still to be read
                error_code const why = e == errc::no_receiver ? make_error_code(errc::server_gone) : e;
                self->withdraw(number, thrown ? thrown : std::make_exception_ptr(boost::system::system_error(why)));
            }
            self->send();
        };
        async_access::start<void(error_code, std::exception_ptr)>(out_, send_and_catch<rpc_request>{{unsent_.front()}, {}}, sent);
    }

    // The request cannot be sent: its call alone fails.
    void withdraw(std::uint64_t number, std::exception_ptr why)
    {
        auto* const c = requests_.find(number);
        auto call = c ? std::move(c->call) : rpc_call();
        requests_.remove(number);
        if (!call)
            return;  // it was cancelled before
        call.fail(std::move(why));
        if (requests_.awaited() == 0 && receiving_)
            in_.cancel();
    }

    void receive()
    {
        if (receiving_ || requests_.awaited() == 0 || broken_)
            return;
        receiving_ = true;
        in_.async_receive([self = this->shared_from_this()](error_code const& e, std::optional<rpc_reply> r) {
            self->receiving_ = false;
            if (self->broken_)
                return;
            if (e && e != asio::error::operation_aborted)
                return self->break_down(e);
            if (!e && !r)
                return self->break_down(errc::server_gone);
            if (r && !self->deliver(*r))
                return self->break_down(errc::malformed_message);
            self->receive();
        });
    }

    // False: the frame is malformed.
    bool deliver(rpc_reply& r)
    {
        typename requests::request* whose = nullptr;
        outcome const o = requests_.receive(r, whose);
        if (o != outcome::reply && o != outcome::failure)
            return o != outcome::malformed;
        auto call = std::move(whose->call);
        call_failure const failure = std::move(whose->failure);
        requests_.remove(whose->number);
        if (o == outcome::failure) {
            call.fail(failure.code == errc::handler_failed
                          ? std::make_exception_ptr(rpc_error(failure.text))
                          : std::make_exception_ptr(boost::system::system_error(failure.code, failure.text)));
        } else if (!call.take(r)) {
            requests_.count_malformed();
            return false;
        }
        return true;
    }

    void break_down(error_code const& why)
    {
        broken_ = why;
        requests_.take_all([&](auto& r) { r.call.fail(why); });
        out_.cancel();
        in_.cancel();
    }

    async_sender<rpc_request, X, Executor> out_;
    async_receiver<rpc_reply, X, Executor> in_;
    std::deque<rpc_request> unsent_;
    requests requests_;
    std::vector<request_key const*> shown_;  // whose types were said, or will be
    error_code broken_;
    bool sending_ = false;
    bool receiving_ = false;
};

}  // namespace strait::detail

#endif
