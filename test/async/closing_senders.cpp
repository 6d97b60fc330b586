// Distributed under the Boost Software License, Version 1.0.

#include <string>
#include <tuple>
#include <vector>

#include <strait.hpp>

#include <async/fixture.hpp>
#include <support/typed_case.hpp>

namespace async::closing_senders {
namespace {

using streams = std::tuple<strait::unix_stream, strait::tcp, strait::acknowledged<strait::tcp>>;

// A sender that would wait for an hour, with a message of which a part is on its way.
template <class X>
struct unsent {
    strait::endpoint where = support::unique_name();
    asio::io_context context;
    strait::receiver<std::string, X> in{where};
    std::optional<strait::async_sender<std::string, X>> out;
    std::string const large = std::string(20'000'000, 'l');

    unsent()
    {
        typename X::options how;
        how.linger = 1h;
        out.emplace(context, where, how);
        asio::cancellation_signal stop;
        out->async_send(large, asio::bind_cancellation_slot(stop.slot(), [](error_code const&) {}));
        while (context.poll() != 0) {}
        stop.emit(asio::cancellation_type::terminal);
        while (context.poll() != 0) {}
        context.restart();
    }

    // The receiver takes all, a step at a time, while the context runs.
    void check_received()
    {
        std::size_t got = 0;
        bool over = false;
        while (!over) {
            context.run_one_for(1ms);
            context.restart();
            auto const m = in.try_receive();
            if (m)
                got += *m == large;
            over = !m && m.error() == errc::closed;
        }
        BOOST_TEST(got == 1U);
        BOOST_TEST(in.end_reason() == strait::end_reason::left);
        context.run();
    }
};

TYPED_CASE(destroying_an_awaited_sender_does_not_block_and_loses_nothing, X, streams)
{
    clean_host const host;
    unsent<X> c;
    c.out.reset();
    bool others_go_on = false;
    asio::post(c.context, [&] { others_go_on = true; });
    c.context.poll();
    BOOST_TEST(others_go_on);
    c.check_received();
}

TYPED_CASE(closing_an_awaited_sender_is_awaited, X, streams)
{
    clean_host const host;
    unsent<X> c;
    bool closed = false;
    c.out->async_close([&](error_code const& e) {
        BOOST_TEST(!e);
        closed = true;
    });
    while (c.context.poll() != 0) {}
    BOOST_TEST(!closed);
    c.check_received();
    BOOST_TEST(closed);
}

TYPED_CASE(a_cancelled_closing_closes_at_once, X, streams)
{
    clean_host const host;
    unsent<X> c;
    asio::cancellation_signal stop;
    bool closed = false;
    c.out->async_close(asio::bind_cancellation_slot(stop.slot(), [&](error_code const& e) {
        BOOST_TEST((e != error_code()));
        closed = true;
    }));
    while (c.context.poll() != 0) {}
    stop.emit(asio::cancellation_type::terminal);
    c.context.run();
    BOOST_TEST(closed);
}

BOOST_AUTO_TEST_CASE(receivers_that_are_ready_together_have_their_turns)
{
    clean_host const host;
    asio::io_context context;
    std::vector<strait::async_receiver<message, strait::shm_ring<>>> ins;
    std::vector<strait::sender<message, strait::shm_ring<>>> outs;
    for (int i = 0; i != 3; ++i) {
        auto [s, r] = strait::channel<message, strait::shm_ring<>>::make_pair().split();
        outs.push_back(std::move(s));
        ins.emplace_back(context, std::move(r));
        for (message m = 0; m != 10; ++m)
            outs.back().send(m);
    }
    run(context, [&]() -> asio::awaitable<void> {
        auto const ex = context.get_executor();
        std::vector<int> chosen(3);
        for (int i = 0; i != 9; ++i) {
            std::size_t const at = co_await strait::async_select(ex, ins, asio::use_awaitable);
            ++chosen[at];
            (void)ins[at].next_layer().try_receive();
        }
        for (int i = 0; i != 9; ++i) {
            std::size_t const at = co_await strait::async_select(std::tie(ins[0], ins[1], ins[2]), asio::use_awaitable);
            ++chosen[at];
            (void)ins[at].next_layer().try_receive();
        }
        BOOST_TEST(chosen == (std::vector<int>{6, 6, 6}), boost::test_tools::per_element());
        // One that comes later.
        for (auto& in : ins)
            while (in.next_layer().try_receive()) {}
        asio::steady_timer timer(context, 2ms);
        timer.async_wait([&](error_code const&) { outs[2].send(1); });
        BOOST_TEST(co_await strait::async_select(ex, ins, asio::use_awaitable) == 2U);
        std::vector<strait::async_receiver<message, strait::shm_ring<>>> none;
        auto const [e, at] = co_await strait::async_select(ex, none, asio::as_tuple(asio::use_awaitable));
        BOOST_TEST((e == errc::empty));
    });
}

}  // namespace
}  // namespace async::closing_senders
