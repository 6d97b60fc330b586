// Distributed under the Boost Software License, Version 1.0.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <vector>

#include <boost/version.hpp>

#include <strait.hpp>
#include <strait/async_connection.hpp>
#include <strait/async_rpc.hpp>

#include <async/fixture.hpp>
#include <support/counting_allocator.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/redirect_error.hpp>
#if BOOST_VERSION >= 108600
#    include <boost/asio/cancel_after.hpp>
#    include <boost/asio/cancel_at.hpp>
#endif

// Every operation with every completion token of Boost.Asio. test/newest_boost/check builds this file against the newest Boost, too.

namespace async::every_token {
namespace {

std::size_t threads()
{
    std::filesystem::directory_iterator const all("/proc/self/task");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// `begin(token)` begins an operation that succeeds. `step` lets the other side work.
template <class Begin, class Step>
void check(asio::io_context& context, Begin begin, Step step)
{
    std::size_t const before = threads();
    int called = 0;
    auto const count = [&](auto const& e, auto&&...) {
        BOOST_TEST(!e);
        ++called;
    };
    auto const finish = [&] {
        while (context.run_one_for(1ms) != 0 || !context.stopped())
            step();
        context.restart();
    };
    // A callback, which is not called at once.
    begin(count);
    BOOST_TEST(called == 0);
    finish();
    BOOST_TEST(called == 1);
    // A future is ready when the context has no more work.
    auto future = begin(asio::use_future);
    finish();
    BOOST_REQUIRE((future.wait_for(0s) == std::future_status::ready));
    (void)future.get();
    begin(asio::deferred)(count);
    finish();
    BOOST_TEST(called == 2);
    begin(asio::detached);
    finish();
    begin(asio::append([&](auto const& e, auto&&...) { called += !e; }, 7));
    finish();
    BOOST_TEST(called == 3);
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
            co_await begin(asio::use_awaitable);
            auto const outcome = co_await begin(asio::as_tuple(asio::use_awaitable));
            BOOST_TEST(!std::get<0>(outcome));
            if constexpr (std::is_same_v<std::remove_cvref_t<decltype(std::get<0>(outcome))>, error_code>) {
                error_code failed;
                co_await begin(asio::redirect_error(asio::use_awaitable, failed));
                BOOST_TEST(!failed);
            }
            ++called;
        },
        [](std::exception_ptr e) { BOOST_TEST(!e); });
    finish();
    BOOST_TEST(called == 4);
    // The executor, the allocator and the cancellation slot of the handler.
    asio::io_context other;
    auto const work = asio::make_work_guard(other);
    int allocated = 0;
    int held = 0;
    asio::cancellation_signal stop;
    begin(asio::bind_executor(
        other, asio::bind_allocator(support::counting_allocator<void>(&allocated, &held),
                                    asio::bind_cancellation_slot(stop.slot(), [&](auto const& e, auto&&...) {
                                        BOOST_TEST(!e);
                                        BOOST_TEST(other.get_executor().running_in_this_thread());
                                        BOOST_TEST(held == 0);
                                        ++called;
                                    }))));
    while (called != 5) {
        context.run_one_for(1ms);
        step();
        other.poll();
        context.restart();
    }
    BOOST_TEST(allocated != 0);
    BOOST_TEST(held == 0);
    // Cancelled at once: it has succeeded already, or has not.
    begin(asio::bind_cancellation_slot(stop.slot(), [&](auto const&, auto&&...) { ++called; }));
    stop.emit(asio::cancellation_type::terminal);
    finish();
    BOOST_TEST(called == 6);
#if BOOST_VERSION >= 108600
    begin(asio::cancel_after(1h, count));
    finish();
    begin(asio::cancel_at(std::chrono::steady_clock::now() + 1h, count));
    finish();
    BOOST_TEST(called == 8);
    auto timed = begin(asio::cancel_after(1h, asio::use_future));
    finish();
    BOOST_REQUIRE((timed.wait_for(0s) == std::future_status::ready));
    (void)timed.get();
    asio::steady_timer timer(context);
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
            co_await begin(asio::cancel_after(1h, asio::use_awaitable));
            co_await begin(asio::cancel_after(timer, 1h));
            co_await begin(asio::cancel_at(std::chrono::steady_clock::now() + 1h));
        },
        [&](std::exception_ptr e) { called += !e; });
    finish();
    BOOST_TEST(called == 9);
#endif
    BOOST_TEST(threads() == before);
}

constexpr auto no_step = [] {};
using number_ring = strait::shm_ring<>;

struct pair_of_ends {
    asio::io_context context;
    strait::async_sender<message, number_ring> out;
    strait::async_receiver<message, number_ring> in;

    pair_of_ends() : pair_of_ends(strait::channel<message, number_ring>::make_pair().split()) {}

private:
    explicit pair_of_ends(std::pair<strait::sender<message, number_ring>, strait::receiver<message, number_ring>> ends)
        : out(context, std::move(ends.first)), in(context, std::move(ends.second))
    {
    }
};

