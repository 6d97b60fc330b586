// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/acknowledged.hpp>
#include <strait/transport/tcp.hpp>
#include <strait/transport/udp.hpp>

#include <support/child.hpp>
#include <support/messages.hpp>
#include <support/shared_page.hpp>
#include <support/two_hosts.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <thread>

namespace network_faults_two_hosts {

using namespace strait;
using namespace std::chrono_literals;
using support::child;
using support::notes;
using support::two_hosts;

namespace {

using acked = acknowledged<tcp>;
template <class X>
using text_end = typename X::template receiver_end<detail::codec<std::string>::layout>;

std::string const where = two_hosts::near_address + std::string(":4000");

// What the kernel's qdiscs do to what the far host sends. The last drops what is more than it lets through at a time.
constexpr char const* faults[] = {"netem loss 10%", "netem delay 4ms 3ms duplicate 10% reorder 20%",
                                  "tbf rate 8mbit burst 4kb limit 8kb"};

struct fixture {
    support::watchdog watchdog;
    support::shared_page page;
    std::atomic<std::uint64_t>& received = page->other[0];   // by the near host
    std::atomic<std::uint64_t>& accepted = page->other[1];
    std::atomic<std::uint64_t>& connections = page->other[2];
    std::atomic<std::uint64_t>& counted = page->other[3];  // as missing

    // True: it was played.
    template <class Near>
    bool play(Near near, std::string const& fault = {})
    {
        for (auto* const n : {&page->done, &page->stage, &page->wrong, &received, &accepted, &connections, &counted})
            *n = 0;
        int const status = two_hosts::play([&](two_hosts const& hosts) {
            if (!fault.empty() && !hosts.far_runs("tc qdisc add dev far root " + fault))
                return two_hosts::no_such_fault;
            return static_cast<int>(near(hosts));
        });
        if (status == two_hosts::no_name_spaces)
            BOOST_TEST_MESSAGE("SKIPPED: two hosts: no network name spaces of our own are allowed here");
        else if (status == two_hosts::no_wire)
            BOOST_TEST_MESSAGE("SKIPPED: two hosts: nothing joins them: no ip(8), or no veth devices in this kernel");
        else if (status == two_hosts::no_such_fault)
            BOOST_TEST_MESSAGE("SKIPPED: two hosts: no tc(8), or this kernel has no " + fault);
        else {
            BOOST_TEST(status == 0);
            BOOST_TEST(page->wrong == 0U);
            return true;
        }
        return false;
    }

    // Cuts the wire, for so long each time, whenever more has been received than before.
    child cutting(two_hosts const& hosts, std::initializer_list<std::chrono::milliseconds> cuts)
    {
        return child([this, &hosts, cuts] {
            for (auto const& length : cuts) {
                notes::await(received, received + 200);
                bool done = hosts.cut();
                std::this_thread::sleep_for(length);
                done = hosts.mend() && done;
                ++page->stage;
                if (!done)
                    return 1;
            }
            return 0;
        });
    }

    // At least so many, in a row, until there have been so many cuts. Each new connection has another port.
    template <class X>
    int send(typename X::options const& how, std::uint64_t count, std::uint64_t cuts = 0)
    {
        sender<std::string, X> out(where, how);
        std::uint16_t port = 0;
        for (std::uint64_t i = 0; i < count || page->stage < cuts; ++i) {
            out.send(support::make_text(i));
            ++accepted;
            if (auto const now = detail::inet_address::of(out.native_handle()); now.size != 0 && now.port() != port) {
                port = now.port();
                ++connections;
            }
        }
        return out.close() ? 0 : 1;
    }

    // Up to the end, each once and in order.
    template <class End>
    int receive(End& in)
    {
        support::sequence_checker seen;
        while (auto const m = in.peek(deadline::never())) {
            page->wrong += !seen.see(std::string_view(reinterpret_cast<char const*>(m->data()), m->size()));
            in.release();
            received = seen.count();
        }
        return in.ended() == end_reason::left ? 0 : 2;
    }

