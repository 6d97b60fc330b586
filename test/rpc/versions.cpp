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

#include <array>
#include <optional>
#include <string_view>

// Programs with different versions of one interface: each has types of its own, in a process of its own.
namespace rpc_versions {

using namespace rpc;
using support::run;
namespace asio = boost::asio;

namespace {

namespace v1 {

struct balance_query {
    std::uint64_t account;
};
struct quote {
    double price;
};
struct quote_query {
    std::uint32_t product;
};
struct farewell {
    std::uint32_t why;
};
struct retired {
    std::uint32_t unused;
};
struct order {
    std::string product;
    std::uint32_t pieces = 1;
};
struct receipt {
    std::uint64_t number = 0;
};
using market = strait::rpc_interface<std::int64_t(balance_query), quote(quote_query), void(farewell), bool(retired), receipt(order),
                                     strait::rpc_request<"shout", std::string(std::string)>>;

inline std::int64_t answer(balance_query const& q) { return static_cast<std::int64_t>(q.account); }
inline quote answer(quote_query const& q) { return {q.product / 2.0}; }
inline void answer(farewell const&) {}
inline bool answer(retired const&) { return true; }
inline std::string answer(std::string const& s) { return s + "!"; }
inline receipt answer(order const& o) { return {o.product.size() * 100 + o.pieces}; }

}  // namespace v1

// Another order, one request less, one more with larger messages, a reply of another type, an argument under another name.
namespace v2 {

struct history_query {
    std::uint64_t account;
    std::array<std::uint64_t, 50> days;
};
struct history {
    std::vector<std::string> lines;
};
struct farewell {
    std::uint32_t reason;  // renamed
};
struct quote {
    float price;
};
struct quote_query {
    std::uint32_t product;
};
struct balance_query {
    std::uint64_t account;
};
struct words {
    std::string text;
};
struct order {
    std::string product;
    std::uint32_t pieces = 1;
    std::string colour = "grey";  // appended
};
struct receipt {
    std::uint64_t number = 0;
    std::string colour = "unknown";  // appended
};
using market = strait::rpc_interface<history(history_query), void(farewell), quote(quote_query), std::int64_t(balance_query), receipt(order),
                                     strait::rpc_request<"shout", std::string(words)>>;

inline history answer(history_query const& q) { return {{std::to_string(q.account), std::to_string(q.days[49])}}; }
inline std::int64_t answer(balance_query const& q) { return static_cast<std::int64_t>(2 * q.account); }
inline quote answer(quote_query const& q) { return {static_cast<float>(q.product)}; }
inline void answer(farewell const&) {}
inline std::string answer(words const& w) { return w.text + "!!"; }
inline receipt answer(order const& o) { return {o.product.size() * 100 + o.pieces, o.colour}; }

}  // namespace v2

// Has appended something else than v2 at the same place.
namespace v3 {

struct order {
    std::string product;
    std::uint32_t pieces = 1;
    double colour = 0.5;
};
struct receipt {
    std::uint64_t number = 0;
};
using v1::farewell;
using v1::balance_query;
using market = strait::rpc_interface<receipt(order), void(farewell), std::int64_t(balance_query)>;

}  // namespace v3

}  // namespace

}  // namespace rpc_versions

template <>
inline constexpr std::size_t strait::extensible<rpc_versions::v1::order> = 2;
template <>
inline constexpr std::size_t strait::extensible<rpc_versions::v2::order> = 2;
template <>
inline constexpr std::size_t strait::extensible<rpc_versions::v3::order> = 2;
template <>
inline constexpr std::size_t strait::extensible<rpc_versions::v1::receipt> = 1;
template <>
inline constexpr std::size_t strait::extensible<rpc_versions::v2::receipt> = 1;
template <>
inline constexpr std::size_t strait::extensible<rpc_versions::v3::receipt> = 1;

namespace rpc_versions {

namespace {

auto const answers_v1 = [](auto const& q) -> decltype(v1::answer(q)) { return v1::answer(q); };
auto const answers_v2 = [](auto const& q) -> decltype(v2::answer(q)) { return v2::answer(q); };

enum class way { one_thread, pool, forked, coroutines };
constexpr std::array ways{way::one_thread, way::pool, way::forked, way::coroutines};

/// A process that serves until SIGTERM.
template <class Interface, class S, class Answers>
support::child market_process(strait::endpoint const& where, way w, Answers answers)
{
    return support::child([where, w, answers] {
        using server = strait::rpc_server<Interface, typename S::transport>;
        server s{where};
        if (w == way::coroutines) {
            asio::io_context context;
            asio::cancellation_signal stop;
            asio::signal_set terminated(context, SIGTERM);
            terminated.async_wait([&](auto&&...) { stop.emit(asio::cancellation_type::terminal); });
            asio::co_spawn(context, strait::async_serve(s, answers), asio::bind_cancellation_slot(stop.slot(), [](std::exception_ptr) {}));
            context.run();
            return;
        }
        static server* stopped = nullptr;
        stopped = &s;
        std::signal(SIGTERM, [](int) { stopped->stop(); });
        w == way::one_thread ? s.serve(answers) : w == way::pool ? s.serve_in_pool(3, answers) : s.serve_forked(answers);
    });
}

/// What a call says, blocking, posted and awaited: all the same.
struct said {
    strait::error_code code;
    std::string text;  // of an exception

