// Distributed under the Boost Software License, Version 1.0.
#include <support/names.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <strait/rpc.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/unix_stream.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace threads_rpc_pool {

namespace {

struct number {
    std::uint64_t value;
};
using doubling = strait::rpc_interface<number(number), std::string(std::string)>;
using plain_doubling = strait::rpc_interface<number(number)>;

using transports = std::tuple<strait::shm_ring<>, strait::unix_stream>;

}  // namespace

TYPED_CASE(a_pool_answers_clients_in_threads, X, transports)
{
    support::watchdog const watch;
    strait::endpoint const where = support::unique_name();
    strait::rpc_server<doubling, X> server{where};
    std::atomic<int> handled{0};
    std::thread serving([&] {
        server.serve_in_pool(
            3,
            [&](number const& n) {
                ++handled;
                if (n.value == 99)
                    throw std::runtime_error("no");
                return number{2 * n.value};
            },
            [&](std::string const& s) { return s + s; });
    });
    std::atomic<int> right{0};
    std::vector<std::thread> clients;
    for (int i = 0; i != 4; ++i)
        clients.emplace_back([&] {
            strait::rpc_client<doubling, X> c{where};
            std::vector<strait::rpc_pending<number>> asked;
            for (std::uint64_t n = 0; n != 200; ++n) {
                right += c.call(std::string("ab")) == "abab";
                asked.push_back(c.post(number{n}));
                if (asked.size() == 20) {
                    for (auto const& a : asked)
                        right += c.reply_for(a, std::chrono::seconds(60)).has_value();
                    asked.clear();
                }
            }
        });
    for (auto& c : clients)
        c.join();
    server.stop();
    serving.join();
    BOOST_TEST(right == 4 * (200 + 199));
    BOOST_TEST(handled == 800);
}

TYPED_CASE(a_pool_stops_in_the_middle_of_calls, X, transports)
{
    support::watchdog const watch;
    strait::endpoint const where = support::unique_name();
    for (int round = 0; round != support::rounds(10); ++round) {
        strait::rpc_server<plain_doubling, X> server{where};
        std::thread serving([&] { server.serve_in_pool(2, [](number const& n) { return number{2 * n.value}; }); });
        std::atomic<int> joined{0};
        std::atomic<int> asked{0};
        std::atomic<int> gone{0};
        std::vector<std::thread> clients;
        for (int i = 0; i != 2; ++i)
            clients.emplace_back([&] {
                strait::rpc_client<plain_doubling, X> c{where};
                ++joined;  // a server that has stopped takes nobody
                for (;; ++asked)
                    if (auto const r = c.call_for(number{1}, std::chrono::seconds(60)); !r) {
                        gone += r.error() == strait::errc::server_gone;
                        return;
                    }
            });
        while (joined != 2 || asked < 50)
            std::this_thread::yield();
        server.stop();
        serving.join();
        for (auto& c : clients)
            c.join();
        BOOST_TEST(gone == 2);
    }
}

}  // namespace threads_rpc_pool
