// Distributed under the Boost Software License, Version 1.0.
// Every order, fence and wake that stands in the headers of the rings was explored, or a list says why it is not.
#include "faults.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

using model::mutation;

/// Where an acquire, a release, a fence or a wake stands, and the faults that can be put in there.
struct site {
    std::string file;  // below detail/
    int first;         // lines of the statement up to there
    int last;
    std::string code;
    std::vector<mutation::kind> faults;
};

std::vector<mutation::kind> faults_of(std::string_view code)
{
    auto const has = [&](std::string_view part) { return code.find(part) != code.npos; };
    if (has("thread_fence(") || has(".light()") || has(".heavy()"))
        return {mutation::no_fence};
    if (has("futex_wake_all("))
        return {mutation::no_wake};
    std::vector<mutation::kind> all;
    bool const both = has("memory_order_acq_rel") || has("memory_order_seq_cst");
    if (both || has("memory_order_acquire"))
        all.push_back(mutation::no_acquire);
    if (both || has("memory_order_release"))
        all.push_back(mutation::no_release);
    return all;
}

/// Of the rooms whose headers the programs run.
std::vector<site> sites_of_the_sources()
{
    namespace fs = std::filesystem;
    std::vector<site> all;
    fs::path const detail = fs::path(__FILE__).parent_path().parent_path().parent_path() / "include/strait/detail";
    for (char const* const room : {"ring", "lanes", "mpmc", "broadcast", "wait"})
        for (auto const& entry : fs::directory_iterator(detail / room)) {
            std::ifstream file(entry.path());
            std::map<std::string, int> alike;
            std::string text;
            int begun = 1;
            for (int line = 1; std::getline(file, text); ++line) {
                text.erase(std::min(text.find("//"), text.size()));
                if (auto faults = faults_of(text); !faults.empty()) {
                    auto const first = text.find_first_not_of(' ');
                    std::string code = text.substr(first, text.find_last_not_of(' ') + 1 - first);
                    if (int const number = ++alike[code]; number != 1)
                        code += '#' + std::to_string(number);
                    all.push_back({std::string(room) + '/' + entry.path().filename().string(), begun, line, std::move(code), std::move(faults)});
                }
                if (text.find_last_of(";{}") != text.npos)
                    begun = line + 1;
            }
        }
    return all;
}

/// What no program comes by, and why: a file, with a space behind it, or "file code"; the second of the same code in a file has #2
/// behind it.
struct unexplored {
    std::string_view place;
    std::string_view why;
};
constexpr std::array unexplored_places{
    unexplored{"wait/asymmetric_fence.hpp ", "replaced: the model has what P1202 says of it"},
    unexplored{"wait/futex.hpp ", "replaced: the model has what futex(2) does"},
    unexplored{"wait/adaptive_spin.hpp ", "it keeps the compiler from moving a reading of the clock"},
    unexplored{"ring/slot_progress.hpp ", "large messages, whose copies overlap: threads/ has them under TSan"},
    unexplored{"ring/geometry.hpp ", "of who leaves or opens while it holds the set-up lock: the ends that it looks behind have left"},
    unexplored{"lanes/geometry.hpp ", "likewise"},
    unexplored{"lanes/reader.hpp fence_.heavy();#2", "go_round() comes behind 64 turns; the same fence as the one in inspect(), which is explored"},
    unexplored{"mpmc/reader.hpp detail::atomic_thread_fence(std::memory_order_acquire);",
               "a size that does not fit is that of a later message, or damage, and each sender here writes sizes that fit"},
    unexplored{"broadcast/lossless_reader.hpp v.header->active.fetch_and(~bit(v.place), std::memory_order_release);",
               "a receiver that fails to join, in damaged memory"},
    unexplored{"broadcast/lossless_writer.hpp bool const has = all_->active.load(std::memory_order_acquire) != 0;",
               "whether a receiver has come yet: nothing of it is read behind that"},
    unexplored{"broadcast/lossless_history.hpp std::uint64_t const header = shared_word(record).load(std::memory_order_acquire);",
               "a history of records, longer than the model's programs: rings/past.cpp has it between processes"},
    unexplored{"broadcast/lossless_history.hpp found.position = v.header->notes[place].position.load(std::memory_order_acquire);", "likewise"},
    unexplored{"broadcast/lossless_history.hpp notes_[place_].position.store(position, std::memory_order_release);", "likewise"},
    unexplored{"broadcast/lossy_record_reader.hpp detail::atomic_thread_fence(std::memory_order_acquire);#6",
               "the walk from a note to later records, likewise"},
    unexplored{"wait/eventcount.hpp word_.fetch_add(asleep + 1, std::memory_order_seq_cst);",
               "of who leaves, which a control file says: wakes/schedules.cpp"},
    unexplored{"wait/eventcount.hpp futex_wake_all(word_);#2", "likewise"},
    unexplored{"wait/eventcount.hpp word_.fetch_or(at_doorbell, std::memory_order_seq_cst);",
               "an event loop, whose doorbell the model does not have; the order is that of announce()"},
    unexplored{"wait/ends_together.hpp ", "likewise; the fence is that of wait_for_peer()"},
};

bool explains(unexplored const& u, site const& s)
{
    return u.place.ends_with(' ') ? u.place == s.file + ' ' : u.place == s.file + ' ' + s.code;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(model_sources)

BOOST_AUTO_TEST_CASE(each_order_fence_and_wake_of_the_sources_was_explored,
                     *boost::unit_test::depends_on("model_weak_spsc") * boost::unit_test::depends_on("model_weak_lanes") *
                         boost::unit_test::depends_on("model_weak_mpmc") * boost::unit_test::depends_on("model_weak_broadcast"))
{
    std::map<model::verdict, int> counts;
    std::array<int, unexplored_places.size()> used{};
    int explored = 0;
    auto const sites = sites_of_the_sources();
    for (site const& s : sites) {
        auto const why = std::ranges::find_if(unexplored_places, [&](unexplored const& u) { return explains(u, s); });
        bool const excepted = why != unexplored_places.end();
        for (mutation::kind const k : s.faults) {
            auto const at = std::ranges::find_if(model::judged(), [&](auto const& j) {
                return j.first.file == s.file && j.first.what == k && j.first.line >= s.first && j.first.line <= s.last;
            });
            bool const was_explored = at != model::judged().end();
            BOOST_TEST((was_explored != excepted), s.file << ":" << s.last << ": " << s.code
                                                          << (excepted ? ": is explored, and was said not to be" : ": no program comes by"));
            if (was_explored)
                ++counts[at->second];
        }
        explored += !excepted;
        if (excepted)
            ++used[static_cast<std::size_t>(why - unexplored_places.begin())];
    }
    for (std::size_t i = 0; i != used.size(); ++i)
        BOOST_TEST(used[i] != 0, unexplored_places[i].place << ": there is no such place");
    BOOST_TEST_MESSAGE(sites.size() << " places in the sources, " << explored << " of them explored; faults found: "
                                    << counts[model::verdict::found] << ", harmless: " << counts[model::verdict::harmless]
                                    << ", not shown: " << counts[model::verdict::not_shown]);
}

BOOST_AUTO_TEST_SUITE_END()
