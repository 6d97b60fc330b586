// Distributed under the Boost Software License, Version 1.0.
#ifndef ASYNC_OVER_HPP
#define ASYNC_OVER_HPP

#include <async/fixture.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace async {

using support::probe;

/// A handler whose type is not known, with its cancellation slot and its executor.
template <class... Results>
class any_handler {
public:
    template <class Handler>
    any_handler(Handler handler, asio::any_io_executor const& otherwise)
        : slot_(asio::get_associated_cancellation_slot(handler)),
          executor_(asio::get_associated_executor(handler, otherwise)),
          call_(std::make_shared<std::function<void(error_code const&, Results...)>>(shared(std::move(handler))))
    {
    }

    using cancellation_slot_type = asio::cancellation_slot;
    cancellation_slot_type get_cancellation_slot() const noexcept { return slot_; }
    using executor_type = asio::any_io_executor;
    executor_type get_executor() const noexcept { return executor_; }

    void operator()(error_code const& e, Results... results)
    {
        auto const call = std::exchange(call_, {});  // what the handler holds goes with it
        (*call)(e, std::move(results)...);
    }

private:
    // std::function wants copies, and a handler may be movable only.
    template <class Handler>
    static auto shared(Handler handler)
    {
        return [held = std::make_shared<Handler>(std::move(handler))](error_code const& e, Results... results) {
            auto h = std::move(*held);
            std::move(h)(e, std::move(results)...);
        };
    }

    asio::cancellation_slot slot_;
    asio::any_io_executor executor_;
    std::shared_ptr<std::function<void(error_code const&, Results...)>> call_;
};

using receive_handler = any_handler<std::optional<probe>>;
using send_handler = any_handler<>;

/// strait::async_receiver of a subject: of probes, and what it has in public that the tests use.
class async_receiver_model {
public:
    virtual ~async_receiver_model() = default;
    virtual asio::any_io_executor executor() const = 0;
    virtual void receive(receive_handler handler) = 0;
    virtual void cancel() = 0;
    virtual strait::result<void> close() = 0;
    virtual std::optional<probe> receive() = 0;
    virtual strait::end_reason end_reason() const = 0;
};

class async_sender_model {
public:
    virtual ~async_sender_model() = default;
    virtual asio::any_io_executor executor() const = 0;
    virtual void send(probe const& message, send_handler handler) = 0;
    virtual strait::result<void> close() = 0;
    virtual void send(probe const& message) = 0;
    virtual strait::result<void> send_for(probe const& message, std::chrono::nanoseconds d) = 0;
};

std::unique_ptr<async_receiver_model> open_receiver(conformance::subject const& x, asio::io_context& context,
                                                    strait::endpoint const& where);
std::unique_ptr<async_sender_model> open_sender(conformance::subject const& x, asio::io_context& context,
                                                strait::endpoint const& where);

/// strait::async_receiver over a transport that is known at run time.
class any_async_receiver {
public:
    any_async_receiver(conformance::subject const& x, asio::io_context& context, strait::endpoint const& where)
        : model_(open_receiver(x, context, where))
    {
    }

    template <class Token>
    auto async_receive(Token&& token)
    {
        return asio::async_initiate<Token, void(error_code, std::optional<probe>)>(
            [model = model_.get()](auto handler) { model->receive({std::move(handler), model->executor()}); }, token);
    }
    void cancel() { model_->cancel(); }
    strait::result<void> close() { return model_->close(); }
    /// Of the end itself.
    std::optional<probe> receive() { return model_->receive(); }
    strait::end_reason end_reason() const { return model_->end_reason(); }

private:
    std::unique_ptr<async_receiver_model> model_;
};

/// strait::async_sender over a transport that is known at run time.
class any_async_sender {
public:
    any_async_sender(conformance::subject const& x, asio::io_context& context, strait::endpoint const& where)
        : model_(open_sender(x, context, where))
    {
    }

    template <class Token>
    auto async_send(probe const& sent, Token&& token)
    {
        return asio::async_initiate<Token, void(error_code)>(
            [model = model_.get()](auto handler, probe const& m) {
                model->send(m, {std::move(handler), model->executor()});
            },
            token, sent);
    }
    strait::result<void> close() { return model_->close(); }
    /// Of the end itself.
    void send(probe const& m) { model_->send(m); }
    strait::result<void> send_for(probe const& m, std::chrono::nanoseconds d) { return model_->send_for(m, d); }

private:
    std::unique_ptr<async_sender_model> model_;
};

}  // namespace async

#endif
