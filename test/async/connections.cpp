// Distributed under the Boost Software License, Version 1.0.

#include <tuple>

#include <strait.hpp>
#include <strait/async_connection.hpp>

#include <async/fixture.hpp>
#include <support/typed_case.hpp>

namespace async::connections {
namespace {

#ifdef STRAIT_TEST_LONG
using connectable = std::tuple<strait::shm_ring<>, strait::shm_ring<strait::mpsc>, strait::named_pipe, strait::unix_stream,
                               strait::unix_seqpacket, strait::tcp>;
#else
using connectable = std::conditional_t<support::sanitized, std::tuple<strait::shm_ring<>, strait::unix_stream>,
                                       std::tuple<strait::shm_ring<>, strait::unix_stream, strait::tcp>>;
#endif

struct question {
    message number;
};
struct answer {
    message number;
};

template <class X>
using client_side = strait::connection<question, answer, X>;
template <class X>
using acceptor_of = strait::async_acceptor<answer, question, X>;

/// Answers the questions of one client.
template <class X>
asio::awaitable<void> answer_to(asio::io_context& context, strait::connection<answer, question, X> c)
{
    strait::async_receiver<question, X> in{context, std::move(c.in())};
    strait::async_sender<answer, X> out{context, std::move(c.out())};
    while (auto const q = co_await in.async_receive(asio::use_awaitable))
        co_await out.async_send({q->number + 1}, asio::use_awaitable);
}

TYPED_CASE(a_client_and_an_acceptor_meet_in_one_thread, X, connectable)
{
    clean_host const host;
    asio::io_context context;
    auto const where = support::unique_name();
    message answered = 0;
    int ended = 0;
    auto const ask = [&]() -> asio::awaitable<void> {
        auto c = co_await strait::async_connect<client_side<X>>(context, where, {}, asio::use_awaitable);
        strait::async_sender<question, X> out{context, std::move(c->out())};
        strait::async_receiver<answer, X> in{context, std::move(c->in())};
        for (message i = 0; i != 50; ++i) {
            co_await out.async_send({i}, asio::use_awaitable);
            auto const a = co_await in.async_receive(asio::use_awaitable);
            answered += a && a->number == i + 1;
        }
        out.close().value();
        BOOST_TEST(!co_await in.async_receive(asio::use_awaitable));
    };
    auto const count = [&](std::exception_ptr const& e) {
        if (e)
            std::rethrow_exception(e);
        ++ended;
    };
    asio::co_spawn(context, ask, count);
    while (context.poll() != 0) {}  // no acceptor is there: it waits for one
    acceptor_of<X> acceptor{context, where};
    asio::co_spawn(context, ask, count);
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
            for (int i = 0; i != 2; ++i)
                asio::co_spawn(context, answer_to<X>(context, std::move(*co_await acceptor.async_accept(asio::use_awaitable))), count);
        },
        asio::detached);
    context.run();
    BOOST_TEST(ended == 4);
    BOOST_TEST(answered == 100U);
}

TYPED_CASE(connecting_and_accepting_are_cancelled, X, connectable)
{
    clean_host const host;
    asio::io_context context;
    auto const where = support::unique_name();
    asio::cancellation_signal stop;
    error_code outcome;
    auto const note = [&](error_code const& e, auto const& c) {
        outcome = e;
        BOOST_TEST(c.has_value() == !e);
    };
    strait::async_connect<client_side<X>>(context, where, {}, asio::bind_cancellation_slot(stop.slot(), note));
    while (context.poll() != 0) {}
    stop.emit(asio::cancellation_type::terminal);
    context.run();
    context.restart();
    BOOST_TEST((outcome == asio::error::operation_aborted));
    typename X::options soon;
    soon.connect_timeout = 1ms;
    strait::async_connect<client_side<X>>(context, where, soon, note);
    context.run();
    context.restart();
    BOOST_TEST((outcome == errc::no_receiver));
    // A client that was not accepted is for the next operation.
    acceptor_of<X> acceptor{context, where};
    acceptor.async_accept(asio::bind_cancellation_slot(stop.slot(), note));
    acceptor.async_accept([](error_code const& e, auto const&) { BOOST_TEST((e == errc::busy)); });
    while (context.poll() != 0) {}
    stop.emit(asio::cancellation_type::terminal);
    context.run();
    context.restart();
    BOOST_TEST((outcome == asio::error::operation_aborted));
    std::optional<client_side<X>> client;
    strait::async_connect<client_side<X>>(context, where, {}, [&](error_code const& e, std::optional<client_side<X>> c) {
        BOOST_TEST(!e);
        client = std::move(c);
    });
    acceptor.async_accept(note);
    context.run();
    context.restart();
    BOOST_TEST(!outcome);
    BOOST_TEST(client.has_value());
    // Another type is refused.
    using other = strait::connection<answer, message, X>;
    strait::async_connect<other>(context, where, {}, note);
    acceptor.async_accept([&](error_code const& e, auto const&) { BOOST_TEST((e == asio::error::operation_aborted)); });
    while (!outcome)
        context.run_one();
    BOOST_TEST((outcome == errc::type_mismatch));
    acceptor.close().value();
    context.run();
}

}  // namespace
}  // namespace async::connections
