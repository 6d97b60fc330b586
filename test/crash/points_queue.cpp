// Distributed under the Boost Software License, Version 1.0.

#include "scenes.hpp"

#include <strait/channel.hpp>
#include <strait/transport/sysv_mqueue.hpp>

#include <support/watchdog.hpp>

#include <cstdint>

namespace crash_points_queue {

namespace {

using channel = strait::channel<support::probe, strait::sysv_mqueue>;

// A process creates a channel over a System V queue, sends and leaves; one after another dies at this point. Whatever they
// leave, the next one finds its queue or makes it anew, and when all have left no queue is there.
void create_and_die(crash::plan& p, crash::point const* where, std::uint64_t hit)
{
    auto& total = crash::sweep::all();
    std::string const name = support::unique_name();
    // Without a point the points are counted that one process comes by: the one that creates.
    for (int victims = where ? 2 : 1; victims != 0; --victims) {
        support::child victim([&] {
            p.follow(where, hit);
            channel::sender out{name};
            out.send(support::make_probe(1));
        });
        total.died_of(victim, where);
    }
    {
        channel::receiver in{name};
        while (auto const m = in.try_receive())  // what the victims had sent
            BOOST_TEST((*m == support::make_probe(1)));
        channel::sender out{name};
        out.send(support::make_probe(2));
        BOOST_TEST((in.receive() == support::make_probe(2)));
    }
    BOOST_TEST(!support::has_queue(name));
    BOOST_TEST(support::files_of(name + ".").empty());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crash_points_queue, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_death_at_any_point_of_making_a_queue_costs_nobody_anything_and_leaves_no_queue)
{
    crash::kill_at_each_point("sysv_mqueue: a sender creates it", &create_and_die);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace crash_points_queue
