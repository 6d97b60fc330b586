// Distributed under the Boost Software License, Version 1.0.

#include "scenes.hpp"

#include <support/watchdog.hpp>

#include <optional>

namespace crash_points_pairs {

namespace {

using crash::deadline;
using crash::role;

// One end of a channel without a name dies. Nobody can join in its place: the other one must learn that it is over.
template <class S>
void play_pair(role victim, crash::plan& p, crash::point const* where, std::uint64_t hit)
{
    using message = typename S::message;
    auto& total = crash::sweep::all();
    support::ledger const book(2);
    auto made = std::optional(raw::pair<message, typename S::ring>::make(S::options(true), "test").value());
    auto const send = [&] {
        auto s = std::move(*made).sender().value();
        for (std::uint64_t i = 0; i != 40; ++i) {
            book[0].began = i + 1;
            if (auto const done = raw::send(s, support::make_message<message>(i, 0), deadline::never()); !done)
                return done.error() == strait::errc::no_receiver ? 0 : 1;
            book[0].sent = i + 1;
        }
        return s.close(deadline::never()) ? 0 : 2;
    };
    auto const receive = [&] {
        auto r = std::move(*made).receiver().value();
        support::ledger_pen pen(book, 1, S::in_line);
        while (auto const m = raw::look<message>(r, deadline::never())) {
            pen.note(*m);
            r.release();
        }
        if (r.peek(deadline::poll()).error() != strait::errc::closed)
            return 1;
        return r.close(deadline::never()) ? 0 : 2;
    };
    auto const doomed = [&](auto body) {
        return [&, body] {
            p.follow(where, hit);
            return body();
        };
    };
    support::child one = victim == role::sender ? support::child(receive) : support::child(send);
    support::child other = victim == role::sender ? support::child(doomed(send)) : support::child(doomed(receive));
    made.reset();  // and with it our promise
    bool const killed = total.died_of(other, where);
    std::int64_t const died = deadline::now();
    BOOST_TEST_REQUIRE(one.wait() == 0);
    if (killed)
        total.sum.waiting.took(deadline::now() - died);
    auto v = support::judge(book, 2, S::in_line, victim == role::sender ? 0 : 2);
    total.sum.checked += v;
    BOOST_TEST((v.lost == 0 && v.twice == 0 && v.torn == 0 && v.unordered == 0 && v.unsent == 0), v);
}

template <class S>
void kill_pairs()
{
    for (role const victim : {role::sender, role::receiver})
        crash::kill_at_each_point(
            S::name() + (victim == role::sender ? ": the sender of a pair" : ": the receiver of a pair"),
            [&](crash::plan& p, crash::point const* where, std::uint64_t hit) { play_pair<S>(victim, p, where, hit); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crash_points_pairs, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(an_end_of_a_nameless_channel_learns_of_the_others_death_at_any_point)
{
    kill_pairs<crash::subject<strait::spsc, support::probe>>();
    kill_pairs<crash::subject<strait::mpmc, std::string>>();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace crash_points_pairs
