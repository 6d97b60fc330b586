// Distributed under the Boost Software License, Version 1.0.
#include <rpc/fixture.hpp>
#include <support/code.hpp>
#include <support/coroutine.hpp>
#include <support/typed_case.hpp>

#include <strait/async_rpc.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace rpc_reconnecting {

using namespace rpc;
using support::run;
using support::thrown_by;
namespace asio = boost::asio;

namespace {

template <class S>
using async_client = strait::async_rpc_client<bank, typename S::transport>;

}  // namespace

TYPED_CASE(a_client_connects_anew_when_it_is_asked_to, S, protocol_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    support::shared_page page;
    auto first = slow_bank<S>(where, page);
    bank_client<S> c{where};
    BOOST_TEST(c.call(balance_query{2}).cents == 2);
    auto const outstanding = c.post(balance_query{1});
    first.kill();
    BOOST_TEST((c.call_for(balance_query{2}, 60s).error() == errc::server_gone));
    bank_process<S> second(where);
    c.reconnect();
    BOOST_TEST(c.call(balance_query{50}).cents == 5000);
    BOOST_TEST((c.try_reply(outstanding).error() == errc::server_gone));
    // Also while the server is there.
    auto const dropped = c.post(balance_query{50});
    c.reconnect();
    BOOST_TEST((c.try_reply(dropped).error() == errc::server_gone));
    auto const kept = c.post(balance_query{51});
    BOOST_TEST(c.reply(kept).cents == 5100);
    BOOST_TEST((c.try_reply(kept).error() == errc::empty));
}

TYPED_CASE(an_awaited_client_connects_in_the_context_and_anew_when_it_is_asked_to, S, protocol_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    support::shared_page page;
    auto first = slow_bank<S>(where, page);
    asio::io_context context;
    run(context, [&]() -> asio::awaitable<void> {
        auto connected = co_await async_client<S>::async_connect(context.get_executor(), where, {}, asio::use_awaitable);
        async_client<S> c = std::move(*connected);
        balance const b = co_await c.async_call(balance_query{2}, asio::use_awaitable);
        BOOST_TEST(b.cents == 2);
        int gone = 0;
        auto const count = [&](std::exception_ptr e, balance) {
            gone += thrown_by([&] { std::rethrow_exception(e); }) == errc::server_gone;
        };
        c.async_call(balance_query{1}, count);
        first.kill();
        bank_process<S> second(where);
        co_await c.async_reconnect(asio::use_awaitable);
        BOOST_TEST(gone == 1);
        balance const d = co_await c.async_call(balance_query{50}, asio::use_awaitable);
        BOOST_TEST(d.cents == 5000);
        // Also while the server is there.
        c.async_call(balance_query{60}, count);
        co_await c.async_reconnect(asio::use_awaitable);
        BOOST_TEST(gone == 2);
        balance const e = co_await c.async_call(balance_query{51}, asio::use_awaitable);
        BOOST_TEST(e.cents == 5100);
    });
}

}  // namespace rpc_reconnecting
