// Distributed under the Boost Software License, Version 1.0.
// Clients that ask without reading replies, that come and go, or that fall silent: a server goes on in turns, and stops when it is told to.

#include "counted.hpp"

#include <strait/rpc.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/unix_stream.hpp>

#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/shared_page.hpp>
#include <support/typed_case.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace steps_rpc {

using namespace std::chrono_literals;
using strait::deadline;
using support::notes;

namespace {

struct question {
    std::uint64_t number;
};
struct answer {
    std::uint64_t number;
    char text[120];  // a reply is longer than its request
};
using service = strait::rpc_interface<answer(question)>;

constexpr std::uint64_t honest = 1;
constexpr std::uint64_t rude = 2;

using transports = std::tuple<strait::unix_stream, strait::shm_ring<>>;

/// Asks until it is told that there is no room, reads no reply, and goes.
template <class X>
void ask_without_reading(std::string const& where)
{
    strait::rpc_client<service, X> c{where, {.linger = 0s}};
    for (int i = 0; i != 5000; ++i)
        if (!c.try_post(question{rude}))
            break;
}

/// Some stay, and say nothing.
template <class X>
void fall_silent(std::string const& where)
{
    static std::vector<strait::rpc_client<service, X>> all;
    if (all.size() == 20)
        all.erase(all.begin(), all.begin() + 10);
    all.emplace_back(where);
}

template <class X>
std::vector<support::child> flooding(std::string const& where)
{
    auto all = steps::flood([where] { ask_without_reading<X>(where); }, 2);
    for (auto& c : steps::flood([where] { fall_silent<X>(where); }))
        all.push_back(std::move(c));
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(steps_of_rpc, *boost::unit_test::fixture<support::watchdog>())

TYPED_CASE(a_server_stops_in_few_turns, X, transports)
{
    support::clean_host const clean;
    auto all = flooding<X>(clean.name);
    for (int i = 0; i != 3; ++i) {
        strait::rpc_server<service, X> server{clean.name};
        std::uint64_t served = 0;
        steps::counted(deadline::never(), [&](deadline) {
            server.serve([&](question const& q) {
                if (++served == 200) {
                    server.stop();
                    steps::deadline_of_it = 0;  // each turn from here on counts
                }
                return answer{q.number, ""};
            });
        });
        BOOST_TEST(served >= 200U);
        BOOST_TEST_MESSAGE(served << " requests served, " << steps::late << " turns after the stop");
    }
    all.clear();
    strait::rpc_server<service, X> const next{clean.name};  // removes what the killed ones have left
}

// The handler of another client's request waits until an honest client has asked, and counts the requests that are served before it.
TYPED_CASE(who_asks_among_them_is_served_behind_few_others, X, transports)
{
    support::clean_host const clean;
    support::shared_page page;
    auto all = flooding<X>(clean.name);
    support::child client([&] {
        strait::rpc_client<service, X> c{clean.name};
        (void)c.call(question{honest});
        for (std::uint64_t i = 1;; ++i) {
            page->await(page->proceed, i);
            auto const asked = c.post(question{honest});
            page->stage = i;
            if (!c.reply_for(asked, 200s))
                return;
        }
    });
    {
        strait::rpc_server<service, X> server{clean.name};
        bool has_come = false, has_asked = false;
        std::uint64_t rounds = 0, before = 0, largest = 0;
        server.serve([&](question const& q) {
            if (q.number == honest) {
                largest = std::max(largest, before);
                has_come = true;
                has_asked = false;
                if (++rounds == 30)
                    server.stop();
            } else if (has_asked) {
                if (++before > steps::most)
                    server.stop();
            } else if (has_come) {
                page->proceed.fetch_add(1);
                page->await(page->stage, page->proceed);
                has_asked = true;
                before = 0;
            }
            return answer{q.number, ""};
        });
        BOOST_TEST(before <= steps::most);
        BOOST_TEST(rounds == 30U);
        BOOST_TEST_MESSAGE("at most " << largest << " requests of others are served before one that has been sent");
    }
    client.kill();
    all.clear();
    strait::rpc_server<service, X> const next{clean.name};
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace steps_rpc
