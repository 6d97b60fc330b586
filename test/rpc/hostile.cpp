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

using strait::detail::failure_frame;
using strait::detail::frame_head;
using strait::detail::reply_kind;
using strait::detail::request_kind;
using strait::detail::rpc_reply;
using strait::detail::rpc_request;
using requests = strait::detail::outstanding_requests<int>;
using outcome = requests::outcome;

strait::detail::request_key const& balance_key = *bank::keys[0];
balance const some_balance{7, true};

rpc_reply frame(std::uint64_t number, reply_kind k, std::string_view body = {})
{
    rpc_reply f;
    f.head = frame_head(number, k);
    f.body.assign(body);
    return f;
}

/// What a frame means to a client that has asked for a balance with number 0 and no more.
outcome to_first(rpc_reply const& f)
{
    requests all;
    requests::request* whose = nullptr;
    all.add(all.draw(), balance_key, 0);
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
        raw_acceptor<S> acceptor{where};
        auto c = acceptor.accept();
        (void)c.receive();
        c.send(reply_frame(0, balance{}));
        c.send(reply_frame(0, balance{}));
        while (c.receive()) {}
    });
}

/// What a client says to a reply that a server has made up, for the first request.
template <class S>
strait::error_code told(rpc_reply const& reply)
{
    auto const where = S::where();
    support::child server([&] {
        raw_acceptor<S> acceptor{where};
        auto c = acceptor.accept();
        (void)c.receive();
        c.send(reply);
        (void)c.receive();
    });
    bank_client<S> c{where};
    auto const answer = c.call_for(balance_query{1}, 60s);
    if (!answer && answer.error() == errc::malformed_message)
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
        for (std::size_t const size : {std::size_t{0}, sizeof(balance_query) - 1, sizeof(balance_query) + 1, std::size_t{5000}}) {
            raw_client<S> c{where};
            auto f = frame_of<bank>(7, balance_query{1});
            f.body.assign(std::string(size, 'x'));
            if (auto const sent = c.try_send(f); !sent)
                continue;  // it is larger than the channel takes
            BOOST_TEST(!c.receive());
            BOOST_TEST(witness.call(balance_query{20}).cents == 2000);
        }
        for (std::uint64_t const kind : {2U, 3U, 0xffffU}) {
            raw_client<S> c{where};
            auto f = frame_of<bank>(7, balance_query{1});
            f.head |= kind;
            c.send(f);
            BOOST_TEST(!c.receive());
            BOOST_TEST(witness.call(balance_query{20}).cents == 2000);
        }
        BOOST_TEST(witness.call(balance_query{20}).cents == 2000);
        witness.close().value();
        BOOST_TEST(server.stop() == 0);
    }
}

TYPED_CASE(made_up_ids_are_answered_as_unknown, S, few_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    for (mode const m : {mode::one_thread, mode::pool, mode::forked}) {
        bank_process<S> server(where, m);
        raw_client<S> c{where};
        std::mt19937_64 random(5);
        std::uint64_t const id = balance_key.id;
        for (std::uint64_t i = 0; i != 200; ++i) {
            auto f = frame_of<bank>(i, balance_query{i});
            bool const same_name = i % 2 == 0;
            f.id = same_name ? id ^ (1 + random() % 0xffff) : id ^ (std::uint64_t{1} << (40 + random() % 24));
            f.body.assign(std::string(random() % 50, 'x'));
            c.send(f);
            auto const r = c.receive();
            BOOST_REQUIRE(r.has_value());
            BOOST_TEST(r->number() == i);
            BOOST_REQUIRE((r->kind() == reply_kind::unknown));
            BOOST_REQUIRE(!r->body.view().empty());
            BOOST_TEST((r->body.view()[0] == std::byte{same_name}));
        }
        c.send(frame_of<bank>(500, balance_query{20}));
        auto const r = c.receive();
        BOOST_REQUIRE((r && r->kind() == reply_kind::message));
        BOOST_TEST(strait::detail::decode_body<balance>(r->body).value().cents == 2000);
        c.close().value();
        BOOST_TEST(server.stop() == 0);
    }
}

