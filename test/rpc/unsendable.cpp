// Distributed under the Boost Software License, Version 1.0.
#include <rpc/fixture.hpp>
#include <support/coroutine.hpp>
#include <support/typed_case.hpp>

#include <strait/async_rpc.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

namespace rpc_unsendable {

// Messages that cannot be sent, because they are larger than the channel takes or because their serializer throws.

using namespace rpc;
using support::run;
namespace asio = boost::asio;

namespace {

struct extent {
    std::uint64_t bytes;
};
struct fragile {
    std::uint32_t value = 0;
};
struct fragile_query {
    std::uint32_t value;
};
struct long_failure {
    std::uint32_t unused;
};

/// Of an extent the reply is a text of this size; of a text, how long it is.
using archive = strait::rpc_interface<std::string(extent), std::uint64_t(std::string), fragile(fragile_query), bool(fragile),
                                      bool(long_failure)>;

constexpr std::uint32_t broken = 13;  // a fragile of this value cannot be encoded

}  // namespace

}  // namespace rpc_unsendable

template <>
struct strait::serializer<rpc_unsendable::fragile> {
    static constexpr std::uint64_t fingerprint = 0x66726167696c65;
    static std::size_t size(rpc_unsendable::fragile const&) { return sizeof(std::uint32_t); }
    static void encode(rpc_unsendable::fragile const& f, std::span<std::byte> out)
    {
        if (f.value == rpc_unsendable::broken)
            throw std::runtime_error("it broke");
        std::memcpy(out.data(), &f.value, sizeof f.value);
    }
    static strait::result<rpc_unsendable::fragile> decode(std::span<std::byte const> in)
    {
        rpc_unsendable::fragile f;
        if (in.size() != sizeof f.value)
            return strait::errc::malformed_message;
        std::memcpy(&f.value, in.data(), sizeof f.value);
        return f;
    }
};

