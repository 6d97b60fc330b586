// Distributed under the Boost Software License, Version 1.0.

#include "scenes.hpp"

#include <algorithm>
#include <iostream>

BOOST_AUTO_TEST_SUITE(crash_points)

BOOST_AUTO_TEST_CASE(every_point_of_the_source_has_killed, *boost::unit_test::depends_on("crash_points_spsc") *
                                                               boost::unit_test::depends_on("crash_points_mpmc") *
                                                               boost::unit_test::depends_on("crash_points_mpsc") *
                                                               boost::unit_test::depends_on("crash_points_broadcast") *
                                                               boost::unit_test::depends_on("crash_points_sysv") *
                                                               boost::unit_test::depends_on("crash_points_removal") *
                                                               boost::unit_test::depends_on("crash_points_pairs"))
{
    auto const& all = crash::point::all();
    auto const& done = crash::sweep::all();
    BOOST_TEST_REQUIRE(all.size() < crash::point::most);
    for (auto const* p : all)
        BOOST_TEST(done.kills[p->index()] != 0U, "nobody came by \"" << p->name() << "\"");
    std::cout << "crash points: " << all.size() << " in the source, " << done.places << " in " << done.subjects
              << " rings and their scenes; " << done.runs << " runs, " << done.sum.kills << " kills, " << done.missed
              << " not reached again\n"
              << "  checked: " << done.sum.checked << '\n'
              << "  a sleeping peer went on:      " << done.sum.waiting << '\n'
              << "  a successor's messages came:  " << done.sum.successors << std::endl;
}

BOOST_AUTO_TEST_SUITE_END()
