// Distributed under the Boost Software License, Version 1.0.
// What the explorer of weak memory allows: exactly the outcomes of C++20, as RC11 has them, for small programs that are
// known by name (Maranget, Sarkar, Sewell, "A Tutorial Introduction to the ARM and POWER Relaxed Memory Models").
#include "weak_memory.hpp"

#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <set>
#include <string>
#include <vector>

namespace {

constexpr auto rlx = std::memory_order_relaxed;
constexpr auto acq = std::memory_order_acquire;
constexpr auto rel = std::memory_order_release;
constexpr auto sc = std::memory_order_seq_cst;

struct shared {
    model::atomic<unsigned> x, y, z;
    unsigned r[6] = {};
    std::uint64_t plain[2] = {};
};

using body = std::function<void(shared&)>;

class litmus : public model::program {
public:
    litmus(std::vector<body> const& threads, std::set<std::string>& outcomes) : threads_(threads), outcomes_(outcomes) {}
    int threads() const override { return static_cast<int>(threads_.size()); }
    void run(int i) override { threads_[static_cast<std::size_t>(i)](memory_); }
    void finish() override
    {
        std::string s;
        for (unsigned const r : memory_.r)
            s += static_cast<char>('0' + r);
        s.erase(s.find_last_not_of('0') + 1);
        outcomes_.insert(s);
    }

private:
    std::vector<body> const& threads_;
    std::set<std::string>& outcomes_;
    shared memory_;
};

struct seen {
    std::set<std::string> outcomes;
    model::report how;
    bool has(char const* s) const { return outcomes.count(s) != 0; }
};

seen explored(std::vector<body> const& threads)
{
    support::watchdog const bound;
    seen s;
    s.how = model::explore([&] { return new litmus(threads, s.outcomes); }, {});
    BOOST_TEST((s.how.complete || !s.how.wrong.empty()));
    return s;
}

std::set<std::string> outcomes(std::vector<body> const& threads)
{
    seen const s = explored(threads);
    BOOST_TEST(s.how.wrong == "");
    return s.outcomes;
}

using set = std::set<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(model_litmus)

BOOST_AUTO_TEST_CASE(store_buffering_is_seen_and_a_seq_cst_fence_on_both_sides_forbids_it)
{
    set const relaxed = outcomes({[](shared& m) { m.x.store(1, rlx); m.r[0] = m.y.load(rlx); },
                                  [](shared& m) { m.y.store(1, rlx); m.r[1] = m.x.load(rlx); }});
    BOOST_TEST((relaxed == set{"", "1", "01", "11"}));
    auto const with = [](auto first, auto second) {
        return outcomes({[=](shared& m) { m.x.store(1, rlx); first(); m.r[0] = m.y.load(rlx); },
                         [=](shared& m) { m.y.store(1, rlx); second(); m.r[1] = m.x.load(rlx); }});
    };
    auto const full = [] { model::thread_fence(sc, MODEL_HERE); };
    auto const light = [] { model::light(MODEL_HERE); };
    auto const heavy = [] { model::heavy(MODEL_HERE); };
    auto const none = [] {};
    set const forbidden{"1", "01", "11"};
    BOOST_TEST((with(full, full) == forbidden));
    BOOST_TEST((with(light, heavy) == forbidden));
    BOOST_TEST((with(heavy, full) == forbidden));
    BOOST_TEST((with(heavy, heavy) == forbidden));
    BOOST_TEST((with(light, light) == relaxed));
    BOOST_TEST((with(light, full) == relaxed));
    BOOST_TEST((with(none, heavy) == relaxed));
    BOOST_TEST((with(none, full) == relaxed));
}

BOOST_AUTO_TEST_CASE(a_message_passes_only_by_release_and_acquire)
{
    auto const with = [](std::memory_order store, std::memory_order load) {
        return outcomes({[=](shared& m) { m.x.store(1, rlx); m.y.store(1, store); },
                         [=](shared& m) { m.r[0] = m.y.load(load); m.r[1] = m.x.load(rlx); }});
    };
    set const passed{"", "01", "11"};
    set const all{"", "01", "1", "11"};
    BOOST_TEST((with(rel, acq) == passed));
    BOOST_TEST((with(rlx, acq) == all));
    BOOST_TEST((with(rel, rlx) == all));
    set const fences = outcomes({[](shared& m) { m.x.store(1, rlx); model::thread_fence(rel, MODEL_HERE); m.y.store(1, rlx); },
                                 [](shared& m) { m.r[0] = m.y.load(rlx); model::thread_fence(acq, MODEL_HERE); m.r[1] = m.x.load(rlx); }});
    BOOST_TEST((fences == passed));
}

BOOST_AUTO_TEST_CASE(load_buffering_is_not_seen)
{
    set const s = outcomes({[](shared& m) { m.r[0] = m.x.load(rlx); m.y.store(1, rlx); },
                            [](shared& m) { m.r[1] = m.y.load(rlx); m.x.store(1, rlx); }});
    BOOST_TEST((s == set{"", "1", "01"}));
}

BOOST_AUTO_TEST_CASE(a_word_is_coherent)
{
    set const s = outcomes({[](shared& m) { m.x.store(1, rlx); m.x.store(2, rlx); },
                            [](shared& m) { m.r[0] = m.x.load(rlx); m.r[1] = m.x.load(rlx); }});
    BOOST_TEST((s == set{"", "01", "02", "11", "12", "22"}));
}

BOOST_AUTO_TEST_CASE(independent_reads_of_independent_writes_may_disagree_without_full_fences)
{
    auto const with = [](auto fence) {
        return outcomes({[](shared& m) { m.x.store(1, rel); }, [](shared& m) { m.y.store(1, rel); },
                         [=](shared& m) { m.r[0] = m.x.load(acq); fence(); m.r[1] = m.y.load(acq); },
                         [=](shared& m) { m.r[2] = m.y.load(acq); fence(); m.r[3] = m.x.load(acq); }});
    };
    BOOST_TEST(with([] {}).size() == 16U);
    set const ordered = with([] { model::thread_fence(sc, MODEL_HERE); });
    BOOST_TEST(ordered.size() == 15U);
    BOOST_TEST(ordered.count("101") == 0U);
}

BOOST_AUTO_TEST_CASE(stores_of_two_threads_may_be_in_either_order)  // 2+2W
{
    set const s = outcomes({[](shared& m) { m.x.store(1, rlx); m.y.store(2, rlx); },
                            [](shared& m) { m.y.store(1, rlx); m.x.store(2, rlx); },
                            [](shared& m) { m.r[0] = m.x.load(rlx); m.r[1] = m.x.load(rlx); },
                            [](shared& m) { m.r[2] = m.y.load(rlx); m.r[3] = m.y.load(rlx); }});
    BOOST_TEST(s.count("2121") == 1U);  // x: 2 then 1, y: 2 then 1
    BOOST_TEST(s.count("1212") == 1U);
    BOOST_TEST(s.count("2112") == 1U);
    BOOST_TEST(s.count("1221") == 1U);
}

BOOST_AUTO_TEST_CASE(modifications_are_indivisible_and_continue_a_release_sequence)
{
    set const two = outcomes({[](shared& m) { m.r[0] = m.x.fetch_add(1, rlx); }, [](shared& m) { m.r[1] = m.x.fetch_add(1, rlx); }});
    BOOST_TEST((two == set{"1", "01"}));
    set const continued = outcomes({[](shared& m) { m.x.store(1, rlx); m.y.store(1, rel); }, [](shared& m) { m.y.fetch_add(2, rlx); },
                                    [](shared& m) { m.r[0] = m.y.load(acq); m.r[1] = m.x.load(rlx); }});
    BOOST_TEST(continued.count("31") == 1U);
    BOOST_TEST(continued.count("3") == 0U);
    set const broken = outcomes({[](shared& m) { m.x.store(1, rlx); m.y.store(1, rel); m.y.store(3, rlx); },
                                 [](shared& m) { m.r[0] = m.y.load(acq); m.r[1] = m.x.load(rlx); }});
    BOOST_TEST(broken.count("3") == 1U);  // a plain store of the same thread does not, since C++20
    set const compared = outcomes({[](shared& m) { unsigned e = 0; m.r[0] = m.x.compare_exchange_strong(e, 1, rlx, rlx); },
                                   [](shared& m) { unsigned e = 0; m.r[1] = m.x.compare_exchange_strong(e, 2, rlx, rlx); m.r[2] = e; }});
    BOOST_TEST((compared == set{"101", "01"}));
}

BOOST_AUTO_TEST_CASE(what_a_thread_reads_may_cause_what_another_one_reads)  // WRC
{
    auto const with = [](std::memory_order store, std::memory_order load) {
        return outcomes({[](shared& m) { m.x.store(1, rlx); }, [=](shared& m) { m.r[0] = m.x.load(rlx); m.y.store(1, store); },
                         [=](shared& m) { m.r[1] = m.y.load(load); m.r[2] = m.x.load(rlx); }});
    };
    BOOST_TEST(with(rel, acq).count("11") == 0U);
    BOOST_TEST(with(rlx, acq).count("11") == 1U);
}

BOOST_AUTO_TEST_CASE(a_data_race_is_reported_and_an_ordered_access_is_none)
{
    auto const with = [](std::memory_order store) {
        return explored({[=](shared& m) { model::write(m.plain, 7); m.y.store(1, store); },
                         [=](shared& m) {
                             if (m.y.load(acq) == 1)
                                 model::expect(model::read(m.plain) == 7, "another value");
                         }})
            .how.wrong;
    };
    BOOST_TEST(with(rel) == "");
    BOOST_TEST(with(rlx) == "a data race on a message");
}

BOOST_AUTO_TEST_CASE(a_lost_wake_up_is_found_and_a_right_one_is_not)
{
    auto const with = [](bool fences) {
        return explored({[=](shared& m) {
                             m.y.store(1, rlx);
                             if (fences)
                                 model::light(MODEL_HERE);
                             if (m.x.load(rlx) != 0) {
                                 m.x.exchange(0, rlx);
                                 model::futex_wake(&m.x, MODEL_HERE);
                             }
                         },
                         [=](shared& m) {
                             for (;;) {
                                 m.x.store(1, rlx);
                                 if (fences)
                                     model::heavy(MODEL_HERE);
                                 if (m.y.load(rlx) == 1)
                                     break;
                                 model::futex_wait(&m.x, 1, MODEL_HERE);
                             }
                         }})
            .how.wrong;
    };
    BOOST_TEST(with(true) == "");
    BOOST_TEST(with(false) == "a thread sleeps for ever: a wake-up is lost");
}

BOOST_AUTO_TEST_CASE(no_two_explored_executions_are_alike)
{
    // n threads that each write a word of their own and read all others: counted by hand for two, and by GenMC's count of
    // the executions of SB for three: 4 and 4^3.
    seen const two = explored({[](shared& m) { m.x.store(1, rlx); m.r[0] = m.y.load(rlx); },
                               [](shared& m) { m.y.store(1, rlx); m.r[1] = m.x.load(rlx); }});
    BOOST_TEST(two.how.executions == 4U);
    seen const three = explored({[](shared& m) { m.x.store(1, rlx); m.r[0] = m.y.load(rlx); m.r[1] = m.z.load(rlx); },
                                 [](shared& m) { m.y.store(1, rlx); m.r[2] = m.x.load(rlx); m.r[3] = m.z.load(rlx); },
                                 [](shared& m) { m.z.store(1, rlx); m.r[4] = m.x.load(rlx); m.r[5] = m.y.load(rlx); }});
    BOOST_TEST(three.how.executions == 64U);
    BOOST_TEST(three.outcomes.size() == 64U);
}

BOOST_AUTO_TEST_CASE(the_rooms_that_are_explored_use_no_other_atomics)
{
    namespace fs = std::filesystem;
    fs::path const rooms = fs::path(__FILE__).parent_path() / "../../include/strait/detail";
    int headers = 0;
    for (char const* room : {"ring", "lanes", "mpmc", "broadcast", "wait"})
        for (fs::directory_entry const& header : fs::directory_iterator(rooms / room)) {
            std::ifstream file(header.path());
            std::string const text{std::istreambuf_iterator<char>(file), {}};
            ++headers;
            for (char const* other : {"std::atomic<", "std::atomic_thread_fence", "std::atomic_signal_fence", "std::atomic_ref"})
                BOOST_TEST(text.find(other) == text.npos, header.path().filename() << ": " << other);
        }
    BOOST_TEST(headers > 30);
}

BOOST_AUTO_TEST_SUITE_END()
