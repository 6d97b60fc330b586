// Distributed under the Boost Software License, Version 1.0.
#include <rpc/fixture.hpp>
#include <support/typed_case.hpp>

#include <random>

#include <sys/wait.h>

namespace rpc_deaths {

using namespace rpc;

namespace {

/// Every kind of connection: what goes unread is different over each kind of socket.
using every_subject = std::conditional_t<support::sanitized, few_subjects,
                                         decltype(std::tuple_cat(subjects(), std::tuple<by_name<strait::unix_seqpacket>>()))>;

/// All handlers in one.
struct all_handlers {
    balance operator()(balance_query const& q) const { return balance_of(q); }
    bool operator()(transfer const& t) const { return book(t); }
    void operator()(closing const&) const {}
};
all_handlers book_all;

/// Servers that are killed leave their name to the next one: which leaves nothing.
template <class S>
void clean_up(strait::endpoint const& where)
{
    bank_server<S> const next{where};
}

}  // namespace

TYPED_CASE(a_killed_server_fails_what_is_outstanding_at_once, S, subjects)
{
    clean_host const clean;
    auto const where = S::where();
    for (mode const m : {mode::one_thread, mode::pool, mode::forked}) {
        support::shared_page page;
        {
            support::child server([&] {
                bank_server<S> s{where};
                serve(s, m,
                      [&](balance_query const& q) {
                          if (q.account == 1) {
                              page->stage = static_cast<std::uint64_t>(::getpid());
                              ::pause();
                          }
                          return balance{};
                      },
                      book, close_all);
            });
            bank_client<S> c{where};
            auto const first = c.post(balance_query{1});
            auto const second = c.post(transfer{1, 2, 3, ""});
            notes::await(page->stage, 1);
            ::kill(static_cast<pid_t>(page->stage.load()), SIGKILL);  // of a forked one the client's process
            if (m != mode::forked)
                BOOST_TEST(server.wait() == -SIGKILL);
            BOOST_TEST((c.reply_for(first, 60s).error() == errc::server_gone));
            if (m != mode::pool)
                BOOST_TEST((c.reply_for(second, 60s).error() == errc::server_gone));
            BOOST_TEST((c.call_for(closing{1}, 60s).error() == errc::server_gone));
            if (m == mode::forked) {
                bank_client<S> other{where};  // the server goes on
                other.call(closing{});
            }
        }
        clean_up<S>(where);
    }
}

TYPED_CASE(clients_killed_in_the_middle_of_a_call_harm_nobody, S, few_subjects)
{
    clean_host const clean;
    std::mt19937_64 random(3);
    for (mode const m : {mode::one_thread, mode::pool, mode::forked}) {
        auto const where = S::where();
        bank_process<S> server(where, m);
        bank_client<S> witness{where};
        for (int i = 0; i != support::rounds(support::sanitized ? 5 : 25); ++i) {
            support::shared_page page;
            support::child victim([&] {
                bank_client<S> c{where};
                page->stage = 1;
                for (std::uint64_t n = 20;; ++n) {
                    (void)c.post(balance_query{n});
                    (void)c.call(transfer{n, n, 1, ""});
                }
            });
            notes::await(page->stage, 1);
            ::usleep(static_cast<useconds_t>(random() % 1000));
            victim.kill();
            BOOST_TEST(witness.call(balance_query{30}).cents == 3000);
        }
        witness.close().value();
        BOOST_TEST(server.stop() == 0);
    }
}

TYPED_CASE(what_was_asked_for_is_carried_out_though_the_client_leaves_without_its_replies, S, every_subject)
{
    clean_host const clean;
    auto const where = S::where();
    for (mode const m : {mode::one_thread, mode::pool, mode::forked}) {
        support::shared_page page;
        support::child server([&] {
            static bank_server<S>* stopped = nullptr;
            bank_server<S> s{where};
            stopped = &s;
            std::signal(SIGTERM, [](int) { stopped->stop(); });
            auto const counted = [&](transfer const&) {
                notes::await(page->proceed, page->done.fetch_add(1) == 0 ? 0 : 1);  // the first is answered at once
                return true;
            };
            serve(s, m, balance_of, counted, close_all);
        });
        support::child client([&] {
            bank_client<S> c{where};
            for (std::uint64_t i = 0; i != 100; ++i)  // more than the server takes in a row
                (void)c.post(transfer{i, i, 1, ""});
            notes::await(page->done, 2);
        });
        BOOST_TEST(client.wait() == 0);
        page->proceed = 1;
        notes::await(page->done, 100);
        server.signal(SIGTERM);
        BOOST_TEST(server.wait() == 0);
    }
}

TYPED_CASE(a_reply_is_given_though_its_server_leaves_with_something_unread, S, every_subject)
{
    clean_host const clean;
    auto const where = S::where();
    for (bool const asks_more : {false, true}) {
        support::shared_page page;
        support::child server([&] {
            raw_acceptor<S> acceptor{where};
            auto c = acceptor.accept();
            auto q = c.receive();
            std::atomic<std::uint64_t> unsendable{0};
            strait::detail::rpc_reply reply;
            (void)strait::detail::answer_request<bank>(*q, book_all, unsendable, reply, [&](auto const& r) { c.send(r); });
            notes::await(page->proceed, 1);
        });
        bank_client<S> c{where};
        auto const answered = c.post(balance_query{21});
        auto const unread = c.post(balance_query{22});
        page->proceed = 1;
        BOOST_TEST(server.wait() == 0);
        if (asks_more)
            if (auto const third = c.post_for(balance_query{23}, 60s); !third)
                BOOST_TEST((third.error() == errc::server_gone));
        BOOST_TEST(c.reply_for(answered, 60s).value().cents == 2100);
        BOOST_TEST((c.reply_for(unread, 60s).error() == errc::server_gone));
    }
}

TYPED_CASE(who_does_not_take_replies_holds_up_nobody_else, S, few_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    for (mode const m : {mode::one_thread, mode::pool}) {
        bank_process<S> server(where, m);
        support::shared_page page;
        support::child rude([&] {
            bank_client<S> c{where};
            for (;;) {
                (void)c.post(balance_query{13});  // whose answer is longer than the question
                page->done.fetch_add(1);
            }
        });
        std::uint64_t seen = 0;
        bank_client<S> c{where};
        for (int quiet = 0; quiet != 5;) {  // until it is stuck
            for (int i = 0; i != 50; ++i)
                BOOST_REQUIRE(c.call(balance_query{50}).cents == 5000);
            ::usleep(10'000);
            std::uint64_t const now = page->done.load();
            quiet = now == seen && now != 0 ? quiet + 1 : 0;
            seen = now;
        }
        BOOST_TEST(c.call(transfer{1, 1, 1, ""}));
        rude.kill();
        BOOST_TEST(c.call(transfer{1, 1, 1, ""}));
        c.close().value();
        BOOST_TEST(server.stop() == 0);
    }
}

TYPED_CASE(a_hundred_clients_are_served, S, few_subjects)
{
    clean_host const clean;
    for (mode const m : {mode::one_thread, mode::pool, mode::forked}) {
        auto const where = S::where();
        bank_process<S> server(where, m);
        std::vector<support::child> clients;
        for (std::uint64_t i = 0; i != (support::sanitized ? 20 : 100); ++i)
            clients.emplace_back([&where, i] {
                bank_client<S> c{where};
                for (std::uint64_t n = 20; n != 40; ++n)
                    if (c.call(balance_query{n + i}).cents != static_cast<std::int64_t>(100 * (n + i)))
                        return 1;
                return 0;
            });
        for (auto& c : clients)
            BOOST_TEST(c.wait() == 0);
        BOOST_TEST(server.stop() == 0);
    }
}

TYPED_CASE(processes_of_clients_are_reaped, S, few_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    support::shared_page page;
    support::child server([&] {
        bank_server<S> s{where};
        std::thread watcher([&] {
            for (page->stage = 1; page->proceed == 0; ::usleep(1000))
                page->other[0] = children();
            s.stop();
        });
        auto const old = std::signal(SIGCHLD, SIG_DFL);
        s.serve_forked(balance_of, book, close_all);
        watcher.join();
        return children() == 0 && std::signal(SIGCHLD, SIG_DFL) == old ? 0 : 1;
    });
    {
        bank_client<S> first{where};
        bank_client<S> second{where};
        BOOST_TEST(first.call(balance_query{20}).cents == 2000);
        BOOST_TEST(second.call(balance_query{20}).cents == 2000);
        while (page->other[0] != 2)
            std::this_thread::yield();
    }
    while (page->other[0] != 0)  // zombies are counted
        std::this_thread::yield();
    {
        support::child victim([&] {
            bank_client<S> c{where};
            c.call(closing{});
            ::raise(SIGKILL);
        });
        victim.wait();
    }
    while (page->other[0] != 0)
        std::this_thread::yield();
    bank_client<S> last{where};
    BOOST_TEST(last.call(balance_query{20}).cents == 2000);
    page->proceed = 1;
    BOOST_TEST(server.wait() == 0);
    BOOST_TEST((last.call_for(balance_query{20}, 60s).error() == errc::server_gone));
}

}  // namespace rpc_deaths
