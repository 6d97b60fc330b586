// Distributed under the Boost Software License, Version 1.0.
#include <rpc/fixture.hpp>
#include <support/thread_prepared_for_stops.hpp>
#include <support/typed_case.hpp>

namespace rpc_calls {

using namespace rpc;

TYPED_CASE(calls_are_answered, S, subjects)
{
    clean_host const clean;
    auto const where = S::where();
    for (mode const m : {mode::one_thread, mode::pool, mode::forked}) {
        bank_process<S> server(where, m);
        {
            bank_client<S> c{where};
            for (std::uint64_t i = 20; i != 300; ++i) {
                balance const b = c.call(balance_query{i});
                BOOST_REQUIRE(b.cents == static_cast<std::int64_t>(i * 100));
                BOOST_REQUIRE(b.sound);
            }
            BOOST_TEST(c.call(transfer{1, 2, 5, "rent"}));
            BOOST_TEST(!c.call(transfer{1, 2, -5, "rent"}));
            c.call(closing{3});
            BOOST_TEST(c.call_for(balance_query{4}, 10s).value().cents == 400);
            BOOST_TEST(c.call_for(closing{4}, 10s).has_value());
            BOOST_TEST(c.call_until(balance_query{5}, std::chrono::system_clock::now() + 10s).value().cents == 500);
        }
        BOOST_TEST(server.stop() == 0);
    }
}

TYPED_CASE(a_server_whose_files_are_deleted_is_told, S, subjects)
{
    clean_host const clean;
    if constexpr (S::checks_type_at_open)
        for (mode const m : {mode::one_thread, mode::pool, mode::forked}) {
            auto const where = S::where();
            bank_server<S> server{where};
            std::thread taking([&] { support::delete_files_of(std::string(where.text())); });
            strait::error_code outcome;
            try {
                serve(server, m, balance_of, book, close_all);
            } catch (boost::system::system_error const& e) {
                outcome = e.code();
            }
            taking.join();
            BOOST_TEST((outcome == errc::removed));
        }
}

TYPED_CASE(what_a_handler_throws_arrives_with_its_text, S, protocol_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    bank_process<S> server(where);
    bank_client<S> c{where};
    std::string const said = "account 13 is closed, and has been so for longer than this bank exists";
    BOOST_CHECK_EXCEPTION(c.call(balance_query{13}), strait::rpc_error, [&](strait::rpc_error const& e) {
        return e.code() == errc::handler_failed && e.text() == said && std::string(e.what()).starts_with(said);
    });
    BOOST_TEST((c.call_for(balance_query{13}, 10s).error() == errc::handler_failed));
    BOOST_TEST(c.failure() == said);
    BOOST_TEST(c.call(balance_query{14}).cents == 1400);
}

TYPED_CASE(messages_with_strings_go_the_portable_way, S, protocol_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    support::child server([&] {
        strait::rpc_server<site, typename S::transport> s{where};
        s.serve([](page_request const& q) { return page{200, q.path + q.cookies.at(0)}; },
                [&](closing const&) { s.stop(); },
                [](std::string const& text) { return page{201, text}; });
    });
    strait::rpc_client<site, typename S::transport> c{where};
    BOOST_TEST(c.call(page_request{"/hello/", {"Ada"}}).body == "/hello/Ada");
    BOOST_TEST(c.call(std::string("as it is")).status == 201);
    BOOST_CHECK_EXCEPTION(c.call(page_request{"/hello/", {}}), strait::rpc_error,
                          [&](strait::rpc_error const& e) { return e.text().find("vector") != e.text().npos; });
    std::string const large(3000, 'x');
    BOOST_TEST(c.call(large).body == large);
    c.call(closing{});
    BOOST_TEST(server.wait() == 0);
    BOOST_TEST((c.call_for(std::string("more"), 10s).error() == errc::server_gone));
}

TYPED_CASE(several_calls_are_outstanding, S, protocol_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    for (mode const m : {mode::one_thread, mode::pool}) {
        bank_process<S> server(where, m);
        bank_client<S> c{where};
        std::vector<strait::rpc_pending<balance>> asked;
        for (std::uint64_t i = 20; i != 70; ++i)
            asked.push_back(c.post(balance_query{i}));
        auto const wrong = c.post(balance_query{13});
        auto const booked = c.post(transfer{1, 2, 3, ""});
        auto const nothing = c.post(closing{1});
        auto const forgotten = c.post(balance_query{99});
        c.forget(forgotten);
        BOOST_TEST(c.call(balance_query{7}).cents == 700);  // overtakes nobody, but is given first
        BOOST_TEST(c.reply(booked));
        for (std::uint64_t i = 70; i-- != 20;)
            BOOST_TEST(c.reply(asked[i - 20]).cents == static_cast<std::int64_t>(100 * i));
        BOOST_CHECK_THROW(c.reply(wrong), strait::rpc_error);
        BOOST_TEST(c.failure().starts_with("account 13"));
        c.reply(nothing);
        BOOST_TEST((c.reply_for(booked, 1s).error() == errc::empty));  // it was given
        (void)c.call(closing{1});
        BOOST_TEST(c.late() <= 1U);
        BOOST_TEST(server.stop() == 0);
    }
}

TYPED_CASE(a_reply_that_comes_too_late_is_dropped, S, protocol_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    support::shared_page page;
    auto server = slow_bank<S>(where, page);
    bank_client<S> c{where};
    BOOST_TEST((c.call_for(balance_query{1}, 20ms).error() == errc::timed_out));
    page->proceed = 1;
    BOOST_TEST(c.call(balance_query{2}).cents == 2);
    BOOST_TEST(c.late() == 1U);
    c.call(closing{});
    BOOST_TEST(server.wait() == 0);
}

TYPED_CASE(a_stop_ends_a_call_and_its_reply_is_dropped, S, few_subjects)
{
    support::thread_prepared_for_stops const prepared;
    clean_host const clean;
    auto const where = S::where();
    support::shared_page page;
    auto server = slow_bank<S>(where, page);
    bank_client<S> c{where};
    std::stop_source source;
    auto const posted = c.post(balance_query{1});
    std::thread stopper([&] { source.request_stop(); });
    BOOST_TEST(!c.call(balance_query{2}, source.get_token()));  // before it is sent, or while the server is busy
    BOOST_TEST(!c.reply(posted, source.get_token()));
    stopper.join();
    BOOST_TEST((c.try_reply(posted).error() == errc::empty));
    page->proceed = 1;
    std::stop_source const never;
    BOOST_TEST(c.call(balance_query{3}, never.get_token()).value().cents == 3);
    BOOST_TEST(c.late() <= 1U);
    BOOST_TEST(c.reply_until(posted, strait::deadline::never()).value().cents == 1);
    BOOST_TEST(c.call(closing{}, never.get_token()));
    BOOST_TEST(server.wait() == 0);
}

TYPED_CASE(a_server_that_serves_no_client_yet_is_waited_for_as_long_as_allowed, S, subjects)
{
    clean_host const clean;
    auto const where = S::where();
    bank_server<S> s{where};
    typename S::transport::options how;
    how.connect_timeout = 20ms;
    BOOST_TEST((bank_client<S>::open(where, how).error() == errc::timed_out));
    support::child client([&] {
        bank_client<S> c{where};
        c.call(closing{});
    });
    s.serve(balance_of, book, [&](closing const&) { s.stop(); });
    BOOST_TEST(client.wait() == 0);
}

BOOST_AUTO_TEST_CASE(a_server_stops_by_a_token_and_serves_again)
{
    clean_host const clean;
    auto const where = ring::where();
    bank_server<ring> s{where};
    struct round {
        mode m;
        bool by_token;
    };
    for (round const& r : {round{mode::one_thread, true}, round{mode::pool, false}, round{mode::one_thread, true},
                                      round{mode::forked, false}, round{mode::pool, true}, round{mode::forked, true}}) {
        mode const m = r.m;
        bool const by_token = r.by_token;
        std::stop_source source;
        support::shared_page page;
        support::child client([&] {
            bank_client<ring> c{where};
            if (c.call(balance_query{5}).cents != 500)
                return 1;
            page->stage = 1;
            for (;;)
                if (auto const b = c.call_for(balance_query{6}, 60s); !b)
                    return b.error() == errc::server_gone ? 0 : 2;
        });
        std::thread stopper([&] {
            notes::await(page->stage, 1);
            by_token ? static_cast<void>(source.request_stop()) : s.stop();
        });
        if (!by_token)
            serve(s, m, balance_of, book, close_all);
        else if (m == mode::one_thread)
            s.serve(source.get_token(), balance_of, book, close_all);
        else if (m == mode::pool)
            s.serve_in_pool(source.get_token(), 3, balance_of, book, close_all);
        else
            s.serve_forked(source.get_token(), balance_of, book, close_all);
        stopper.join();
        BOOST_TEST(client.wait() == 0);
    }
}

}  // namespace rpc_calls
