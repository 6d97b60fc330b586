// Distributed under the Boost Software License, Version 1.0.

#include <async/fixture.hpp>
#include <support/typed_case.hpp>
#include <conformance/transports.hpp>

#include <tuple>
#include <type_traits>
#include <vector>

namespace async::room {
namespace {

using conformance::by_name;

// One for each way in which room is waited for.
using subjects = std::tuple<by_name<strait::in_process>, by_name<conformance::ring<strait::adaptive>>,
                            by_name<strait::shm_ring<strait::mpmc>>, by_name<strait::sysv_mqueue>, by_name<strait::posix_mqueue>,
                            by_name<strait::named_pipe>, by_name<strait::unix_stream>>;

// Whether its sender can say that the channel is full without sending.
template <class S>
constexpr bool says_full = !std::is_same_v<S, by_name<strait::sysv_mqueue>>;

TYPED_CASE(a_sender_waits_for_room_and_sends_nothing, S, subjects)
{
    clean_host const host;
    asio::io_context context;
    auto const where = S::where();
    receiver_of<S> in{where};
    async_sender_of<S> out{context, where};
    out.next_layer().send(0);
    BOOST_TEST((in.receive() == message{0}));

    int called = 0;
    error_code outcome = errc::not_open;
    auto const note = [&](error_code const& e) {
        ++called;
        outcome = e;
    };
    out.async_wait(note);
    BOOST_TEST(called == 0);
    context.run();
    context.restart();
    BOOST_TEST(called == 1);  // there is room
    BOOST_TEST(!outcome);

    message sent = 1;
    while (out.next_layer().try_send(sent))
        ++sent;
    out.async_wait(note);
    context.run_for(120ms);  // longer than two looks
    context.restart();
    BOOST_TEST(called == (says_full<S> ? 1 : 2));

    for (message i = 1; i != sent; ++i)
        BOOST_TEST_REQUIRE((in.receive() == i));
    context.run();
    context.restart();
    BOOST_TEST(called == 2);
    BOOST_TEST(!outcome);
    BOOST_TEST(out.next_layer().try_send(sent).has_value());
    BOOST_TEST((in.receive() == sent));
    BOOST_TEST((in.try_receive().error() == errc::empty));
}

TYPED_CASE(waiting_for_room_can_be_cancelled, S, subjects)
{
    clean_host const host;
    asio::io_context context;
    auto const where = S::where();
    receiver_of<S> in{where};
    async_sender_of<S> out{context, where};
    out.next_layer().send(0);
    while (out.next_layer().try_send(1)) {}
    error_code outcome;
    out.async_wait([&](error_code const& e) { outcome = e; });
    context.poll();
    out.cancel();
    context.run();
    BOOST_TEST((outcome == asio::error::operation_aborted));
    while (in.try_receive()) {}  // what is unread would keep the channel
}

}  // namespace
}  // namespace async::room
