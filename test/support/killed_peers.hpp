// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_KILLED_PEERS_HPP
#define SUPPORT_KILLED_PEERS_HPP

#include <support/child.hpp>
#include <support/code.hpp>
#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/print.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <strait/channel.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace support {

/// Kills one receiver after the other: the sender is told each time, and finds the next one.
template <class T, class X>
void kill_receivers(strait::sender<T, X>& out, strait::endpoint const& where)
{
    for (int round = 0; round != 5; ++round) {
        shared_page page;
        child reader([&] {
            strait::receiver<T, X> in{where};
            page->stage = 1;
            for (T const& m : in)
                page->done = static_cast<std::uint64_t>(m);
        });
        page->await(page->stage, 1);
        while (code(out.send_for(1, std::chrono::seconds(60))) == strait::errc::no_receiver) {
        }
        page->await(page->done, 1);
        reader.kill();
        strait::error_code told;
        while (!told)
            told = code(out.try_send(2));
        BOOST_CHECK_EQUAL(told, strait::errc::no_receiver);
    }
}

/// Kills one of four senders in the middle: what it had sent arrives, nothing is torn, and the others send all of theirs.
template <class X>
void kill_one_of_many_senders()
{
    for (int round = 0; round != rounds(15); ++round) {
        auto const where = unique_name();
        strait::receiver<std::string, X> in{where};
        shared_page page;
        std::vector<child> senders;
        constexpr std::uint64_t each = 500;
        for (std::uint64_t s = 0; s != 4; ++s)
            senders.emplace_back([&, s] {
                strait::sender<std::string, X> out{where};
                page->stage += 1;
                for (std::uint64_t i = 0; s == 0 || i != each; ++i) {
                    out.send(make_text(i, s));
                    page->other[s] = i + 1;
                }
            });
        page->await(page->stage, 4);
        sequence_checker seen;
        std::uint64_t const enough = mixed(static_cast<std::uint64_t>(round)) % 300 + 1;
        while (auto const text = in.receive()) {
            BOOST_REQUIRE(seen.see(*text));
            if (seen.next(0) == enough)
                senders[0].kill();
        }
        BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::died);
        BOOST_CHECK_GE(seen.next(0), page->other[0].load());
        for (std::uint64_t s = 1; s != 4; ++s) {
            BOOST_CHECK_EQUAL(seen.next(s), each);
            BOOST_CHECK_EQUAL(senders[s].wait(), 0);
        }
    }
}

}  // namespace support

#endif
