// Distributed under the Boost Software License, Version 1.0.
#ifndef MODEL_FAULTS_HPP
#define MODEL_FAULTS_HPP

#include "weak_memory.hpp"

#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace model {

/// A program with its bounds. Programs that are long run with STRAIT_LONG=1 only.
struct trial {
    std::string name;
    std::function<program*()> make;
    options how{};
    bool is_long = false;
};

/// Runs each program without a fault: nothing may be wrong.
inline void show_right(std::vector<trial> const& trials)
{
    support::watchdog const bound(600);
    for (trial const& t : trials) {
        if (t.is_long && support::rounds(1) == 1)
            continue;
        report const r = explore(t.make, t.how);
        BOOST_TEST(r.wrong == "", t.name << ": " << r.wrong << '\n' << r.trace);
        BOOST_TEST(r.complete, t.name << ": not all executions were seen");
        BOOST_TEST_MESSAGE(t.name << ": " << r.executions << " executions, " << r.redundant << " cut as redundant, " << r.steps
                                  << " steps");
    }
}

/// Puts each fault into the code in turn: every release and every acquire relaxed, every fence and every wake left out, wherever
/// a program comes by. Each must be found by a program, but those that are `harmless`, which must not be: the places in the
/// source say why.
/// `harmless` names them as mutation::name() does, without the line.
inline void find_faults(std::vector<trial> const& trials, std::set<std::string> const& harmless, std::vector<mutation> more = {})
{
    support::watchdog const bound(600);
    std::set<mutation> faults(more.begin(), more.end());
    for (trial const& t : trials) {
        options how = t.how;
        how.list_sites = true;
        how.most = 3000;
        for (mutation const& m : explore(t.make, how).sites)
            if (m.what != mutation::late)
                faults.insert(m);
    }
    std::size_t found = 0;
    for (mutation const& m : faults) {
        bool const is_harmless = harmless.count(m.kind_of_place()) != 0;
        std::string by;
        for (trial const& t : trials) {
            if (is_harmless && support::rounds(1) == 1)
                continue;
            options how = t.how;
            how.fault = m;
            report const r = explore(t.make, how);
            if (!r.wrong.empty()) {
                by = t.name + ": " + r.wrong;
                break;
            }
        }
        BOOST_TEST_MESSAGE(m.name() << (by.empty() ? is_harmless ? " (harmless)" : " NOT FOUND" : " found by ") << by);
        BOOST_TEST(by.empty() == is_harmless, m.name() << (by.empty() ? " is not found" : " is found, and was said to be harmless"));
        found += !by.empty();
    }
    BOOST_TEST_MESSAGE(found << " of " << faults.size() << " faults found");
}

}  // namespace model

#endif
