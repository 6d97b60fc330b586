// Distributed under the Boost Software License, Version 1.0.

#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <strait.hpp>

#include <async/fixture.hpp>
#include <support/counting_allocator.hpp>
#include <support/typed_case.hpp>

namespace async::tokens {
namespace {

using ring = strait::channel<std::string, strait::shm_ring<>>;
using ring_receiver = strait::async_receiver<std::string, strait::shm_ring<>>;
using ring_sender = strait::async_sender<std::string, strait::shm_ring<>>;

// Its serializer throws.
enum class thrown : std::uint32_t { nothing, text, memory, code };
struct thrower {
    thrown what = thrown::nothing;
};

}  // namespace
}  // namespace async::tokens

template <>
struct strait::serializer<async::tokens::thrower> {
    static constexpr std::uint64_t fingerprint = 0x7468726f77;
    static std::size_t size(async::tokens::thrower const&) { return 64; }
    static void encode(async::tokens::thrower const& t, std::span<std::byte>)
    {
        switch (t.what) {
        case async::tokens::thrown::nothing: return;
        case async::tokens::thrown::text: throw std::runtime_error("it broke");
        case async::tokens::thrown::memory: throw std::bad_alloc();
        case async::tokens::thrown::code: throw boost::system::system_error(strait::errc::refused);
        }
    }
    static strait::result<async::tokens::thrower> decode(std::span<std::byte const>) { return async::tokens::thrower(); }
};

