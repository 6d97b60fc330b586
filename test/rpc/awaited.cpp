// Distributed under the Boost Software License, Version 1.0.
#include <rpc/fixture.hpp>
#include <support/coroutine.hpp>
#include <support/typed_case.hpp>

#include <strait/async_rpc.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

namespace rpc_awaited {

using namespace rpc;
using support::run;
namespace asio = boost::asio;

namespace {

template <class S>
using async_client = strait::async_rpc_client<bank, typename S::transport>;

/// Serves in coroutines until a request of closing comes.
template <class S>
int serve_awaited(strait::endpoint const& where)
{
    asio::io_context context;
    bank_server<S> s{where};
    asio::cancellation_signal stop;
    asio::co_spawn(context,
                   strait::async_serve(
                       s,
                       [](balance_query const& q) -> asio::awaitable<balance> {
                           if (q.account == 1) {
                               asio::steady_timer timer(co_await asio::this_coro::executor, 5ms);
                               co_await timer.async_wait(asio::use_awaitable);
                           }
                           co_return balance_of(q);
                       },
                       book, [&](closing const&) { stop.emit(asio::cancellation_type::terminal); }),
                   asio::bind_cancellation_slot(stop.slot(), [](std::exception_ptr) {}));
    context.run();  // ends: nothing of a server is left in the context
    return 0;
}

}  // namespace

TYPED_CASE(coroutines_ask_and_coroutines_answer, S, protocol_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    support::child server([&] { return serve_awaited<S>(where); });
    asio::io_context context;
    {
        async_client<S> c{context, where};
        bank_client<S> other{where};
        run(context, [&]() -> asio::awaitable<void> {
            using namespace asio::experimental::awaitable_operators;
            auto [a, b, t] = co_await (c.async_call(balance_query{1}, asio::use_awaitable) &&
                                       c.async_call(balance_query{20}, asio::use_awaitable) &&
                                       c.async_call(transfer{1, 2, 3, ""}, asio::use_awaitable));
            BOOST_TEST(a.cents == 100);
            BOOST_TEST(b.cents == 2000);
            BOOST_TEST(t);
            try {
                co_await c.async_call(balance_query{13}, asio::use_awaitable);
                BOOST_TEST(false);
            } catch (strait::rpc_error const& e) {
                BOOST_TEST(e.text() == "account 13 is closed, and has been so for longer than this bank exists");
            }
        });
        BOOST_TEST(other.call(balance_query{7}).cents == 700);
        auto f = c.async_call(balance_query{8}, asio::use_future);
        context.run();
        context.restart();
        BOOST_TEST(f.get().cents == 800);
        int called = 0;
        for (std::uint64_t i = 20; i != 220; ++i)
            c.async_call(balance_query{i}, [&, i](std::exception_ptr e, balance b) {
                called += !e && b.cents == static_cast<std::int64_t>(100 * i);
            });
        BOOST_TEST(called == 0);
        context.run();
        context.restart();
        BOOST_TEST(called == 200);
        // The server stops at this, and may reply or not.
        c.async_call(closing{}, [](std::exception_ptr) {});
        context.run();
        context.restart();
    }
    BOOST_TEST(server.wait() == 0);
}

TYPED_CASE(a_cancelled_call_ends_at_once_and_its_reply_is_dropped, S, few_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    support::shared_page page;
    auto server = slow_bank<S>(where, page);
    asio::io_context context;
    async_client<S> c{context, where};
    run(context, [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        asio::steady_timer timer(context, 10ms);
        auto const first = co_await (c.async_call(balance_query{1}, asio::use_awaitable) || timer.async_wait(asio::use_awaitable));
        BOOST_TEST(first.index() == 1U);
        page->proceed = 1;
        balance const second = co_await c.async_call(balance_query{2}, asio::use_awaitable);
        BOOST_TEST(second.cents == 2);
        co_await c.async_call(closing{}, asio::use_awaitable);
    });
    BOOST_TEST(server.wait() == 0);
}

TYPED_CASE(a_killed_server_fails_all_awaited_calls, S, few_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    {
        support::shared_page page;
        support::child server([&] {
            bank_server<S> s{where};
            s.serve(
                [&](balance_query const&) {
                    page->stage = 1;
                    ::pause();
                    return balance{};
                },
                book, close_all);
        });
        asio::io_context context;
        async_client<S> c{context, where};
        int gone = 0;
        auto const count = [&](std::exception_ptr e, auto&&...) {
            try {
                std::rethrow_exception(e);
            } catch (boost::system::system_error const& error) {
                gone += error.code() == errc::server_gone;
            }
        };
        c.async_call(balance_query{1}, count);
        c.async_call(balance_query{2}, count);
        c.async_call(closing{}, count);
        while (page->stage == 0)
            context.poll();
        server.kill();
        context.run();
        BOOST_TEST(gone == 3);
        context.restart();
        c.async_call(closing{}, count);
        context.run();
        BOOST_TEST(gone == 4);
    }
    bank_server<S> const next{where};
}

}  // namespace rpc_awaited
