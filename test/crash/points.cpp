// Distributed under the Boost Software License, Version 1.0.

#include "scenes.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>

namespace crash_points {

namespace {

// Every crash point that stands in the library's headers: its place, and its name.
std::map<std::string, std::string> points_in_the_sources()
{
    namespace fs = std::filesystem;
    std::map<std::string, std::string> found;
    fs::path const include = fs::path(__FILE__).parent_path().parent_path().parent_path() / "include";
    std::string const marker = "STRAIT_CRASH_POINT(\"";
    for (auto const& entry : fs::recursive_directory_iterator(include)) {
        if (!entry.is_regular_file())
            continue;
        std::ifstream file(entry.path());
        std::string text;
        for (int line = 1; std::getline(file, text); ++line)
            if (auto const at = text.find(marker); at != text.npos) {
                auto const name = at + marker.size();
                found[entry.path().lexically_relative(include).string() + ':' + std::to_string(line)] =
                    text.substr(name, text.find('"', name) - name);
            }
    }
    return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crash_points)

BOOST_AUTO_TEST_CASE(every_point_of_the_source_has_killed, *boost::unit_test::depends_on("crash_points_spsc") *
                                                               boost::unit_test::depends_on("crash_points_mpmc") *
                                                               boost::unit_test::depends_on("crash_points_mpsc") *
                                                               boost::unit_test::depends_on("crash_points_broadcast") *
                                                               boost::unit_test::depends_on("crash_points_sysv") *
                                                               boost::unit_test::depends_on("crash_points_removal") *
                                                               boost::unit_test::depends_on("crash_points_pairs") *
                                                               boost::unit_test::depends_on("crash_points_large") *
                                                               boost::unit_test::depends_on("crash_points_sealed") *
                                                               boost::unit_test::depends_on("crash_points_queue") *
                                                               boost::unit_test::depends_on("crash_points_versions"))
{
    auto const& all = crash::point::all();
    auto const& done = crash::sweep::all();
    BOOST_TEST_REQUIRE(all.size() < crash::point::most);
    auto const in_the_sources = points_in_the_sources();
    BOOST_TEST(in_the_sources.size() == all.size());
    for (auto const& [place, name] : in_the_sources) {
        auto const p = std::ranges::find(all, place, &crash::point::place);
        BOOST_TEST((p != all.end() && done.kills[(*p)->index()] != 0U),
                   "no process died at \"" << name << "\", " << place << (p == all.end() ? ", which no test instantiates" : ""));
    }
    std::cout << "crash points: " << all.size() << " in the source, " << done.places << " in " << done.subjects
              << " rings and their scenes; " << done.runs << " runs, " << done.sum.kills << " kills, " << done.missed
              << " not reached again\n"
              << "  checked: " << done.sum.checked << '\n'
              << "  a sleeping peer went on:      " << done.sum.waiting << '\n'
              << "  a successor's messages came:  " << done.sum.successors << std::endl;
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace crash_points