namespace async::tokens {
namespace {

BOOST_AUTO_TEST_CASE(every_completion_token_is_taken)
{
    clean_host const host;
    asio::io_context context;
    auto [s, r] = ring::make_pair().split();
    ring_sender out{context, std::move(s)};
    ring_receiver in{context, std::move(r)};
    // A callback.
    std::string got;
    out.async_send("callback", [](error_code const& e) { BOOST_TEST(!e); });
    in.async_receive([&](error_code const& e, std::optional<std::string> m) { got = e ? e.message() : *m; });
    BOOST_TEST(got.empty());  // not at once
    context.run();
    context.restart();
    BOOST_TEST(got == "callback");
    // A future.
    auto sent = out.async_send("future", asio::use_future);
    auto received = in.async_receive(asio::use_future);
    context.run();
    context.restart();
    sent.get();
    BOOST_TEST((received.get() == "future"));
    // Deferred: begins when it is called, with a message of its own.
    auto later = out.async_send(std::string(1000, 'd'), asio::deferred);
    auto and_then = in.async_receive(asio::deferred);
    context.run();
    context.restart();
    BOOST_TEST(out.next_layer().stats().messages == 2U);
    std::move(later)(asio::detached);
    std::move(and_then)([&](error_code const&, std::optional<std::string> m) { got = *m; });
    context.run();
    context.restart();
    BOOST_TEST(got == std::string(1000, 'd'));
    // Coroutines, throwing and not, by default and not.
    run(context, [&]() -> asio::awaitable<void> {
        co_await out.async_send("use_awaitable", asio::use_awaitable);
        auto const [e, m] = co_await in.async_receive(asio::as_tuple(asio::use_awaitable));
        BOOST_TEST(!e);
        BOOST_TEST((m == "use_awaitable"));
        auto defaulted_out = asio::use_awaitable.as_default_on(std::move(out));
        auto defaulted_in = asio::use_awaitable.as_default_on(std::move(in));
        co_await defaulted_out.async_send("default");
        co_await defaulted_in.async_wait();
        BOOST_TEST((co_await defaulted_in.async_receive() == "default"));
        std::vector<std::string> const many{"a", "b", "c"};
        std::vector<std::string> taken(5);
        BOOST_TEST(co_await defaulted_out.async_send_batch(many) == 3U);
        BOOST_TEST(co_await defaulted_in.async_receive_batch(taken) == 3U);
        BOOST_TEST(taken[2] == "c");
        BOOST_TEST(co_await defaulted_in.async_receive_batch(std::span<std::string>()) == 0U);
        defaulted_out.close().value();
        BOOST_TEST(!co_await defaulted_in.async_receive());
        BOOST_TEST(co_await defaulted_in.async_receive_batch(taken) == 0U);
        co_await defaulted_in.async_wait();
        BOOST_CHECK_THROW(co_await defaulted_out.async_send("closed"), boost::system::system_error);
    });
}

BOOST_AUTO_TEST_CASE(the_allocator_and_the_executor_of_a_handler_are_used)
{
    clean_host const host;
    asio::io_context context;
    asio::io_context other;
    auto [s, r] = ring::make_pair().split();
    ring_receiver in{context, std::move(r)};
    int allocated = 0;
    int held = 0;
    bool called = false;
    in.async_receive(
        asio::bind_executor(other, asio::bind_allocator(support::counting_allocator<void>(&allocated, &held),
                                                        [&](error_code const& e, std::optional<std::string> const& m) {
                                                            BOOST_TEST(!e);
                                                            BOOST_TEST((m == "x"));
                                                            BOOST_TEST(other.get_executor().running_in_this_thread());
                                                            BOOST_TEST(held == 0);  // all memory is given back before
                                                            called = true;
                                                        })));
    context.run_for(std::chrono::milliseconds(2));
    BOOST_TEST(allocated > 0);
    s.send("x");
    while (!called) {
        context.run_for(std::chrono::milliseconds(1));
        context.restart();
        other.poll();
        other.restart();
    }
    BOOST_TEST(held == 0);
}

BOOST_AUTO_TEST_CASE(objects_that_can_only_be_moved_are_awaited)
{
    clean_host const host;
    asio::io_context context;
    auto [s, r] = strait::channel<std::unique_ptr<int>, strait::in_process>::make_pair({.capacity = 1}).split();
    strait::async_sender<std::unique_ptr<int>, strait::in_process> out{context, std::move(s)};
    strait::async_receiver<std::unique_ptr<int>, strait::in_process> in{context, std::move(r)};
    int sum = 0;
    run(context, [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        co_await ([&]() -> asio::awaitable<void> {
            for (int i = 0; i != 10; ++i)
                co_await out.async_send(std::make_unique<int>(i), asio::use_awaitable);
            out.close().value();
        }() && [&]() -> asio::awaitable<void> {
            while (auto const m = co_await in.async_receive(asio::use_awaitable))
                sum += **m;
        }());
    });
    BOOST_TEST(sum == 45);
}

BOOST_AUTO_TEST_CASE(the_executor_of_a_context_can_be_named)
{
    clean_host const host;
    asio::io_context context;
    using executor = asio::io_context::executor_type;
    auto [s, r] = ring::make_pair().split();
    strait::async_receiver<std::string, strait::shm_ring<>, executor> in{context, std::move(r)};
    static_assert(std::is_same_v<decltype(in)::executor_type, executor>);
    bool called = false;
    in.async_receive([&](error_code const&, std::optional<std::string> const&) { called = true; });
    context.run_for(std::chrono::milliseconds(1));
    s.send("");
    context.run();
    BOOST_TEST(called);
    auto const back = in.release();
    BOOST_TEST(back.stats().messages == 1U);
}

BOOST_AUTO_TEST_CASE(one_of_several_is_selected_and_nothing_is_taken)
{
    clean_host const host;
    asio::io_context context;
    auto [s1, r1] = ring::make_pair().split();
    auto [s2, r2] = strait::channel<int, strait::anonymous_pipe>::make_pair().split();
    ring_receiver strings{context, std::move(r1)};
    strait::async_receiver<int, strait::anonymous_pipe> numbers{context, std::move(r2)};
    asio::steady_timer timer(context, std::chrono::milliseconds(2));
    timer.async_wait([&, &out = s2](error_code const&) { out.send(7); });
    run(context, [&, &out = s1]() -> asio::awaitable<void> {
        BOOST_TEST(co_await strait::async_select(std::tie(strings, numbers), asio::use_awaitable) == 1U);
        BOOST_TEST(co_await strait::async_select(std::tie(strings, numbers), asio::use_awaitable) == 1U);
        BOOST_TEST((co_await numbers.async_receive(asio::use_awaitable) == 7));
        out.send("x");
        BOOST_TEST(co_await strait::async_select(std::tie(strings, numbers), asio::use_awaitable) == 0U);
        BOOST_TEST((strings.next_layer().try_receive().value() == "x"));
        // Cancelled as a whole.
        using namespace asio::experimental::awaitable_operators;
        asio::steady_timer soon(context, std::chrono::milliseconds(2));
        auto const first = co_await (strait::async_select(std::tie(strings, numbers), asio::use_awaitable) ||
                                     soon.async_wait(asio::use_awaitable));
        BOOST_TEST(first.index() == 1U);
    });
}

BOOST_AUTO_TEST_CASE(what_is_malformed_is_told_to_the_operation_under_way)
{
    clean_host const host;
    asio::io_context context;
    auto const where = support::unique_name();
    strait::async_receiver<std::string, strait::unix_datagram> in{context, where};
    strait::sender<std::string, strait::unix_datagram> out{where};
    out.send("good");
    run(context, [&]() -> asio::awaitable<void> {
        BOOST_TEST((co_await in.async_receive(asio::use_awaitable) == "good"));
        asio::steady_timer timer(context, std::chrono::milliseconds(2));
        timer.async_wait([&](error_code const&) { BOOST_TEST(::write(out.native_handle(), "no frame", 8) == 8); });
        auto const [e, m] = co_await in.async_receive(asio::as_tuple(asio::use_awaitable));
        BOOST_TEST((e == errc::malformed_message));
        BOOST_TEST(!m);
        BOOST_TEST(::write(out.native_handle(), "no frame", 8) == 8);  // there before
        auto const [e2, m2] = co_await in.async_receive(asio::as_tuple(asio::use_awaitable));
        BOOST_TEST((e2 == errc::malformed_message));
        out.send("again");
        BOOST_TEST((co_await in.async_receive(asio::use_awaitable) == "again"));
    });
}

BOOST_AUTO_TEST_CASE(what_a_serializer_throws_is_the_error_of_that_send)
{
    clean_host const host;
    asio::io_context context;
    auto [s, r] = strait::channel<thrower, strait::shm_ring<>>::make_pair({.capacity = 4096}).split();
    strait::async_sender<thrower, strait::shm_ring<>> out{context, std::move(s)};
    run(context, [&]() -> asio::awaitable<void> {
        auto const outcome = [&](thrown what) -> asio::awaitable<error_code> {
            auto const [e] = co_await out.async_send({what}, asio::as_tuple(asio::use_awaitable));
            co_return e;
        };
        BOOST_TEST((co_await outcome(thrown::text) == errc::serializer_failed));
        BOOST_TEST((co_await outcome(thrown::memory) == errc::out_of_memory));
        BOOST_TEST((co_await outcome(thrown::code) == errc::refused));
        BOOST_TEST(!co_await outcome(thrown::nothing));
    });
    // Also when it throws after a wait for room.
    while (out.next_layer().try_send({thrown::nothing})) {}
    error_code failed;
    out.async_send({thrown::text}, [&](error_code const& e) { failed = e; });
    context.poll();
    BOOST_TEST(!failed);
    while (r.try_receive()) {}
    context.run();
    BOOST_TEST((failed == errc::serializer_failed));
}

// Both ends wait for the other: a large message goes on its way in pieces.
using streams = std::tuple<strait::unix_stream, strait::tcp>;
TYPED_CASE(a_message_larger_than_the_mechanism_holds_is_sent_to_its_end, X, streams)
{
    clean_host const host;
    asio::io_context context;
    auto const where = support::unique_name();
    strait::async_receiver<std::string, X> in{context, where};
    strait::async_sender<std::string, X> out{context, where};
    std::string const large(20'000'000, 'l');
    bool sent = false;
    out.async_send(large, [&](error_code const& e) {
        BOOST_TEST(!e);
        sent = true;
    });
    run(context,
        [&]() -> asio::awaitable<void> { BOOST_TEST((co_await in.async_receive(asio::use_awaitable) == large)); });
    BOOST_TEST(sent);
}

}  // namespace
}  // namespace async::tokens
