// Distributed under the Boost Software License, Version 1.0.
#include <rpc/fixture.hpp>

#include <random>

using namespace rpc;

namespace {

template <class I, class S>
using raw_client =
    strait::connection<strait::detail::request_frame<I>, strait::detail::reply_frame<I>, typename S::transport>;
template <class I, class S>
using raw_acceptor =
    strait::acceptor<strait::detail::reply_frame<I>, strait::detail::request_frame<I>, typename S::transport>;
using plain_reply = strait::detail::reply_frame<bank>;

/// What a client says to a reply that a server has made up, for the first request.
template <class S>
strait::error_code told(plain_reply reply)
{
    auto const where = S::where();
    support::child server([&] {
        raw_acceptor<bank, S> door{where};
        auto c = door.accept();
        (void)c.receive();
        c.send(reply);
        (void)c.receive();
    });
    bank_client<S> c{where};
    auto const answer = c.call_for(balance_query{1}, 60s);
    if (!answer && answer.error() != errc::handler_failed)
        BOOST_TEST((c.call_for(balance_query{1}, 60s).error() == answer.error()));  // good for nothing more
    c.close().value();
    server.wait();
    return answer ? strait::error_code() : answer.error();
}

}  // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(made_up_requests_end_their_client_alone, S, few_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    for (mode const m : {mode::one_thread, mode::pool, mode::forked}) {
        bank_process<S> server(where, m);
        bank_client<S> witness{where};
        for (std::uint64_t const tag : {3U, 4U, 0xfffeU, 0xffffU}) {
            raw_client<bank, S> c{where};
            c.send({{}, 7U << 16 | tag});
            BOOST_TEST(!c.receive());
            BOOST_TEST(witness.call(balance_query{20}).cents == 2000);
        }
        std::mt19937_64 random(5);
        for (int i = 0; i != support::rounds(100); ++i) {
            raw_client<bank, S> c{where};
            strait::detail::request_frame<bank> f{{}, random()};
            for (auto& b : f.body)
                b = static_cast<std::byte>(random());
            c.send(f);
            if (f.head & 0xfffc)
                BOOST_TEST(!c.receive());
        }
        BOOST_TEST(witness.call(balance_query{20}).cents == 2000);
        witness.close().value();
        BOOST_TEST(server.stop() == 0);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(made_up_replies_are_errors, S, few_subjects)
{
    clean_host const clean;
    plain_reply good{{}, 0};
    BOOST_TEST(!told<S>(good));
    plain_reply never_asked{{}, 5U << 16};
    BOOST_TEST((told<S>(never_asked) == errc::peer_corrupt));
    plain_reply far{{}, ~std::uint64_t{0}};
    BOOST_TEST((told<S>(far) == errc::peer_corrupt));
    plain_reply of_another_type{{}, 1};
    BOOST_TEST((told<S>(of_another_type) == errc::peer_corrupt));
    plain_reply no_bool{{}, 0};
    no_bool.body[offsetof(balance, sound)] = std::byte{2};
    BOOST_TEST((told<S>(no_bool) == errc::malformed_message));
    plain_reply long_text{{}, 0xffff};
    long_text.body[0] = std::byte{255};
    BOOST_TEST((told<S>(long_text) == errc::peer_corrupt));
    plain_reply text{{}, 0xffff};
    text.body[0] = std::byte{3};
    BOOST_TEST((told<S>(text) == errc::handler_failed));
}

BOOST_AUTO_TEST_CASE(an_endless_text_is_an_error)
{
    clean_host const clean;
    auto const where = ring::where();
    support::child server([&] {
        raw_acceptor<bank, ring> door{where};
        auto c = door.accept();
        plain_reply part{{}, 0xfffe};
        part.body[0] = std::byte{plain_reply::text_in_one};
        while (c.send_for(part, 60s)) {}
    });
    bank_client<ring> c{where};
    BOOST_TEST((c.call_for(balance_query{1}, 60s).error() == errc::peer_corrupt));
    c.close().value();
    server.wait();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(made_up_replies_with_strings_are_errors, S, few_subjects)
{
    clean_host const clean;
    using reply = strait::detail::reply_frame<site>;
    auto const where = S::where();
    for (int const kind : {0, 1}) {
        support::child server([&] {
            raw_acceptor<site, S> door{where};
            auto c = door.accept();
            (void)c.receive();
            reply r{kind == 0 ? 9U : 0U, {}};
            r.what.template emplace<2>();
            c.send(r);
            (void)c.receive();
        });
        strait::rpc_client<site, typename S::transport> c{where};
        BOOST_TEST((c.call_for(std::string("x"), 60s).error() == errc::peer_corrupt));
        c.close().value();
        server.wait();
    }
}