template <class Frame>
void every_kind_is_known_or_malformed(Frame f, std::size_t trailer)
{
    using codec = strait::detail::codec<Frame>;
    f.body.assign("body");
    for (std::uint64_t kind = 0; kind <= 0xffff; ++kind) {
        f.head = std::uint64_t{7} << 16 | kind;
        std::vector<std::byte> bytes(codec::size(f));
        codec::encode(f, bytes);
        BOOST_REQUIRE(bytes.size() == 4 + trailer);
        auto const read = codec::decode(bytes);
        BOOST_REQUIRE(read.has_value() == (kind < Frame::kinds));
        if (!read)
            continue;
        BOOST_REQUIRE(read->number() == 7U);
        BOOST_REQUIRE(read->head == f.head);
        BOOST_REQUIRE(read->body.text() == "body");
    }
    std::vector<std::byte> bytes(codec::size(f));
    f.head = 0;
    codec::encode(f, bytes);
    for (std::size_t cut = 0; cut != bytes.size(); ++cut)
        if (cut < trailer)
            BOOST_REQUIRE((codec::decode(std::span(bytes).first(cut)).error() == errc::malformed_message));
}

BOOST_AUTO_TEST_CASE(every_kind_of_a_frame_is_known_or_malformed)
{
    every_kind_is_known_or_malformed(rpc_request{}, 16);
    every_kind_is_known_or_malformed(rpc_reply{}, 8);
}

BOOST_AUTO_TEST_CASE(bytes_of_a_frame_are_copied_and_moved_at_every_size)
{
    strait::detail::frame_bytes reused;
    for (std::size_t size = 0; size != 400; ++size) {
        std::string const text(size, static_cast<char>('a' + size % 26));
        reused.assign(text);
        auto copy = reused;
        auto moved = std::move(copy);
        BOOST_REQUIRE(moved.text() == text);
        copy = moved;
        BOOST_REQUIRE(copy.text() == text);
        strait::detail::frame_bytes small;
        small.assign("small");
        moved = std::move(small);
        BOOST_REQUIRE(moved.text() == "small");
        moved = std::move(copy);
        BOOST_REQUIRE(moved.text() == text);
    }
    reused.assign("short again");
    BOOST_TEST(reused.text() == "short again");
}

BOOST_AUTO_TEST_CASE(a_text_is_never_longer_than_its_limit)
{
    for (std::size_t const size : {0U, 1U, 1023U, 1024U, 1025U, 5000U}) {
        auto const f = frame(0, reply_kind::failure, std::string(size, 'x'));
        BOOST_TEST(f.text() == std::string(std::min<std::size_t>(size, 1024), 'x'));
        requests all;
        requests::request* whose = nullptr;
        all.add(all.draw(), balance_key, 0);
        BOOST_TEST((all.receive(f, whose) == outcome::failure));
        BOOST_TEST(whose->failure.text == f.text());
        BOOST_TEST((whose->failure.code == errc::handler_failed));
    }
}

BOOST_AUTO_TEST_CASE(only_the_reply_to_an_outstanding_request_is_one)
{
    BOOST_TEST((to_first(reply_frame(0, some_balance)) == outcome::reply));
    BOOST_TEST((to_first(reply_frame(1, some_balance)) == outcome::malformed));
    BOOST_TEST((to_first(failure_frame(1, "x")) == outcome::malformed));
    BOOST_TEST((to_first(frame(1, reply_kind::unknown, std::string_view("\0", 1))) == outcome::malformed));
    std::mt19937_64 random(17);
    for (int i = 0; i != 10'000; ++i) {
        auto f = frame(0, reply_kind::message);
        f.head = (random() | 1U << 16) << 16 | (random() % 3);
        BOOST_REQUIRE((to_first(f) == outcome::malformed));
    }
}