    // Sends datagrams until there have been these cuts and something has come after them. What does not come is counted:
    // of the tail only where the sender's last word comes, and not where up to so many have overtaken the first one.
    int datagrams(two_hosts const& hosts, std::initializer_list<std::chrono::milliseconds> cuts, std::uint64_t overtaken = 0)
    {
        auto in = text_end<udp>::open(where, {}, "test").value();
        child sending = hosts.far([&] {
            sender<std::string, udp> out(where);
            for (std::uint64_t seen = 0; accepted < 2'000 || page->stage < cuts.size() || received == seen;) {
                accepted += out.send_for(support::make_text(accepted), 60s) ? 1 : 0;
                if (page->stage < cuts.size())
                    seen = received;
                std::this_thread::sleep_for(50us);
            }
            page->done = 1;
            return out.close() ? 0 : 1;
        });
        child cutter = cutting(hosts, cuts);
        std::set<std::uint64_t> came;
        for (;;) {
            bool const over = page->done != 0;
            auto const m = in.peek(deadline::after(200ms));
            if (!m && (over || m.error() != errc::timed_out))
                break;
            if (!m)
                continue;
            std::string_view const text(reinterpret_cast<char const*>(m->data()), m->size());
            page->wrong += !support::is_whole(text) || !came.insert(support::origin_of(text).sequence).second;
            in.release();
            received = came.size();
        }
        counted = in.stats().dropped;
        std::uint64_t const gaps = came.empty() ? 1 : *came.rbegin() - *came.begin() + 1 - came.size();
        page->wrong += counted + overtaken < gaps || counted > accepted - came.size();
        return sending.wait() + cutter.wait();
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(faults_between_two_hosts, fixture)

// A silent network breaks no connection by itself: TCP overcomes the short cuts, of the long ones the sender gets tired.
BOOST_AUTO_TEST_CASE(acknowledged_messages_are_neither_lost_nor_doubled_when_the_wire_is_cut)
{
    if (play([&](two_hosts const& hosts) {
            acked::options how;
            how.reconnect_within = 1h;
            auto in = text_end<acked>::open(where, how, "test").value();
            child sending = hosts.far([&] {
                how.user_timeout = 200ms;
                how.linger = 100s;
                return send<acked>(how, 3'000, 4);
            });
            child cuts = cutting(hosts, {50ms, 1200ms, 100ms, 1200ms});
            int const ended = receive(in);
            return ended + sending.wait() + cuts.wait();
        })) {
        BOOST_TEST(received == accepted);
        BOOST_TEST(received >= 3'000U);
        BOOST_TEST(connections > 1U);
    }
}

BOOST_AUTO_TEST_CASE(a_plain_connection_goes_on_when_the_wire_is_mended)
{
    if (play([&](two_hosts const& hosts) {
            auto in = text_end<tcp>::open(where, {}, "test").value();
            child sending = hosts.far([&] { return send<tcp>({}, 3'000, 2); });
            child cuts = cutting(hosts, {100ms, 1500ms});
            int const ended = receive(in);
            return ended + sending.wait() + cuts.wait();
        })) {
        BOOST_TEST(received == accepted);
        BOOST_TEST(connections == 1U);
    }
}

BOOST_AUTO_TEST_CASE(a_plain_sender_is_told_when_the_wire_stays_cut_for_longer_than_it_waits)
{
    play([&](two_hosts const& hosts) {
        tcp::options how;
        how.keep_alive = 1s;
        auto in = text_end<tcp>::open(where, how, "test").value();
        child sending = hosts.far([&] {
            how.user_timeout = 300ms;
            sender<std::string, tcp> out(where, how);
            error_code told;
            for (; !told; ++accepted)
                if (auto const r = out.send_for(support::make_text(accepted), 60s); !r)
                    told = r.error();
            page->stage = 1;
            for (error_code again = errc::no_receiver; again == errc::no_receiver;) {
                auto const r = out.send_for("again", 60s);
                again = r ? error_code() : r.error();
            }
            return told == errc::no_receiver && out.close() ? 0 : 1;
        });
        // What came through, in order and once, and the next connection; the first one's death is told before or after.
        bool again = false;
        for (bool cut = false;;) {
            auto const m = in.peek(received == 500 && !cut ? deadline::poll() : deadline::never());
            if (received == 500 && !cut) {
                cut = hosts.cut();
                notes::await(page->stage, 1);
                page->wrong += !hosts.mend();
            }
            if (!m) {
                if (again)
                    return (in.ended() == end_reason::none ? 3 : 0) + sending.wait();
                continue;
            }
            std::string_view const text(reinterpret_cast<char const*>(m->data()), m->size());
            if (text == "again") {
                page->wrong += again;
                again = true;
            }
            else
                page->wrong += text != support::make_text(received++);
            in.release();
        }
    });
}

BOOST_AUTO_TEST_CASE(what_a_cut_wire_takes_of_datagrams_is_counted)
{
    if (play([&](two_hosts const& hosts) { return datagrams(hosts, {300ms, 300ms}); }))
        BOOST_TEST(counted > 0U);
}

BOOST_AUTO_TEST_CASE(a_bad_wire_costs_connections_nothing_but_time)
{
    for (char const* const fault : faults) {
        play(
            [&](two_hosts const& hosts) {
                auto in = text_end<tcp>::open(where, {}, "test").value();
                child sending = hosts.far([&] { return send<tcp>({}, 500); });
                return receive(in) + sending.wait();
            },
            fault);
        play(
            [&](two_hosts const& hosts) {
                auto in = text_end<acked>::open(where, {}, "test").value();
                child sending = hosts.far([&] { return send<acked>({}, 500); });
                return receive(in) + sending.wait();
            },
            fault);
    }
}

BOOST_AUTO_TEST_CASE(what_a_bad_wire_takes_of_datagrams_is_counted)
{
    for (char const* const fault : faults) {
        bool const in_order = !std::string_view(fault).starts_with("netem delay");
        if (play([&](two_hosts const& hosts) { return datagrams(hosts, {}, in_order ? 0 : 64); }, fault))
            BOOST_TEST((counted > 0U || !std::string_view(fault).starts_with("netem loss")));  // a slow sender fits through a narrow wire
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace network_faults_two_hosts
