// Distributed under the Boost Software License, Version 1.0.
#ifndef THREADS_RECEIVED_HPP
#define THREADS_RECEIVED_HPP

#include "messages.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <map>
#include <vector>

namespace split {

/// What one receiver got: of each sender a subsequence, whole and in order.
struct received {
    std::map<std::uint64_t, std::vector<std::uint64_t>> sequences;  // of each sender
    std::uint64_t wrong = 0;
    std::uint64_t messages = 0;
    std::uint64_t dropped = 0;
    bool ended = false;  // as all senders left

    template <class T>
    void note(T const& message)
    {
        auto const from = support::origin_of(message);
        auto& of_sender = sequences[from.sender];
        wrong += !support::is_whole(message) || (!of_sender.empty() && of_sender.back() >= from.sequence);
        of_sender.push_back(from.sequence);
    }
};

/// Each message of each sender was received by exactly one receiver.
inline void check_each_was_received_once(std::vector<received> const& all, std::uint64_t senders, std::uint64_t count)
{
    std::map<std::uint64_t, std::vector<int>> times;
    for (auto const& one : all) {
        BOOST_TEST(one.wrong == 0U);
        for (auto const& [sender, sequences] : one.sequences)
            for (std::uint64_t const s : sequences) {
                auto& counts = times[sender];
                counts.resize(count);
                ++counts.at(s);
            }
    }
    BOOST_TEST(times.size() == senders);
    for (auto const& [sender, counts] : times)
        BOOST_TEST((counts == std::vector<int>(count, 1)), "sender " << sender << ": a message is lost or came twice");
}

}  // namespace split

#endif