BOOST_AUTO_TEST_CASE(what_is_said_of_an_unknown_request_may_be_anything)
{
    using namespace std::string_view_literals;
    auto const said = [](std::string_view body) { return to_first(frame(0, reply_kind::unknown, body)); };
    BOOST_TEST((said("\0"sv) == outcome::failure));
    BOOST_TEST((said("\1"sv) == outcome::failure));
    BOOST_TEST((said("\1 no schema"sv) == outcome::failure));
    BOOST_TEST((said(""sv) == outcome::malformed));
    BOOST_TEST((said("\2"sv) == outcome::malformed));
    BOOST_TEST((said("\0x"sv) == outcome::malformed));
    BOOST_TEST((said(std::string(5000, '\1')) == outcome::malformed));
    rpc_request q;
    q.id = balance_key.id ^ 1;
    auto const whole = strait::detail::unknown_frame(q, bank::keys);
    auto const all = whole.body.text();
    for (std::size_t size = 1; size != all.size(); ++size)
        BOOST_REQUIRE((said(all.substr(0, size)) == outcome::failure));
    for (std::size_t at = 1; at != all.size(); ++at)
        for (int const bit : {0, 3, 7}) {
            std::string damaged(all);
            damaged[at] = static_cast<char>(damaged[at] ^ 1 << bit);
            BOOST_REQUIRE((said(damaged) == outcome::failure));
        }
}

BOOST_AUTO_TEST_CASE(a_second_reply_to_a_request_is_malformed)
{
    requests all;
    requests::request* whose = nullptr;
    all.add(all.draw(), balance_key, 0);
    all.add(all.draw(), balance_key, 1);
    BOOST_TEST((all.receive(reply_frame(1, some_balance), whose) == outcome::reply));
    BOOST_TEST(whose->call == 1);
    BOOST_TEST((all.receive(reply_frame(1, some_balance), whose) == outcome::malformed));  // answered, and not taken yet
    all.remove(1);
    BOOST_TEST((all.receive(reply_frame(1, some_balance), whose) == outcome::malformed));  // taken
    BOOST_TEST((all.receive(failure_frame(1, "text"), whose) == outcome::malformed));
    BOOST_TEST((all.receive(reply_frame(0, some_balance), whose) == outcome::reply));
    BOOST_TEST(all.malformed() == 3U);
}

BOOST_AUTO_TEST_CASE(an_abandoned_request_is_answered_once_and_late)
{
    requests all;
    requests::request* whose = nullptr;
    for (int i = 0; i != 3; ++i)
        all.add(all.draw(), balance_key, i);
    all.abandon(1);
    BOOST_TEST(!all.find(1));
    BOOST_TEST(all.awaited() == 2U);
    BOOST_TEST(all.late() == 0U);
    BOOST_TEST((all.receive(failure_frame(1, "text"), whose) == outcome::late));
    BOOST_TEST(all.late() == 1U);
    BOOST_TEST((all.receive(failure_frame(1, "text"), whose) == outcome::malformed));
    BOOST_TEST(all.find(0)->call == 0);
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
    BOOST_TEST(!told<S>(reply_frame(0, some_balance)));
    BOOST_TEST((told<S>(reply_frame(5, some_balance)) == errc::malformed_message));  // never asked
    BOOST_TEST((told<S>(reply_frame(0, true)) == errc::malformed_message));        // of another type
    std::string no_bool(sizeof(balance), '\0');
    no_bool[offsetof(balance, sound)] = 2;
    BOOST_TEST((told<S>(frame(0, reply_kind::message, no_bool)) == errc::malformed_message));
    BOOST_TEST((told<S>(failure_frame(0, "no")) == errc::handler_failed));
    BOOST_TEST((told<S>(frame(0, reply_kind::unknown, "\1")) == errc::type_mismatch));
    BOOST_TEST((told<S>(frame(0, reply_kind::unknown)) == errc::malformed_message));
}

TYPED_CASE(made_up_replies_with_strings_are_errors, S, few_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    std::string const lies("\xff\xff\xff\xff....", 8);  // more than there is
    for (rpc_reply const& r : {reply_frame(9, page{}), frame(0, reply_kind::message, lies)}) {
        support::child server([&] {
            raw_acceptor<S> acceptor{where};
            auto c = acceptor.accept();
            (void)c.receive();
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