    bool names(std::string_view part) const { return text.find(part) != text.npos; }
};

template <class Interface, class X, class Q>
said ask(strait::endpoint const& where, Q const& q)
{
    strait::rpc_client<Interface, X> c{where};
    said s;
    auto const first = c.call_for(q, 60s);
    s.code = first ? strait::error_code() : first.error();
    s.text = c.failure();
    auto const posted = c.post(q);
    auto const later = c.post(v1::farewell{});
    c.reply(later);  // the failed one is stored meanwhile
    auto const second = c.reply_for(posted, 60s);
    BOOST_TEST(((second ? strait::error_code() : second.error()) == s.code));
    try {
        (void)c.call(q);
        BOOST_TEST(!s.code);
    } catch (boost::system::system_error const& e) {
        BOOST_TEST((e.code() == s.code));
        BOOST_TEST(std::string(e.what()).starts_with(s.text));
    }
    asio::io_context context;
    strait::async_rpc_client<Interface, X> a{context, where};
    run(context, [&]() -> asio::awaitable<void> {
        try {
            (void)co_await a.async_call(q, asio::use_awaitable);
            BOOST_TEST(!s.code);
        } catch (boost::system::system_error const& e) {
            BOOST_TEST((e.code() == s.code));
            BOOST_TEST(std::string(e.what()).starts_with(s.text));
        }
        co_await a.async_call(v1::farewell{}, asio::use_awaitable);  // good for other calls
    });
    return s;
}

// Calls use(where) with a server, which ends in order afterwards, in each way.
template <class Interface, class S, class Answers, class Use>
void in_each_way(Answers answers, Use use)
{
    clean_host const clean;
    for (way const w : ways)
        BOOST_TEST_CONTEXT("served in way " << static_cast<int>(w))
        {
            auto const where = S::where();
            auto server = market_process<Interface, S>(where, w, answers);
            use(where);
            server.signal(SIGTERM);
            BOOST_TEST(server.wait() == 0);
        }
}

}  // namespace

TYPED_CASE(programs_with_equal_interfaces_talk, S, protocol_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    using X = typename S::transport;
    {
        auto server = market_process<v1::market, S>(where, way::one_thread, answers_v1);
        strait::rpc_client<v1::market, X> c{where};
        BOOST_TEST(c.call(v1::balance_query{7}) == 7);
        BOOST_TEST(c.call(v1::quote_query{7}).price == 3.5);
        BOOST_TEST(c.call(std::string("a")) == "a!");
        BOOST_TEST(c.call(v1::retired{}));
        server.signal(SIGTERM);
        BOOST_TEST(server.wait() == 0);
    }
    auto server = market_process<v2::market, S>(where, way::one_thread, answers_v2);
    strait::rpc_client<v2::market, X> c{where};
    BOOST_TEST(c.call(v2::balance_query{7}) == 14);
    v2::history_query q{5, {}};
    q.days[49] = 3;
    BOOST_TEST(c.call(q).lines.at(1) == "3");
    BOOST_TEST(c.call(v2::order{"tea", 7, "green"}).colour == "green");
    server.signal(SIGTERM);
    BOOST_TEST(server.wait() == 0);
}

TYPED_CASE(an_old_client_talks_to_a_new_server, S, protocol_subjects)
{
    using X = typename S::transport;
    in_each_way<v2::market, S>(answers_v2, [](strait::endpoint const& where) {
        {
            strait::rpc_client<v1::market, X> c{where};
            BOOST_TEST(c.call(v1::balance_query{7}) == 14);
            BOOST_TEST((c.call_for(v1::retired{}, 60s).error() == errc::unknown_request));
            BOOST_TEST(c.failure() == "the request retired is not known to the server");
            BOOST_TEST((c.call_for(v1::quote_query{4}, 60s).error() == errc::type_mismatch));
            BOOST_TEST(c.failure().starts_with("the request quote_query has other types at the server: "));
            BOOST_TEST(c.failure().ends_with("member 1 (price): f32 there, f64 here"));
            BOOST_TEST(c.call(v1::balance_query{8}) == 16);
            BOOST_TEST(c.call(v1::order{"tea", 7}).number == 307U);
            c.call(v1::farewell{1});
        }
        auto const gone = ask<v1::market, X>(where, v1::retired{});
        BOOST_TEST((gone.code == errc::unknown_request));
        auto const other = ask<v1::market, X>(where, v1::quote_query{4});
        BOOST_TEST((other.code == errc::type_mismatch));
        BOOST_TEST_CONTEXT(other.text)
        {
            BOOST_TEST(other.names("quote_query"));
            BOOST_TEST(other.names("f32 there, f64 here"));
        }
        auto const named = ask<v1::market, X>(where, std::string("a"));
        BOOST_TEST((named.code == errc::type_mismatch));
        BOOST_TEST(named.names("shout"));
    });
}

TYPED_CASE(a_new_client_talks_to_an_old_server, S, protocol_subjects)
{
    using X = typename S::transport;
    in_each_way<v1::market, S>(answers_v1, [](strait::endpoint const& where) {
        {
            strait::rpc_client<v2::market, X> c{where};
            BOOST_TEST(c.call(v2::balance_query{7}) == 7);
            BOOST_TEST((c.call_for(v2::history_query{}, 60s).error() == errc::unknown_request));
            auto const r = c.call(v2::order{"tea", 7, "green"});
            BOOST_TEST(r.number == 307U);
            BOOST_TEST(r.colour == "unknown");
            BOOST_TEST((c.call_for(v2::quote_query{4}, 60s).error() == errc::type_mismatch));
            BOOST_TEST((c.call_for(v2::words{"a"}, 60s).error() == errc::type_mismatch));
            auto const some = c.post(v2::balance_query{9});
            auto const unknown = c.post(v2::history_query{});
            c.forget(unknown);
            BOOST_TEST(c.reply(some) == 9);
            c.call(v2::farewell{1});
            BOOST_TEST(c.late() == 1U);
            BOOST_TEST(c.malformed() == 0U);
        }
    });
}

TYPED_CASE(members_that_contradict_those_that_the_server_has_appended_are_refused, S, protocol_subjects)
{
    using X = typename S::transport;
    in_each_way<v2::market, S>(answers_v2, [](strait::endpoint const& where) {
        auto const s = ask<v3::market, X>(where, v3::order{"tea", 1, 0.25});
        BOOST_TEST((s.code == errc::type_mismatch));
        BOOST_TEST_CONTEXT(s.text)
        {
            BOOST_TEST(s.names("the request order has other types at the server"));
            BOOST_TEST(s.names("member 3 (colour)"));
        }
        {
            strait::rpc_client<v3::market, X> c{where};
            for (int i = 0; i != 3; ++i) {
                BOOST_TEST((c.call_for(v3::order{"tea", 1, 0.25}, 60s).error() == errc::type_mismatch));
                BOOST_TEST(c.call(v3::balance_query{8}) == 16);
                c.reconnect();
            }
        }
    });
}

// A frame that says what differs is larger than this channel takes.
BOOST_AUTO_TEST_CASE(a_schema_that_is_too_large_to_send_is_left_out)
{
    clean_host const clean;
    auto const where = ring::where();
    strait::channel_options how;
    how.max_message_size = 40;
    how.capacity = 4096;
    support::child server([&] {
        strait::rpc_server<v2::market, ring::transport> s{where, how};
        s.serve([](v2::history_query const&) { return v2::history{}; }, [](v2::quote_query const& q) { return v2::answer(q); },
                [](v2::balance_query const& q) { return v2::answer(q); }, [](v2::order const& o) { return v2::answer(o); },
                [](v2::words const& w) { return v2::answer(w); },
                [&](v2::farewell const&) { s.stop(); });
    });
    strait::rpc_client<v1::market, ring::transport> c{where, how};
    BOOST_TEST((c.call_for(v1::quote_query{4}, 60s).error() == errc::type_mismatch));
    BOOST_TEST(c.failure().find("quote_query") != std::string::npos);
    BOOST_TEST(c.call(v1::balance_query{7}) == 14);
    BOOST_TEST(c.call(v1::order{"t", 1}).number == 101U);  // whose types are too large to be said first
    c.call(v1::farewell{});
    BOOST_TEST(server.wait() == 0);
}

namespace names {

struct query {
    int a;
};
enum class colour : std::uint8_t { red };
template <class T>
struct box {
    T inside;
};

static_assert(strait::detail::plain_name_of<query> == "query");
static_assert(strait::detail::plain_name_of<v1::balance_query> == "balance_query");
static_assert(strait::detail::plain_name_of<colour> == "colour");
static_assert(strait::detail::plain_name_of<std::string>.empty());
static_assert(strait::detail::plain_name_of<std::uint64_t>.empty());
static_assert(strait::detail::plain_name_of<box<int>>.empty());

template <class I>
constexpr std::uint64_t id = I::keys[0]->id;

static_assert(id<strait::rpc_interface<std::int64_t(v1::balance_query)>> == id<strait::rpc_interface<std::int64_t(v2::balance_query)>>);
static_assert(id<strait::rpc_interface<int(query)>> != id<strait::rpc_interface<long(query)>>);
static_assert(id<strait::rpc_interface<int(query)>> == id<strait::rpc_interface<strait::rpc_request<"query", int(query)>>>);
static_assert(id<strait::rpc_interface<int(query)>> != id<strait::rpc_interface<strait::rpc_request<"other", int(query)>>>);
// Compilers agree.
static_assert(id<strait::rpc_interface<std::int64_t(v1::balance_query)>> == 0x7f3d0a81afaeeeefU);

}  // namespace names

}  // namespace rpc_versions
