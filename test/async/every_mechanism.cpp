// Distributed under the Boost Software License, Version 1.0.

#include <async/over.hpp>

#include <sys/resource.h>

namespace async::every_mechanism {
namespace {

using conformance::subject;
using receiver = conformance::receiver;
using sender = conformance::sender;

// What is woken in the same way need not be looked at again.
template <bool (*Fits)(subject const&)>
bool some(subject const& x)
{
    return Fits(x) && !x.is_like_another;
}

// Sleeps of this thread, by its own will.
long sleeps()
{
    ::rusage u{};
    ::getrusage(RUSAGE_THREAD, &u);
    return u.ru_nvcsw;
}

CONFORMANCE_CASE(a_removed_channel_completes_what_awaits_it, x, (some<conformance::removable>))
{
    asio::io_context context;
    auto const where = x.where();
    any_async_receiver in{x, context, where};
    sender out{x, where};
    out.send(make_probe(0));
    BOOST_TEST((in.receive() == make_probe(0)));
    error_code outcome;
    in.async_receive([&](error_code const& e, std::optional<probe> const&) { outcome = e; });
    std::thread taking([&] { conformance::take_away(x, where); });
    context.run();
    taking.join();
    BOOST_TEST((outcome == errc::removed));
}

CONFORMANCE_CASE(messages_and_the_end_of_the_stream_are_awaited, x, (some<conformance::reliable_named>))
{
    asio::io_context context;
    auto const where = x.where();
    any_async_receiver in{x, context, where};
    message next = 0;
    bool over = false;
    constexpr message all = 500;
    run(context, [&]() -> asio::awaitable<void> {
        asio::co_spawn(
            context,
            [&]() -> asio::awaitable<void> {
                any_async_sender out{x, context, where};
                asio::steady_timer timer(context);
                for (message i = 0; i != all; ++i) {
                    co_await out.async_send(make_probe(i), asio::use_awaitable);
                    if (i % 100 == 0) {  // so that the receiver sleeps
                        timer.expires_after(1ms);
                        co_await timer.async_wait(asio::use_awaitable);
                    }
                }
            },
            asio::detached);
        while (auto const m = co_await in.async_receive(asio::use_awaitable))
            next += *m == make_probe(next) ? 1 : 1'000'000;
        over = true;
    });
    BOOST_TEST(next == all);
    BOOST_TEST(over);
    BOOST_TEST(in.end_reason() == strait::end_reason::left);
}

CONFORMANCE_CASE(a_process_is_awaited_and_its_death_is_noticed, x, (some<conformance::reliable_named>))
{
    if (x.between_processes) {
            support::shared_page page;
        auto const where = x.where();
        asio::io_context context;
        any_async_receiver in{x, context, where};
        support::child producer([&] {
            sender out{x, where};
            for (message i = 0; i != 300; ++i) {
                if (i % 50 == 0)
                    std::this_thread::sleep_for(
                        std::chrono::microseconds(support::mixed(i) % 500));  // no synchronisation
                out.send(make_probe(i));
            }
            page->stage = 1;
            ::pause();
        });
        message next = 0;
        run(context, [&]() -> asio::awaitable<void> {
            while (next != 300) {
                auto const m = co_await in.async_receive(asio::use_awaitable);
                BOOST_TEST_REQUIRE((m == make_probe(next++)));
            }
            notes::await(page->stage, 1);
            asio::steady_timer timer(context, std::chrono::milliseconds(5));
            timer.async_wait([&](error_code const&) { producer.signal(SIGKILL); });
            BOOST_TEST(!co_await in.async_receive(asio::use_awaitable));
        });
        BOOST_TEST(in.end_reason() == strait::end_reason::died);
        producer.wait();
    }
}

CONFORMANCE_CASE(a_full_channel_is_awaited_and_cancelling_sends_nothing, x, (some<conformance::bounded>))
{
    asio::io_context context;
    auto const where = x.where();
    receiver in{x, where};
    any_async_sender out{x, context, where};
    out.send(make_probe(0));
    BOOST_TEST((in.receive() == make_probe(0)));
    message sent = 1;
    while (out.send_for(make_probe(sent), 20ms))
        ++sent;
    error_code outcome;
    for (;; ++sent) {
        message told = 0;
        asio::cancellation_signal stop;
        out.async_send(make_probe(sent), asio::bind_cancellation_slot(stop.slot(), [&](error_code const& e) {
                           outcome = e;
                           ++told;
                       }));
        asio::steady_timer timer(context, 3ms);
        timer.async_wait([&](error_code const&) { stop.emit(asio::cancellation_type::total); });
        context.run();
        context.restart();
        BOOST_TEST(told == 1U);
        if (outcome)
            break;  // else the kernel has moved bytes on, and that made room
    }
    BOOST_TEST((outcome == asio::error::operation_aborted));
    // Now with somebody who makes room.
    bool done = false;
    out.async_send(make_probe(sent), [&](error_code const& e) {
        BOOST_TEST(!e);
        done = true;
    });
    std::thread reading([&] {
        for (message i = 1; i <= sent; ++i)
            if (in.receive() != make_probe(i))
                std::abort();
    });
    context.run();
    reading.join();
    BOOST_TEST(done);
    (void)out.close();
    BOOST_TEST(!in.receive());
}

CONFORMANCE_CASE(an_idle_channel_that_is_awaited_wakes_nobody, x, (some<conformance::any_named>))
{
    asio::io_context context;
    auto const where = x.where();
    any_async_receiver in{x, context, where};
    sender out{x, where};
    out.send(make_probe(0));
    BOOST_TEST((in.receive() == make_probe(0)));
    bool woken = false;
    in.async_receive([&](error_code const& e, std::optional<probe> const&) { woken = !e; });
    context.run_for(100ms);  // what joining has stirred up is over
    auto const before = sleeps();
    context.run_for(600ms);
    BOOST_TEST(sleeps() - before <= 3);  // slices would be a dozen
    BOOST_TEST(!woken);
    out.send(make_probe(1));
    context.run();
    BOOST_TEST(woken);
}

CONFORMANCE_CASE(cancelling_takes_no_message_wherever_it_comes, x, (some<conformance::reliable>))
{
    asio::io_context context;
    auto const where = x.where();
    any_async_receiver in{x, context, where};
    sender out{x, where};
    message next = 0;
    message sent = 0;
    out.send(make_probe(sent++));
    // So many handlers are run before the cancelling; before it, or after some of them, a message is sent.
    for (int before = 0; before != 6; ++before)
        for (int sending = 0; sending != 6; ++sending)
            for (auto const type : {asio::cancellation_type::terminal, asio::cancellation_type::partial,
                                    asio::cancellation_type::total}) {
                asio::cancellation_signal stop;
                int called = 0;
                in.async_receive(asio::bind_cancellation_slot(
                    stop.slot(), [&](error_code const& e, std::optional<probe> const& m) {
                        ++called;
                        if (e)
                            BOOST_TEST((e == asio::error::operation_aborted));
                        else
                            BOOST_TEST_REQUIRE((m == make_probe(next++)));
                    }));
                BOOST_TEST(called == 0);  // never at once
                for (int step = 0; step != before; ++step) {
                    if (step == sending)
                        out.send(make_probe(sent++));
                    context.run_one_for(1ms);
                    context.restart();
                }
                stop.emit(type);
                context.run();
                context.restart();
                BOOST_TEST(called == 1);
            }
    out.close().value();
    run(context, [&]() -> asio::awaitable<void> {
        while (auto const m = co_await in.async_receive(asio::use_awaitable))
            BOOST_TEST_REQUIRE((*m == make_probe(next++)));
    });
    BOOST_TEST(next == sent);
}

CONFORMANCE_CASE(a_context_goes_with_operations_pending, x, (some<conformance::any_named>))
{
    auto const where = x.where();
    auto alive = std::make_shared<int>();
    for (int ran = 0; ran != 4; ++ran) {
        asio::io_context context;
        // The object goes with the coroutine, or before the context.
        asio::co_spawn(
            context,
            [&, alive]() -> asio::awaitable<void> {
                any_async_receiver in{x, context, where};
                co_await in.async_receive(asio::use_awaitable);
            },
            asio::detached);
        any_async_receiver other{x, context, x.where()};
        other.async_receive([alive](error_code const&, std::optional<probe> const&) {});
        for (int i = 0; i != ran; ++i)
            context.run_one_for(1ms);
        context.stop();
    }
    BOOST_TEST(alive.use_count() == 1);
}

CONFORMANCE_CASE(closing_and_destroying_ends_what_is_under_way, x, (some<conformance::any_named>))
{
    asio::io_context context;
    int aborted = 0;
    auto const count = [&](error_code const& e, std::optional<probe> const&) {
        aborted += e == asio::error::operation_aborted;
    };
    {
        any_async_receiver in{x, context, x.where()};
        in.async_receive(count);
        context.run_for(1ms);
        in.cancel();
        context.run();
        context.restart();
        BOOST_TEST(aborted == 1);
        in.async_receive(count);
        context.run_for(1ms);
    }
    context.run();
    context.restart();
    BOOST_TEST(aborted == 2);
    any_async_receiver in{x, context, x.where()};
    in.async_receive(count);
    in.close().value();
    context.run();
    context.restart();
    BOOST_TEST(aborted == 3);
    error_code closed;
    in.async_receive([&](error_code const& e, std::optional<probe> const&) { closed = e; });
    context.run();
    BOOST_TEST((closed == errc::not_open));
}

}  // namespace
}  // namespace async::every_mechanism
