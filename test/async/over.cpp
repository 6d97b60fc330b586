// Distributed under the Boost Software License, Version 1.0.

#include <async/over.hpp>
#include <conformance/transports.hpp>
#include <support/any_ends_of.hpp>

#include <array>
#include <tuple>
#include <type_traits>
#include <utility>

namespace async {
namespace {

template <class Carried, class X>
class receiver_model_of final : public async_receiver_model {
public:
    receiver_model_of(asio::io_context& context, strait::endpoint const& where) : in_(context, where) {}
    asio::any_io_executor executor() const override { return in_.get_executor(); }
    void receive(receive_handler handler) override
    {
        if constexpr (std::is_same_v<Carried, probe>)
            in_.async_receive(std::move(handler));
        else
            in_.async_receive(asio::bind_executor(
                handler.get_executor(),
                asio::bind_cancellation_slot(handler.get_cancellation_slot(),
                                             [handler](error_code const& e, std::optional<Carried> m) mutable {
                                                 handler(e, support::from_carried<probe>(std::move(m)));
                                             })));
    }
    void cancel() override { in_.cancel(); }
    strait::result<void> close() override { return in_.close(); }
    std::optional<probe> receive() override { return support::from_carried<probe>(in_.next_layer().receive()); }
    strait::end_reason end_reason() const override { return in_.next_layer().end_reason(); }

private:
    strait::async_receiver<Carried, X> in_;
};

template <class Carried, class X>
class sender_model_of final : public async_sender_model {
public:
    sender_model_of(asio::io_context& context, strait::endpoint const& where) : out_(context, where) {}
    asio::any_io_executor executor() const override { return out_.get_executor(); }
    void send(probe const& m, send_handler handler) override { out_.async_send(Carried(m), std::move(handler)); }
    strait::result<void> close() override { return out_.close(); }
    void send(probe const& m) override { out_.next_layer().send(Carried(m)); }
    strait::result<void> send_for(probe const& m, std::chrono::nanoseconds d) override
    {
        return out_.next_layer().send_for(Carried(m), d);
    }

private:
    strait::async_sender<Carried, X> out_;
};

struct makers {
    std::unique_ptr<async_receiver_model> (*receiver)(asio::io_context&, strait::endpoint const&) = nullptr;
    std::unique_ptr<async_sender_model> (*sender)(asio::io_context&, strait::endpoint const&) = nullptr;
};

template <class S>
constexpr makers makers_of()
{
    if constexpr (!conformance::is_different<S>::value) {
        return {};  // woken as another one is
    } else {
        using carried = conformance::probe_of<S>;
        using X = typename S::transport;
        return {[](asio::io_context& context, strait::endpoint const& where) -> std::unique_ptr<async_receiver_model> {
                    return std::make_unique<receiver_model_of<carried, X>>(context, where);
                },
                [](asio::io_context& context, strait::endpoint const& where) -> std::unique_ptr<async_sender_model> {
                    return std::make_unique<sender_model_of<carried, X>>(context, where);
                }};
    }
}

// In the order of their indices.
makers const& makers_for(conformance::subject const& x)
{
    static constexpr auto all = []<std::size_t... I>(std::index_sequence<I...>) {
        return std::array{makers_of<std::tuple_element_t<I, conformance::word_subjects>>()...};
    }(std::make_index_sequence<std::tuple_size_v<conformance::word_subjects>>());
    return all.at(x.index);
}

}  // namespace

std::unique_ptr<async_receiver_model> open_receiver(conformance::subject const& x, asio::io_context& context,
                                                    strait::endpoint const& where)
{
    return makers_for(x).receiver(context, where);
}

std::unique_ptr<async_sender_model> open_sender(conformance::subject const& x, asio::io_context& context,
                                                strait::endpoint const& where)
{
    return makers_for(x).sender(context, where);
}

}  // namespace async
