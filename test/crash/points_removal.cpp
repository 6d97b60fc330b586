// Distributed under the Boost Software License, Version 1.0.

#include "scenes.hpp"

#include <support/watchdog.hpp>

namespace crash_points_removal {

namespace {

using crash::deadline;

// Somebody removes a channel whose ends are at work, and dies at a point. The name is free for others or will be, and the
// ends go on with what they hold, without a message less.
template <class S>
void remove_under_their_hands(crash::plan& p, crash::point const* where, std::uint64_t hit)
{
    using message = typename S::message;
    auto& total = crash::sweep::all();
    support::ledger const book(2);
    support::shared_page page;
    std::string const name = support::unique_name();
    auto const open_sender = [&] { return S::sender::open(name, S::options(true), "test").value(); };
    auto const open_receiver = [&] { return S::receiver::open(name, S::options(true), "test").value(); };
    support::child consumer([&] {
        auto r = open_receiver();
        support::ledger_pen pen(book, 1, S::in_line);
        page->done.fetch_add(1);
        support::notes::await(page->proceed, 1);
        for (;;) {
            if (auto const m = raw::look<message>(r, deadline::never())) {
                pen.note(*m);
                r.release();
            } else if (auto const why = r.peek(deadline::poll()); !why && why.error() != strait::errc::removed) {
                break;
            }
        }
        return r.peek(deadline::poll()).error() == strait::errc::closed && r.ended() == strait::end_reason::left ? 0 : 1;
    });
    support::child producer([&] {
        auto s = open_sender();
        page->done.fetch_add(1);
        for (std::uint64_t i = 0; i != 200 || page->stage == 0; ++i) {
            book[0].began = i + 1;
            if (auto const sent = raw::send(s, support::make_message<message>(i, 0), deadline::never()); !sent)
                return sent.error() == strait::errc::removed && s.close(deadline::never()) ? 0 : 1;
            book[0].sent = i + 1;
            page->proceed = 1;
            if (i >= 100 && page->stage == 0)
                support::notes::await(page->stage, 1);
        }
        return s.close(deadline::never()) ? 0 : 1;
    });
    support::notes::await(page->done, 2);
    support::child remover([&] {
        p.follow(where, hit);
        S::ring::remove(name).value();
    });
    total.died_of(remover, where);
    BOOST_TEST_REQUIRE(S::ring::remove(name).has_value());
    {
        auto s = open_sender();  // of another channel now
        auto r = open_receiver();
        BOOST_TEST((r.peek(deadline::poll()).error() == strait::errc::empty));
        BOOST_TEST(raw::send(s, support::make_message<message>(7, 7), deadline::poll()).has_value());
        BOOST_TEST((raw::receive<message>(r, deadline::poll()) == support::make_message<message>(7, 7)));
    }
    page->stage = 1;
    BOOST_TEST_REQUIRE(producer.wait() == 0);
    BOOST_TEST_REQUIRE(consumer.wait() == 0);
    auto const v = support::judge(book, 2, S::in_line);
    total.sum.checked += v;
    BOOST_TEST((v.lost == 0 && v.twice == 0 && v.torn == 0 && v.unordered == 0 && v.unsent == 0), v);
    BOOST_TEST(support::files_of(name + ".").empty());
}

template <class S>
void kill_removers()
{
    crash::kill_at_each_point(S::name() + ": somebody removes it while ends live", &remove_under_their_hands<S>);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crash_points_removal, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(living_ends_lose_nothing_that_was_sent_when_their_channel_is_removed)
{
    kill_removers<crash::subject<strait::spsc, support::probe>>();
    kill_removers<crash::subject<strait::mpsc, std::string>>();
    kill_removers<crash::subject<strait::mpmc, support::probe>>();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace crash_points_removal
