// Distributed under the Boost Software License, Version 1.0.

#include <string>
#include <tuple>
#include <vector>

#include <strait.hpp>

#include <async/fixture.hpp>
#include <support/typed_case.hpp>

#include <poll.h>
#include <unistd.h>

// What is reported to which operation: failures that an operation could not report, and two operations at once.

namespace async::outcomes {
namespace {

// Transports with a descriptor, to which a test can write what is no message.
using writable = std::tuple<strait::unix_datagram, strait::unix_stream, strait::named_pipe, strait::tcp>;

template <class X>
struct disturbed {
    strait::endpoint where = support::unique_name();
    asio::io_context context;
    strait::async_receiver<std::string, X> in{context, where};
    strait::sender<std::string, X> out{where};

    disturbed()
    {
        out.send("good");
        run(context, [&]() -> asio::awaitable<void> { BOOST_TEST((co_await in.async_receive(asio::use_awaitable) == "good")); });
    }

    void disturb()
    {
        BOOST_TEST(::write(out.native_handle(), "no frame", 8) == 8);
        // A wait finds it: from here on it is to be reported once.
        while (::poll(&watched_, 1, 0) == 0)
            std::this_thread::yield();
    }

    void check_reported()
    {
        error_code first;
        in.async_receive([&](error_code const& e, std::optional<std::string> const& m) {
            first = e;
            BOOST_TEST(!m);
        });
        context.run();
        context.restart();
        BOOST_TEST((first == errc::malformed_message));
    }

private:
    ::pollfd watched_{in.next_layer().native_handle(), POLLIN, 0};
};

TYPED_CASE(a_failure_that_a_cancelled_receive_has_found_is_reported_to_the_next, X, writable)
{
    clean_host const host;
    disturbed<X> c;
    for (int round = 0; round != (std::is_same_v<X, strait::unix_datagram> ? 3 : 1); ++round) {
        c.disturb();
        error_code outcome;
        c.in.async_receive([&](error_code const& e, std::optional<std::string> const&) { outcome = e; });
        c.in.cancel();
        c.context.run();
        c.context.restart();
        BOOST_TEST((outcome == asio::error::operation_aborted));
        c.in.async_wait([&](error_code const& e) { outcome = e; });
        c.in.cancel();
        c.context.run();
        c.context.restart();
        BOOST_TEST((outcome == asio::error::operation_aborted));
        c.check_reported();
    }
}

TYPED_CASE(a_failure_of_a_receiver_that_was_not_selected_is_reported_later, X, writable)
{
    clean_host const host;
    for (bool const is_cancelled : {true, false}) {  // the one that is looked at first cancels the other's wait, if that has not found anything
        disturbed<X> c;
        auto [s, r] = strait::channel<int, strait::shm_ring<>>::make_pair().split();
        strait::async_receiver<int, strait::shm_ring<>> ready{c.context, std::move(r)};
        c.disturb();
        s.send(1);
        run(c.context, [&]() -> asio::awaitable<void> {
            if (is_cancelled)
                BOOST_TEST(co_await strait::async_select(std::tie(ready, c.in), asio::use_awaitable) == 0U);
            else
                BOOST_TEST(co_await strait::async_select(std::tie(c.in, ready), asio::use_awaitable) == 1U);
            using namespace asio::experimental::awaitable_operators;
            auto const first = co_await (ready.async_receive(asio::use_awaitable) || c.in.async_receive(asio::use_awaitable));
            BOOST_TEST(first.index() == 0U);
        });
        c.check_reported();
    }
}

BOOST_AUTO_TEST_CASE(a_failure_moves_with_the_receiver_to_another_executor)
{
    clean_host const host;
    disturbed<strait::unix_datagram> c;
    c.disturb();
    c.in.async_receive([](error_code const&, std::optional<std::string> const&) {});
    auto moved = asio::use_awaitable.as_default_on(std::move(c.in));
    c.context.run();
    c.context.restart();
    run(c.context, [&]() -> asio::awaitable<void> {
        auto const [e, m] = co_await moved.async_receive(asio::as_tuple(asio::use_awaitable));
        BOOST_TEST((e == errc::malformed_message));
    });
}

using any_kind = std::tuple<strait::shm_ring<>, strait::shm_ring<strait::mpmc>, strait::unix_stream, strait::named_pipe, strait::posix_mqueue,
                            strait::sysv_mqueue, strait::in_process>;

TYPED_CASE(a_second_operation_at_one_end_is_refused_and_the_first_goes_on, X, any_kind)
{
    clean_host const host;
    asio::io_context context;
    auto const where = support::unique_name();
    strait::async_receiver<message, X> in{context, where};
    strait::async_sender<message, X> out{context, where};
    std::vector<message> got;
    std::vector<error_code> refused;
    auto const take = [&](error_code const& e, std::optional<message> m) { m ? got.push_back(*m) : refused.push_back(e); };
    in.async_receive(take);
    in.async_receive(take);
    in.async_wait([&](error_code const& e) { refused.push_back(e); });
    std::vector<message> several(3);
    in.async_receive_batch(several, [&](error_code const& e, std::size_t) { refused.push_back(e); });
    BOOST_TEST(refused.empty());  // not at once
    while (context.poll() != 0) {}
    context.restart();
    BOOST_TEST(refused.size() == 3U);
    out.async_send(7, [](error_code const& e) { BOOST_TEST(!e); });
    out.async_send(8, [&](error_code const& e) { refused.push_back(e); });
    std::vector<message> const many{1, 2, 3};
    out.async_send_batch(many, [&](error_code const& e, std::size_t n) {
        BOOST_TEST(n == 0U);
        refused.push_back(e);
    });
    out.async_wait([&](error_code const& e) { refused.push_back(e); });
    context.run();
    context.restart();
    BOOST_TEST(refused.size() == 6U);
    for (error_code const& e : refused)
        BOOST_TEST((e == errc::busy));
    // The next ones are taken, also after one that was cancelled, from its handler on.
    bool again = false;
    in.async_receive([&](error_code const& e, std::optional<message> const&) {
        BOOST_TEST((e == asio::error::operation_aborted));
        in.async_receive(take);
        again = true;
    });
    context.poll();
    in.cancel();
    context.poll();
    context.restart();
    BOOST_TEST(again);
    out.async_send(9, asio::detached);
    context.run();
    BOOST_TEST(got == (std::vector<message>{7, 9}), boost::test_tools::per_element());
}

}  // namespace
}  // namespace async::outcomes
