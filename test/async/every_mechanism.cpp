// Distributed under the Boost Software License, Version 1.0.

#include <async/fixture.hpp>

#include <tuple>
#include <type_traits>

#include <sys/resource.h>

namespace async {
namespace {

// What is woken in the same way need not be built again; for AddressSanitizer, which builds slowly, one for each way.
using few = std::tuple<conformance::by_name<strait::in_process>, conformance::by_name<conformance::ring<strait::adaptive>>,
                       conformance::by_name<strait::sysv_mqueue>, conformance::by_name<strait::unix_stream>>;
template <class All>
using some = std::conditional_t<support::sanitized, few, decltype(conformance::among<conformance::is_different>(All()))>;

// Sleeps of this thread, by its own will.
long sleeps()
{
    ::rusage u{};
    ::getrusage(RUSAGE_THREAD, &u);
    return u.ru_nvcsw;
}

BOOST_AUTO_TEST_CASE_TEMPLATE(messages_and_the_end_of_the_stream_are_awaited, S, some<conformance::reliable_word_subjects>)
{
    clean_host const host;
    asio::io_context context;
    auto const where = S::where();
    async_receiver_of<S> in{context, where};
    message next = 0;
    bool over = false;
    constexpr message all = 500;
    run(context, [&]() -> asio::awaitable<void> {
        asio::co_spawn(
            context,
            [&]() -> asio::awaitable<void> {
                async_sender_of<S> out{context, where};
                asio::steady_timer timer(context);
                for (message i = 0; i != all; ++i) {
                    co_await out.async_send(i, asio::use_awaitable);
                    if (i % 100 == 0) {  // so that the receiver sleeps
                        timer.expires_after(1ms);
                        co_await timer.async_wait(asio::use_awaitable);
                    }
                }
            },
            asio::detached);
        while (auto const m = co_await in.async_receive(asio::use_awaitable))
            next += *m == next ? 1 : 1'000'000;
        over = true;
    });
    BOOST_TEST(next == all);
    BOOST_TEST(over);
    BOOST_TEST(in.next_layer().end_reason() == strait::end_reason::left);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_process_is_awaited_and_its_death_is_noticed, S, some<conformance::reliable_word_subjects>)
{
    if constexpr (conformance::between_processes<S>) {
        clean_host const host;
        support::shared_page page;
        auto const where = S::where();
        asio::io_context context;
        async_receiver_of<S> in{context, where};
        support::child producer([&] {
            sender_of<S> out{where};
            for (message i = 0; i != 300; ++i) {
                if (i % 50 == 0)
                    std::this_thread::sleep_for(
                        std::chrono::microseconds(support::mixed(i) % 500));  // no synchronisation
                out.send(i);
            }
            page->stage = 1;
            ::pause();
        });
        message next = 0;
        run(context, [&]() -> asio::awaitable<void> {
            while (next != 300) {
                auto const m = co_await in.async_receive(asio::use_awaitable);
                BOOST_TEST_REQUIRE((m == next++));
            }
            notes::await(page->stage, 1);
            asio::steady_timer timer(context, std::chrono::milliseconds(5));
            timer.async_wait([&](error_code const&) { producer.signal(SIGKILL); });
            BOOST_TEST(!co_await in.async_receive(asio::use_awaitable));
        });
        BOOST_TEST(in.next_layer().end_reason() == strait::end_reason::died);
        producer.wait();
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_full_channel_is_awaited_and_cancelling_sends_nothing, S, some<conformance::bounded_subjects>)
{
    clean_host const host;
    asio::io_context context;
    auto const where = S::where();
    receiver_of<S> in{where};
    async_sender_of<S> out{context, where};
    out.next_layer().send(0);
    BOOST_TEST((in.receive() == message{0}));
    message sent = 1;
    while (out.next_layer().send_for(sent, 20ms))
        ++sent;
    error_code outcome;
    for (;; ++sent) {
        message told = 0;
        asio::cancellation_signal stop;
        out.async_send(sent, asio::bind_cancellation_slot(stop.slot(), [&](error_code const& e) {
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
    out.async_send(sent, [&](error_code const& e) {
        BOOST_TEST(!e);
        done = true;
    });
    std::thread reading([&] {
        for (message i = 1; i <= sent; ++i)
            if (in.receive() != i)
                std::abort();
    });
    context.run();
    reading.join();
    BOOST_TEST(done);
    (void)out.close();
    BOOST_TEST(!in.receive());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_idle_channel_that_is_awaited_wakes_nobody, S, some<conformance::word_subjects>)
{
    clean_host const host;
    asio::io_context context;
    auto const where = S::where();
    async_receiver_of<S> in{context, where};
    sender_of<S> out{where};
    out.send(0);
    BOOST_TEST((in.next_layer().receive() == message{0}));
    bool woken = false;
    in.async_receive([&](error_code const& e, std::optional<message> const&) { woken = !e; });
    context.run_for(100ms);  // what joining has stirred up is over
    auto const before = sleeps();
    context.run_for(600ms);
    BOOST_TEST(sleeps() - before <= 3);  // slices would be a dozen
    BOOST_TEST(!woken);
    out.send(1);
    context.run();
    BOOST_TEST(woken);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(cancelling_takes_no_message_wherever_it_comes, S, some<conformance::reliable_subjects>)
{
    clean_host const host;
    asio::io_context context;
    auto const where = S::where();
    async_receiver_of<S> in{context, where};
    sender_of<S> out{where};
    message next = 0;
    message sent = 0;
    out.send(sent++);
    // So many handlers are run before the cancelling; before it, or after some of them, a message is sent.
    for (int before = 0; before != 6; ++before)
        for (int sending = 0; sending != 6; ++sending)
            for (auto const type : {asio::cancellation_type::terminal, asio::cancellation_type::partial,
                                    asio::cancellation_type::total}) {
                asio::cancellation_signal stop;
                int called = 0;
                in.async_receive(asio::bind_cancellation_slot(
                    stop.slot(), [&](error_code const& e, std::optional<message> const& m) {
                        ++called;
                        if (e)
                            BOOST_TEST((e == asio::error::operation_aborted));
                        else
                            BOOST_TEST_REQUIRE((m == next++));
                    }));
                BOOST_TEST(called == 0);  // never at once
                for (int step = 0; step != before; ++step) {
                    if (step == sending)
                        out.send(sent++);
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
            BOOST_TEST_REQUIRE(*m == next++);
    });
    BOOST_TEST(next == sent);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_context_goes_with_operations_pending, S, some<conformance::word_subjects>)
{
    clean_host const host;
    auto const where = S::where();
    auto alive = std::make_shared<int>();
    for (int ran = 0; ran != 4; ++ran) {
        asio::io_context context;
        // The object goes with the coroutine, or before the context.
        asio::co_spawn(
            context,
            [&, alive]() -> asio::awaitable<void> {
                async_receiver_of<S> in{context, where};
                co_await in.async_receive(asio::use_awaitable);
            },
            asio::detached);
        async_receiver_of<S> other{context, S::where()};
        other.async_receive([alive](error_code const&, std::optional<message> const&) {});
        for (int i = 0; i != ran; ++i)
            context.run_one_for(1ms);
        context.stop();
    }
    BOOST_TEST(alive.use_count() == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(closing_and_destroying_ends_what_is_under_way, S, some<conformance::word_subjects>)
{
    clean_host const host;
    asio::io_context context;
    int aborted = 0;
    auto const count = [&](error_code const& e, std::optional<message> const&) {
        aborted += e == asio::error::operation_aborted;
    };
    {
        async_receiver_of<S> in{context, S::where()};
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
    async_receiver_of<S> in{context, S::where()};
    in.async_receive(count);
    in.close().value();
    context.run();
    context.restart();
    BOOST_TEST(aborted == 3);
    error_code closed;
    in.async_receive([&](error_code const& e, std::optional<message> const&) { closed = e; });
    context.run();
    BOOST_TEST((closed == errc::not_open));
}

}  // namespace
}  // namespace async
