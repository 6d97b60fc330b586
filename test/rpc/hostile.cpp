// Distributed under the Boost Software License, Version 1.0.
#include <rpc/fixture.hpp>
#include <support/typed_case.hpp>

#include <strait/async_rpc.hpp>

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace rpc_hostile {

using namespace rpc;

namespace {

template <class I, class S>
using raw_client =
    strait::connection<strait::detail::request_frame<I>, strait::detail::reply_frame<I>, typename S::transport>;
template <class I, class S>
using raw_acceptor =
    strait::acceptor<strait::detail::reply_frame<I>, strait::detail::request_frame<I>, typename S::transport>;
using plain_reply = strait::detail::reply_frame<bank>;

using plain_request = strait::detail::request_frame<bank>;
using coded_reply = strait::detail::reply_frame<site>;
using strait::detail::frame_kind;
using plain_requests = strait::detail::outstanding_requests<plain_reply, int>;
using outcome = plain_requests::outcome;

constexpr std::size_t balance_index = 0;
constexpr std::size_t booked_index = 1;

template <class Frame>
auto parsed(Frame const& f)
{
    return strait::detail::rpc_frame_parser<Frame>(f);
}

plain_reply reply_to(std::uint64_t number, std::uint64_t tag) { return {{}, number << 16 | tag}; }

plain_reply text_for(std::uint64_t number, std::uint64_t tag, std::size_t size)
{
    plain_reply f = reply_to(number, tag);
    f.body.fill(std::byte{'x'});
    f.body[0] = static_cast<std::byte>(size);
    return f;
}

/// What a frame means to a client that has asked for a balance with number 0 and no more.
outcome to_first(plain_reply const& f)
{
    plain_requests all;
    plain_requests::request* whose = nullptr;
    all.add(all.draw(), balance_index, 0);
    auto const o = all.receive(f, whose);
    BOOST_TEST(all.malformed() == (o == outcome::malformed ? 1U : 0U));
    BOOST_TEST((whose != nullptr) == (o == outcome::reply || o == outcome::failure));
    return o;
}

/// A server by hand that takes one request and answers it twice, and then stays until its client goes.
template <class S>
support::child answers_twice(strait::endpoint const& where)
{
    return support::child([where] {
        raw_acceptor<bank, S> acceptor{where};
        auto c = acceptor.accept();
        (void)c.receive();
        c.send(reply_to(0, balance_index));
        c.send(reply_to(0, balance_index));
        while (c.receive()) {}
    });
}

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

TYPED_CASE(made_up_requests_end_their_client_alone, S, few_subjects)
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

BOOST_AUTO_TEST_CASE(every_tag_of_a_plain_frame_is_a_message_a_text_or_malformed)
{
    for (std::uint64_t tag = 0; tag <= 0xffff; ++tag) {
        plain_request const q{{}, std::uint64_t{7} << 16 | tag};
        plain_reply const r{{}, std::uint64_t{7} << 16 | tag};
        BOOST_REQUIRE(parsed(q).number() == 7U);
        BOOST_REQUIRE((parsed(q).kind() == (tag < 3 ? frame_kind::message : frame_kind::malformed)));
        BOOST_REQUIRE((parsed(r).kind() == (tag < 3         ? frame_kind::message
                                            : tag == 0xffff ? frame_kind::failure
                                            : tag == 0xfffe ? frame_kind::part_of_failure
                                                            : frame_kind::malformed)));
    }
}

BOOST_AUTO_TEST_CASE(a_text_is_never_longer_than_its_frame)
{
    for (std::size_t size = 0; size != 256; ++size) {
        auto const frame = text_for(0, 0xffff, size);
        auto const text = parsed(frame).text();  // a view of the frame
        BOOST_REQUIRE(text.has_value() == (size <= plain_reply::text_in_one));
        if (text)
            BOOST_REQUIRE((*text == std::string(size, 'x')));
        BOOST_REQUIRE((to_first(frame) == (text ? outcome::failure : outcome::malformed)));
    }
    coded_reply long_text{0, {}};
    long_text.what.emplace<0>(strait::detail::failure_text{std::string(5000, 'x')});
    BOOST_TEST(parsed(long_text).text()->size() == 1024U);
    BOOST_TEST((parsed(long_text).kind() == frame_kind::failure));
}

BOOST_AUTO_TEST_CASE(only_the_reply_to_an_outstanding_request_is_one)
{
    BOOST_TEST((to_first(reply_to(0, balance_index)) == outcome::reply));
    BOOST_TEST((to_first(reply_to(0, booked_index)) == outcome::malformed));
    BOOST_TEST((to_first(reply_to(0, 3)) == outcome::malformed));
    BOOST_TEST((to_first(reply_to(1, balance_index)) == outcome::malformed));
    BOOST_TEST((to_first(text_for(1, 0xffff, 1)) == outcome::malformed));
    BOOST_TEST((to_first(text_for(0, 0xfffe, 0)) == outcome::malformed));  // could come without end
    BOOST_TEST((to_first({{}, ~std::uint64_t{0}}) == outcome::malformed));
    std::mt19937_64 random(17);
    for (int i = 0; i != 10'000; ++i) {
        plain_reply f{{}, random()};
        BOOST_REQUIRE((f.head >> 16 == 0 || to_first(f) == outcome::malformed));
    }
}

BOOST_AUTO_TEST_CASE(a_second_reply_to_a_request_is_malformed)
{
    plain_requests all;
    plain_requests::request* whose = nullptr;
    all.add(all.draw(), balance_index, 0);
    all.add(all.draw(), balance_index, 1);
    BOOST_TEST((all.receive(reply_to(1, balance_index), whose) == outcome::reply));
    BOOST_TEST(whose->call == 1);
    BOOST_TEST((all.receive(reply_to(1, balance_index), whose) == outcome::malformed));  // answered, and not taken yet
    all.remove(1);
    BOOST_TEST((all.receive(reply_to(1, balance_index), whose) == outcome::malformed));  // taken
    BOOST_TEST((all.receive(text_for(1, 0xffff, 1), whose) == outcome::malformed));
    BOOST_TEST((all.receive(reply_to(0, balance_index), whose) == outcome::reply));
    BOOST_TEST(all.malformed() == 3U);
}

BOOST_AUTO_TEST_CASE(an_abandoned_request_is_answered_once_and_late)
{
    plain_requests all;
    plain_requests::request* whose = nullptr;
    for (int i = 0; i != 3; ++i)
        all.add(all.draw(), balance_index, i);
    all.abandon(1);
    BOOST_TEST(!all.find(1));
    BOOST_TEST(all.awaited() == 2U);
    BOOST_TEST((all.receive(text_for(1, 0xfffe, 5), whose) == outcome::incomplete));
    BOOST_TEST(all.late() == 0U);
    BOOST_TEST((all.receive(text_for(1, 0xffff, 5), whose) == outcome::late));
    BOOST_TEST(all.late() == 1U);
    BOOST_TEST((all.receive(text_for(1, 0xffff, 5), whose) == outcome::malformed));
    all.abandon(2);
    BOOST_TEST((all.receive(reply_to(2, booked_index), whose) == outcome::malformed));  // of another type
    BOOST_TEST(all.find(0)->call == 0);
}

BOOST_AUTO_TEST_CASE(the_parts_of_a_text_are_put_together_up_to_its_limit)
{
    plain_requests all;
    plain_requests::request* whose = nullptr;
    all.add(all.draw(), balance_index, 0);
    std::size_t const one = plain_reply::text_in_one;
    std::size_t size = 0;
    for (; size + one <= strait::detail::longest_failure; size += one)
        BOOST_REQUIRE((all.receive(text_for(0, 0xfffe, one), whose) == outcome::incomplete));
    BOOST_TEST(all.find(0)->failure == std::string(size, 'x'));
    BOOST_TEST((all.receive(text_for(0, 0xffff, one), whose) == outcome::malformed));
}

TYPED_CASE(a_second_reply_ends_the_client, S, few_subjects)
{
    clean_host const clean;
    {
        auto const where = S::where();
        auto server = answers_twice<S>(where);
        bank_client<S> c{where};
        BOOST_TEST(c.call(balance_query{1}).cents == 0);
        BOOST_TEST((c.call_for(balance_query{1}, 60s).error() == errc::malformed_message));
        BOOST_TEST((c.call_for(balance_query{1}, 60s).error() == errc::malformed_message));  // good for nothing more
        BOOST_TEST(c.malformed() == 1U);
        BOOST_TEST(c.late() == 0U);
        c.close().value();
        server.wait();
    }
    auto const where = S::where();
    auto server = answers_twice<S>(where);
    boost::asio::io_context context;
    strait::async_rpc_client<bank, typename S::transport> c{context, where};
    int answered = 0;
    int refused = 0;
    auto const count = [&](std::exception_ptr e, balance) {
        try {
            if (e)
                std::rethrow_exception(e);
            ++answered;
        } catch (boost::system::system_error const& error) {
            refused += error.code() == errc::malformed_message;
        }
    };
    for (int i = 0; i != 3; ++i) {
        c.async_call(balance_query{1}, count);
        context.run();
        context.restart();
    }
    BOOST_TEST(answered == 1);
    BOOST_TEST(refused == 2);
    BOOST_TEST(c.malformed() == 1U);
    c.close();
    server.wait();
}

TYPED_CASE(made_up_replies_are_errors, S, few_subjects)
{
    clean_host const clean;
    BOOST_TEST(!told<S>(reply_to(0, balance_index)));
    BOOST_TEST((told<S>(reply_to(5, balance_index)) == errc::malformed_message));  // never asked
    plain_reply no_bool = reply_to(0, balance_index);
    no_bool.body[offsetof(balance, sound)] = std::byte{2};
    BOOST_TEST((told<S>(no_bool) == errc::malformed_message));
    BOOST_TEST((told<S>(text_for(0, 0xffff, 3)) == errc::handler_failed));
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
    BOOST_TEST((c.call_for(balance_query{1}, 60s).error() == errc::malformed_message));
    c.close().value();
    server.wait();
}

TYPED_CASE(made_up_replies_with_strings_are_errors, S, few_subjects)
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
        BOOST_TEST((c.call_for(std::string("x"), 60s).error() == errc::malformed_message));
        c.close().value();
        server.wait();
    }
}

}  // namespace rpc_hostile