void fill(pair_of_ends& c)
{
    for (message i = 0; i != 100; ++i)
        BOOST_REQUIRE(c.out.next_layer().try_send(i).has_value());
}

BOOST_AUTO_TEST_CASE(async_receive_takes_every_token)
{
    clean_host const host;
    pair_of_ends c;
    fill(c);
    check(c.context, [&](auto&& token) { return c.in.async_receive(std::forward<decltype(token)>(token)); }, no_step);
}

BOOST_AUTO_TEST_CASE(async_receive_batch_takes_every_token)
{
    clean_host const host;
    pair_of_ends c;
    fill(c);
    std::vector<message> some(2);
    check(c.context, [&](auto&& token) { return c.in.async_receive_batch(some, std::forward<decltype(token)>(token)); }, no_step);
}

BOOST_AUTO_TEST_CASE(async_wait_takes_every_token)
{
    clean_host const host;
    pair_of_ends c;
    fill(c);
    check(c.context, [&](auto&& token) { return c.in.async_wait(std::forward<decltype(token)>(token)); }, no_step);
    check(c.context, [&](auto&& token) { return c.out.async_wait(std::forward<decltype(token)>(token)); }, no_step);
}

BOOST_AUTO_TEST_CASE(async_send_takes_every_token)
{
    clean_host const host;
    pair_of_ends c;
    check(c.context, [&](auto&& token) { return c.out.async_send(1, std::forward<decltype(token)>(token)); }, no_step);
}

BOOST_AUTO_TEST_CASE(async_send_batch_takes_every_token)
{
    clean_host const host;
    pair_of_ends c;
    std::vector<message> const some(2);
    check(c.context, [&](auto&& token) { return c.out.async_send_batch(some, std::forward<decltype(token)>(token)); }, no_step);
}

BOOST_AUTO_TEST_CASE(async_select_takes_every_token)
{
    clean_host const host;
    pair_of_ends c;
    pair_of_ends d;
    fill(c);
    strait::async_receiver<message, number_ring> other{c.context, d.in.release()};
    check(c.context, [&](auto&& token) { return strait::async_select(std::tie(other, c.in), std::forward<decltype(token)>(token)); },
          no_step);
}

BOOST_AUTO_TEST_CASE(async_select_of_a_range_takes_every_token)
{
    clean_host const host;
    pair_of_ends c;
    fill(c);
    std::vector<strait::async_receiver<message, number_ring>> all;
    all.push_back(std::move(c.in));
    auto const ex = c.context.get_executor();
    check(c.context, [&](auto&& token) { return strait::async_select(ex, all, std::forward<decltype(token)>(token)); }, no_step);
}

BOOST_AUTO_TEST_CASE(async_close_takes_every_token)
{
    clean_host const host;
    asio::io_context context;
    auto const where = support::unique_name();
    strait::receiver<message, strait::named_pipe> const in{where};
    auto const begin = [&](auto&& token) {
        strait::async_sender<message, strait::named_pipe> out{context, where};
        return out.async_close(std::forward<decltype(token)>(token));
    };
    check(context, begin, no_step);
}

using number_client = strait::connection<message, message, strait::unix_stream>;

BOOST_AUTO_TEST_CASE(async_connect_takes_every_token)
{
    clean_host const host;
    asio::io_context context;
    auto const where = support::unique_name();
    strait::acceptor<message, message, strait::unix_stream> acceptor{where};
    std::jthread const accepting([&](std::stop_token stop) {
        while (acceptor.accept(stop)) {}
    });
    auto const ex = context.get_executor();
    check(
        context, [&](auto&& token) { return strait::async_connect<number_client>(ex, where, {}, std::forward<decltype(token)>(token)); },
        no_step);
}

BOOST_AUTO_TEST_CASE(async_accept_takes_every_token)
{
    clean_host const host;
    asio::io_context context;
    auto const where = support::unique_name();
    strait::async_acceptor<message, message, strait::unix_stream> acceptor{context, where};
    std::jthread const connecting([&](std::stop_token stop) {
        strait::unix_stream::options how;
        how.connect_timeout = 1ms;  // the last one is not accepted
        while (!stop.stop_requested())
            (void)number_client::open(where, how);
    });
    check(context, [&](auto&& token) { return acceptor.async_accept(std::forward<decltype(token)>(token)); }, no_step);
}

struct number_query {
    message value;
};
using numbers = strait::rpc_interface<message(number_query), void(message)>;

BOOST_AUTO_TEST_CASE(async_call_takes_every_token)
{
    clean_host const host;
    auto const where = support::unique_name();
    strait::rpc_server<numbers, number_ring> server{where};
    std::jthread const serving(
        [&](std::stop_token stop) { server.serve(stop, [](number_query q) { return q.value + 1; }, [](message) {}); });
    asio::io_context context;
    strait::async_rpc_client<numbers, number_ring> client{context, where};
    check(context, [&](auto&& token) { return client.async_call(number_query{1}, std::forward<decltype(token)>(token)); }, no_step);
    check(context, [&](auto&& token) { return client.async_call(message{1}, std::forward<decltype(token)>(token)); }, no_step);
}

}  // namespace
}  // namespace async::every_token
