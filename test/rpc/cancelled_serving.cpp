// Distributed under the Boost Software License, Version 1.0.
#include <rpc/fixture.hpp>
#include <support/coroutine.hpp>
#include <support/typed_case.hpp>

#include <strait/async_rpc.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <unistd.h>

#include <sys/resource.h>

namespace rpc_cancelled_serving {

using namespace rpc;
namespace asio = boost::asio;

namespace {

/// A client process whose call ends with server_gone, which it notes.
template <class S>
support::child dropped_client(strait::endpoint const& where, std::uint64_t account, std::atomic<std::uint64_t>& told)
{
    return support::child([&told, where, account] {
        bank_client<S> c{where};
        auto const b = c.call_for(balance_query{account}, 60s);
        told = 1;
        return !b && b.error() == errc::server_gone ? 0 : 1;
    });
}

/// Notes when a coroutine ends, in whatever way.
struct noted_at_the_end {
    std::vector<std::string>& events;
    std::string what;
    ~noted_at_the_end() { events.push_back(what); }
};

}  // namespace

TYPED_CASE(a_cancelled_server_drops_its_clients_at_once_and_ends_after_their_handlers, S, protocol_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    support::shared_page page;
    auto first = dropped_client<S>(where, 1, page->other[1]);
    auto second = dropped_client<S>(where, 2, page->other[2]);
    asio::io_context context;
    bank_server<S> s{where};
    asio::cancellation_signal stop;
    std::vector<std::string> events;
    int begun = 0;
    auto const cancel_when_both_are_handled = [&] {
        if (++begun == 2)
            asio::post(context, [&] { stop.emit(asio::cancellation_type::terminal); });
    };
    asio::co_spawn(
        context,
        strait::async_serve(
            s,
            [&](balance_query const& q) -> asio::awaitable<balance> {
                noted_at_the_end const handler{events, "handler"};
                asio::steady_timer timer(context, 1h);
                cancel_when_both_are_handled();
                if (q.account == 2) {  // this one cannot be cancelled, and ends when both clients have been dropped
                    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
                    co_await asio::this_coro::throw_if_cancelled(false);
                    while (page->other[1] == 0 || page->other[2] == 0) {
                        timer.expires_after(1ms);
                        co_await timer.async_wait(asio::use_awaitable);
                    }
                } else {
                    co_await timer.async_wait(asio::use_awaitable);
                }
                co_return balance{1, true};
            },
            book, close_all),
        asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr e) {
            BOOST_TEST(static_cast<bool>(e));
            events.push_back("serving");
        }));
    context.run();
    BOOST_TEST(events == (std::vector<std::string>{"handler", "handler", "serving"}), boost::test_tools::per_element());
    BOOST_TEST(first.wait() == 0);
    BOOST_TEST(second.wait() == 0);
    // It serves again.
    support::child third([&] {
        bank_client<S> c{where};
        int const status = c.call(balance_query{30}).cents == 3000 ? 0 : 1;
        (void)c.call_for(closing{}, 60s);  // the server stops at this, and may reply or not
        return status;
    });
    s.serve(balance_of, book, [&](closing const&) { s.stop(); });
    BOOST_TEST(third.wait() == 0);
}

TYPED_CASE(a_server_in_coroutines_whose_name_was_removed_ends, S, few_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    asio::io_context context;
    bank_server<S> s{where};
    strait::error_code outcome;
    asio::co_spawn(context, strait::async_serve(s, balance_of, book, close_all), [&](std::exception_ptr e) {
        try {
            std::rethrow_exception(e);
        } catch (boost::system::system_error const& thrown) {
            outcome = thrown.code();
        }
    });
    while (context.poll() != 0) {}
    S::transport::remove(where).value();
    context.run();
    BOOST_TEST((outcome == errc::removed));
}

TYPED_CASE(a_server_in_coroutines_that_lacks_descriptors_waits, S, protocol_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    for (bool const serves_another : {false, true}) {
        support::shared_page page;
        support::child client([&] {
            notes::await(page->proceed, 1);
            bank_client<S> c{where};
            int const status = c.call(balance_query{50}).cents == 5000 ? 0 : 1;
            page->stage = 1;
            return status;
        });
        support::child another([&] {
            if (!serves_another)
                return 0;
            bank_client<S> c{where};
            page->done = 1;
            notes::await(page->stage, 1);
            int const status = c.call(balance_query{51}).cents == 5100 ? 0 : 1;
            page->other[0] = 1;
            return status;
        });
        asio::io_context context;
        {
            bank_server<S> s{where};
            asio::cancellation_signal stop;
            asio::co_spawn(context, strait::async_serve(s, balance_of, book, close_all),
                           asio::bind_cancellation_slot(stop.slot(), [](std::exception_ptr) {}));
            while (serves_another && page->done == 0)
                context.run_one_for(1ms);
            context.poll();
            ::rlimit before{};
            ::getrlimit(RLIMIT_NOFILE, &before);
            int const next = ::dup(0);
            ::close(next);
            ::rlimit const few{static_cast<::rlim_t>(next), before.rlim_max};
            ::setrlimit(RLIMIT_NOFILE, &few);
            page->proceed = 1;
            std::size_t steps = 0;
            for (auto const until = std::chrono::steady_clock::now() + 300ms; std::chrono::steady_clock::now() < until;)
                steps += context.run_one_for(300ms);
            BOOST_TEST(steps < 300U);  // a hundred thousand if it did not wait
            ::setrlimit(RLIMIT_NOFILE, &before);
            while (page->stage == 0 || (serves_another && page->other[0] == 0))
                context.run_one_for(1ms);
            stop.emit(asio::cancellation_type::terminal);
            context.run();
        }
        BOOST_TEST(client.wait() == 0);
        BOOST_TEST(another.wait() == 0);
    }
}

}  // namespace rpc_cancelled_serving