namespace rpc_unsendable {

namespace {

// A frame takes no more than this, also one over a FIFO.
constexpr std::size_t largest = 600;
constexpr std::uint64_t too_large = 5000;

template <class S>
typename S::transport::options limited()
{
    typename S::transport::options how;
    how.max_message_size = largest;
    return how;
}

enum class way { one_thread, pool, forked, coroutines };
constexpr std::array ways{way::one_thread, way::pool, way::forked, way::coroutines};

template <class S>
using archive_server = strait::rpc_server<archive, typename S::transport>;

template <class Server, class... Handlers>
void serve_until_terminated(Server& s, way w, Handlers... handlers)
{
    if (w == way::coroutines) {
        asio::io_context context;
        asio::cancellation_signal stop;
        asio::signal_set terminated(context, SIGTERM);
        terminated.async_wait([&](auto&&...) { stop.emit(asio::cancellation_type::terminal); });
        asio::co_spawn(context, strait::async_serve(s, handlers...),
                       asio::bind_cancellation_slot(stop.slot(), [](std::exception_ptr) {}));
        context.run();
        return;
    }
    static Server* stopped = nullptr;
    stopped = &s;
    std::signal(SIGTERM, [](int) { stopped->stop(); });
    if (w == way::one_thread)
        s.serve(handlers...);
    else if (w == way::pool)
        s.serve_in_pool(3, handlers...);
    else
        s.serve_forked(handlers...);
}

/// A process that serves until SIGTERM. Its exit status is how many replies could not be sent, 100 at most.
template <class S>
support::child archive_process(strait::endpoint const& where, way w)
{
    return support::child([where, w] {
        archive_server<S> s{where, limited<S>()};
        serve_until_terminated(
            s, w, [](extent const& e) { return std::string(e.bytes, 'a'); },
            [](std::string const& text) { return static_cast<std::uint64_t>(text.size()); },
            [](fragile_query const& q) { return fragile{q.value}; }, [](fragile const& f) { return f.value != 0; },
            [](long_failure const&) -> bool { throw std::runtime_error(std::string(1000, 'f')); });
        return static_cast<int>(std::min<std::uint64_t>(s.unsendable(), 100));
    });
}

template <class S>
using archive_client = strait::rpc_client<archive, typename S::transport>;
template <class S>
using async_archive_client = strait::async_rpc_client<archive, typename S::transport>;

strait::error_code code_of(std::exception_ptr const& e)
{
    if (!e)
        return {};
    try {
        std::rethrow_exception(e);
    } catch (boost::system::system_error const& error) {
        return error.code();
    }
}

auto const says_too_large = [](strait::rpc_error const& e) {
    return e.code() == errc::handler_failed &&
           e.text() == "the reply cannot be sent: " + strait::error_code(errc::message_too_large).message();
};
auto const is_too_large = [](boost::system::system_error const& e) { return e.code() == errc::message_too_large; };
auto const says_broken = [](std::exception const& e) { return std::string(e.what()) == "it broke"; };

}  // namespace

TYPED_CASE(a_request_that_cannot_be_sent_fails_that_call_alone, S, protocol_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    auto server = archive_process<S>(where, way::one_thread);
    std::string const large(too_large, 'x');
    archive_client<S> c{where, limited<S>()};
    auto const before = c.post(std::string("first"));
    BOOST_CHECK_EXCEPTION(c.call(large), boost::system::system_error, is_too_large);
    BOOST_CHECK_EXCEPTION((void)c.post(large), boost::system::system_error, is_too_large);
    BOOST_CHECK_EXCEPTION((void)c.call(large, std::stop_source().get_token()), boost::system::system_error, is_too_large);
    BOOST_TEST((c.call_for(large, 60s).error() == errc::message_too_large));
    BOOST_TEST((c.try_post(large).error() == errc::message_too_large));
    BOOST_CHECK_EXCEPTION(c.call(fragile{broken}), std::runtime_error, says_broken);
    BOOST_TEST(c.call(std::string("more")) == 4U);
    BOOST_TEST(c.reply(before) == 5U);
    server.signal(SIGTERM);
    BOOST_TEST(server.wait() == 0);
}

TYPED_CASE(an_awaited_request_that_cannot_be_sent_fails_that_call_alone, S, protocol_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    auto server = archive_process<S>(where, way::one_thread);
    asio::io_context context;
    async_archive_client<S> c{context, where, limited<S>()};
    std::vector<std::string> outcomes;
    auto const count = [&](std::exception_ptr const& e, std::uint64_t n) {
        outcomes.push_back(e ? code_of(e).message() : std::to_string(n));
    };
    // Others are outstanding, and wait to be sent behind it.
    c.async_call(std::string("first"), count);
    c.async_call(std::string(too_large, 'x'), count);
    c.async_call(std::string("second"), count);
    context.run();
    context.restart();
    std::string const sentence = strait::error_code(errc::message_too_large).message();
    std::sort(outcomes.begin(), outcomes.end());
    BOOST_TEST(outcomes == (std::vector<std::string>{"5", "6", sentence}), boost::test_tools::per_element());
    run(context, [&]() -> asio::awaitable<void> {
        BOOST_CHECK_EXCEPTION(co_await c.async_call(std::string(too_large, 'x'), asio::use_awaitable), boost::system::system_error,
                              is_too_large);
        BOOST_CHECK_EXCEPTION(co_await c.async_call(fragile{broken}, asio::use_awaitable), std::runtime_error, says_broken);
        BOOST_TEST(co_await c.async_call(fragile{1}, asio::use_awaitable));
    });
    c.close();
    server.signal(SIGTERM);
    BOOST_TEST(server.wait() == 0);
}

TYPED_CASE(a_reply_that_cannot_be_sent_fails_that_call_alone, S, protocol_subjects)
{
    clean_host const clean;
    for (way const w : ways) {
        BOOST_TEST_CONTEXT("served in way " << static_cast<int>(w))
        {
            auto const where = S::where();
            auto server = archive_process<S>(where, w);
            {
                archive_client<S> c{where, limited<S>()};
                auto const before = c.post(extent{5});
                auto const large = c.post(extent{too_large});
                auto const after = c.post(extent{7});
                BOOST_CHECK_EXCEPTION(c.reply(large), strait::rpc_error, says_too_large);
                BOOST_TEST(c.reply(after).size() == 7U);
                BOOST_TEST(c.reply(before).size() == 5U);
                BOOST_CHECK_EXCEPTION(c.call(fragile_query{broken}), strait::rpc_error,
                                      [](strait::rpc_error const& e) { return e.text() == "the reply cannot be sent: it broke"; });
                BOOST_TEST(c.call(fragile_query{2}).value == 2U);
                // The text of an exception is cut until it fits.
                BOOST_CHECK_EXCEPTION(c.call(long_failure{}), strait::rpc_error, [](strait::rpc_error const& e) {
                    return e.text().size() >= largest / 2 && e.text() == std::string(e.text().size(), 'f');
                });
                BOOST_TEST(c.call(extent{3}).size() == 3U);
            }
            {
                asio::io_context context;
                async_archive_client<S> c{context, where, limited<S>()};
                run(context, [&]() -> asio::awaitable<void> {
                    BOOST_CHECK_EXCEPTION((void)co_await c.async_call(extent{too_large}, asio::use_awaitable), strait::rpc_error,
                                          says_too_large);
                    auto const small = co_await c.async_call(extent{9}, asio::use_awaitable);
                    BOOST_TEST(small.size() == 9U);
                });
            }
            server.signal(SIGTERM);
            BOOST_TEST(server.wait() == (w == way::forked ? 0 : 3));  // those of other processes are not counted
        }
    }
}

// A client that does not read makes the server store replies: among them one that cannot be sent.
TYPED_CASE(a_stored_reply_that_cannot_be_sent_fails_that_call_alone, S, few_subjects)
{
    clean_host const clean;
    for (way const w : {way::one_thread, way::pool}) {
        auto const where = S::where();
        auto server = archive_process<S>(where, w);
        archive_client<S> c{where, limited<S>()};
        std::vector<strait::rpc_pending<std::string>> asked;
        while (auto const q = c.try_post(extent{asked.size() % 2 ? std::uint64_t{500} : too_large}))
            asked.push_back(*q);
        BOOST_TEST(asked.size() > 4U);
        for (std::size_t i = 0; i != asked.size(); ++i) {
            auto const r = c.reply_for(asked[i], 60s);
            BOOST_REQUIRE(i % 2 ? r.has_value() : (!r && r.error() == errc::handler_failed));
        }
        BOOST_TEST(c.call(extent{3}).size() == 3U);
        server.signal(SIGTERM);
        BOOST_TEST(server.wait() > 0);
    }
}

}  // namespace rpc_unsendable
