// Distributed under the Boost Software License, Version 1.0.
#ifndef MODEL_FAULTS_HPP
#define MODEL_FAULTS_HPP

#include "weak_memory.hpp"

#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
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

/// What became of each fault that find_faults() has put in.
enum class verdict : std::uint8_t { found, harmless, not_shown, overlooked };
inline std::map<mutation, verdict>& judged()
{
    static std::map<mutation, verdict> all;
    return all;
}

/// Runs each program without a fault: nothing may be wrong.
inline void show_right(std::vector<trial> const& trials)
{
    support::watchdog const bound(600);
    for (trial const& t : trials) {
        if (t.is_long && support::rounds(1) == 1)
            continue;
        report const r = explore(t.make, t.how);
        BOOST_TEST(r.wrong == "", t.name << ": " << r.wrong << '\n' << r.trace);
        BOOST_TEST((r.complete || t.how.most != options{}.most), t.name << ": not all executions were seen");
        BOOST_TEST_MESSAGE(t.name << ": " << r.executions << " executions, " << r.redundant << " cut as redundant, " << r.steps
                                  << " steps" << (r.complete ? "" : "; there are more"));
    }
}

/// Puts each fault into the code in turn: every release and every acquire relaxed, every fence and every wake left out, wherever
/// a program comes by. Each must be found by a program, but those that are `harmless`, which must not be: the code is right
/// without them, because something else orders the same, and the places in the source say what. Of those that are `unshown`
/// these programs show nothing: they are too small, or what would show it is outside of the model.
/// Both name them as mutation::kind_of_place() does; the second of the same name in a file is called ...#2. Faults that are not
/// `wanted` are left to other programs. Returns how many were late stores, which must be wanted expressly.
inline std::size_t find_faults(std::vector<trial> const& trials, std::set<std::string> const& harmless,
                               std::set<std::string> const& unshown = {},
                               std::function<bool(mutation const&)> const& wanted = [](mutation const& m) { return m.what != mutation::late; })
{
    support::watchdog const bound(600);
    std::set<mutation> faults;
    std::size_t late = 0;
    for (trial const& t : trials) {
        options how = t.how;
        how.list_sites = true;
        how.most = 3000;
        for (mutation const& m : explore(t.make, how).sites)
            if (wanted(m))
                faults.insert(m);
    }
    std::size_t found = 0;
    std::map<std::string, int> alike;
    for (mutation const& m : faults) {
        int const number = ++alike[m.kind_of_place()];
        std::string const name = m.kind_of_place() + (number == 1 ? "" : '#' + std::to_string(number));
        if (unshown.count(name) != 0) {
            BOOST_TEST_MESSAGE(m.name() << " (not shown)");
            judged().emplace(m, verdict::not_shown);
            continue;
        }
        bool const is_harmless = harmless.count(name) != 0;
        std::string by;
        for (trial const& t : trials) {
            if (is_harmless && support::rounds(1) == 1)
                continue;
            options how = t.how;
            how.fault = m;
            how.most = std::min<std::uint64_t>(how.most, support::rounds(1) == 1 ? 8'000 : 1'000'000);
            report const r = explore(t.make, how);
            if (!r.wrong.empty()) {
                by = t.name + ": " + r.wrong;
                break;
            }
        }
        BOOST_TEST_MESSAGE(m.name() << (by.empty() ? is_harmless ? " (harmless)" : " NOT FOUND" : " found by ") << by);
        BOOST_TEST(by.empty() == is_harmless, m.name() << (by.empty() ? " is not found" : " is found, and was said to be harmless"));
        judged()[m] = !by.empty() ? verdict::found : is_harmless ? verdict::harmless : verdict::overlooked;
        found += !by.empty();
        late += m.what == mutation::late;
    }
    BOOST_TEST_MESSAGE(found << " of " << faults.size() << " faults found");
    return late;
}

}  // namespace model

#endif
