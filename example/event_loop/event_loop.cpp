// Distributed under the Boost Software License, Version 1.0.
// Two channels over unlike mechanisms and a timer in one io_context, on one thread.
#include <strait/async.hpp>
#include <strait/channel.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/unix_stream.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>

namespace asio = boost::asio;
using asio::use_awaitable;

using prices = strait::channel<double, strait::shm_ring<>>;
using orders = strait::channel<std::string, strait::unix_stream>;

// Every few milliseconds a price; leaving the scope ends the stream.
asio::awaitable<void> quote(prices::sender to)
{
    auto const here = co_await asio::this_coro::executor;
    strait::async_sender<double, strait::shm_ring<>> out{here, std::move(to)};
    asio::steady_timer timer(here);
    for (double const price : {99.5, 100.5, 101.5}) {
        timer.expires_after(std::chrono::milliseconds(2));
        co_await timer.async_wait(use_awaitable);
        co_await out.async_send(price, use_awaitable);
    }
}

// Orders at the second price.
asio::awaitable<void> trade(prices::receiver from, orders::sender to)
{
    auto const here = co_await asio::this_coro::executor;
    strait::async_receiver<double, strait::shm_ring<>> in{here, std::move(from)};
    strait::async_sender<std::string, strait::unix_stream> out{here, std::move(to)};
    while (auto const price = co_await in.async_receive(use_awaitable)) {
        std::cout << "price " << *price << '\n';
        if (*price > 100 && *price < 101)
            co_await out.async_send("buy 7", use_awaitable);
    }
    std::cout << "no more prices\n";
}

asio::awaitable<void> fill(orders::receiver from)
{
    strait::async_receiver<std::string, strait::unix_stream> in{co_await asio::this_coro::executor, std::move(from)};
    while (auto const order = co_await in.async_receive(use_awaitable))
        std::cout << "order: " << *order << '\n';
    std::cout << "no more orders\n";
}

int main()
{
    asio::io_context context;
    auto [price_out, price_in] = prices::make_pair().split();
    auto [order_out, order_in] = orders::make_pair().split();
    asio::co_spawn(context, quote(std::move(price_out)), asio::detached);
    asio::co_spawn(context, trade(std::move(price_in), std::move(order_out)), asio::detached);
    asio::co_spawn(context, fill(std::move(order_in)), asio::detached);
    context.run();
}
