// Distributed under the Boost Software License, Version 1.0.

#include <strait/async.hpp>
#include <strait/channel.hpp>
#include <strait/transport/anonymous_pipe.hpp>
#include <strait/transport/in_process.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/unix_stream.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <thread>
#include <tuple>
#include <vector>

#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

namespace threads_async_split {

namespace {

namespace asio = boost::asio;
using message = std::uint64_t;
using transports = std::tuple<strait::in_process, strait::shm_ring<>, strait::shm_ring<strait::mpsc>,
                              strait::shm_ring<strait::mpmc>, strait::anonymous_pipe, strait::unix_stream>;

// What one channel does in a context that several threads run, in a strand or not: its operations follow each other.
template <class X, class Executor>
void exchange(Executor const& ex, std::atomic<int>& wrong, std::atomic<int>& ended, message count)
{
    auto [s, r] = strait::channel<message, X>::make_pair({.capacity = X::guarantees.zero_copy ? 64U : 0U}).split();
    asio::co_spawn(
        ex,
        [count, out = strait::async_sender<message, X>(ex, std::move(s))]() mutable -> asio::awaitable<void> {
            for (message i = 0; i != count; ++i)
                co_await out.async_send(i, asio::use_awaitable);
        },
        asio::detached);
    asio::co_spawn(
        ex,
        [&wrong, &ended, count,
         in = strait::async_receiver<message, X>(ex, std::move(r))]() mutable -> asio::awaitable<void> {
            message next = 0;
            while (auto const m = co_await in.async_receive(asio::use_awaitable))
                wrong += *m == next++ ? 0 : 1;
            wrong += next == count ? 0 : 1;
            ++ended;
        },
        asio::detached);
}

template <class Context>
void run_by(Context& context, int threads)
{
    std::vector<std::thread> all;
    for (int i = 0; i != threads; ++i)
        all.emplace_back([&] { context.run(); });
    for (auto& t : all)
        t.join();
}

}  // namespace

TYPED_CASE(a_context_is_run_by_many_threads, X, transports)
{
    support::watchdog const watch;
    asio::io_context context;
    std::atomic<int> wrong{0};
    std::atomic<int> ended{0};
    auto const count = static_cast<message>(support::rounds(2000));
    for (int i = 0; i != 2; ++i) {
        exchange<X>(context.get_executor(), wrong, ended, count);
        exchange<X>(asio::make_strand(context), wrong, ended, count);
        exchange<X>(asio::any_io_executor(asio::make_strand(context)), wrong, ended, count);
    }
    run_by(context, 4);
    BOOST_TEST(wrong == 0);
    BOOST_TEST(ended == 6);
}

BOOST_AUTO_TEST_CASE(a_thread_pool_runs_channels_too)
{
    support::watchdog const watch;
    asio::thread_pool pool(3);
    std::atomic<int> wrong{0};
    std::atomic<int> ended{0};
    exchange<strait::shm_ring<>>(asio::any_io_executor(pool.get_executor()), wrong, ended, 1000);
    exchange<strait::unix_stream>(asio::any_io_executor(pool.get_executor()), wrong, ended, 1000);
    pool.join();
    BOOST_TEST(wrong == 0);
    BOOST_TEST(ended == 2);
}

// A sender in a thread of its own rings while operations are begun, cancelled in their strand, and begun again.
TYPED_CASE(cancelling_in_a_strand_races_with_senders_and_loses_nothing, X, transports)
{
    support::watchdog const watch;
    asio::io_context context;
    auto strand = asio::make_strand(context);
    auto [out, r] = strait::channel<message, X>::make_pair().split();
    strait::async_receiver<message, X, asio::strand<asio::io_context::executor_type>> in(strand, std::move(r));
    message next = 0;
    int wrong = 0;
    auto const count = static_cast<message>(support::rounds(3000));
    std::thread sending([&, &to = out] {
        for (message i = 0; i != count; ++i) {
            to.send(i);
            if (i % 8 == 0)
                std::this_thread::yield();
        }
        to.close().value();
    });
    asio::co_spawn(
        strand,
        [&]() -> asio::awaitable<void> {
            using namespace asio::experimental::awaitable_operators;
            for (message turn = 0;; ++turn) {
                // Loses against a message, or a handler that comes sooner or later.
                auto const pause = [turn]() -> asio::awaitable<void> {
                    for (message i = 0; i != turn % 4; ++i)
                        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
                };
                auto const first = co_await (in.async_receive(asio::use_awaitable) || pause());
                if (first.index() == 1)
                    continue;
                auto const m = std::get<0>(first);
                if (!m)
                    break;
                wrong += *m == next++ ? 0 : 1;
            }
        },
        asio::detached);
    run_by(context, 3);
    sending.join();
    BOOST_TEST(wrong == 0);
    BOOST_TEST(next == count);
}

}  // namespace threads_async_split
