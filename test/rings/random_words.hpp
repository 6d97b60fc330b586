// Distributed under the Boost Software License, Version 1.0.
#ifndef RINGS_RANDOM_WORDS_HPP
#define RINGS_RANDOM_WORDS_HPP

#include "segment.hpp"

#include <support/child.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace rings {

/// What ends can do with a ring, in the process whose memory another one writes to: as many ends as the ring takes, up to
/// two of each kind, join, exchange messages and leave, again and again.
template <class X, class T>
void use_all_ends(std::string const& name, support::notes& notes, int rounds)
{
    channel_options how = small<X, T>();
    how.max_message_size = 700;
    how.connect_timeout = std::chrono::milliseconds(2);
    how.linger = std::chrono::milliseconds(50);
    how.keep = true;
    for (int round = 0; round != rounds; ++round) {
        std::vector<sender> senders;
        std::vector<receiver> receivers;
        for (int i = 0; i != 2; ++i) {
            if (i == 0 || many_senders<X>)
                if (auto s = try_sender<X, T>(name, how))
                    senders.push_back(std::move(*s));
            if (i == 0 || many_receivers<X>)
                if (auto r = try_receiver<X, T>(name, how))
                    receivers.push_back(std::move(*r));
        }
        notes.stage = 1;
        for (std::uint64_t k = 0; k != 500; ++k) {
            auto const until = k % 50 == 0 ? deadline::after(std::chrono::milliseconds(1)) : deadline::poll();
            for (auto& s : senders)
                for (int n = 0; n != (X::guarantees.bounded ? 1 : 3); ++n)
                    (void)send(s, support::make_message<T>(k, k), until);
            for (auto& r : receivers) {
                if (k % 3 != 0)
                    (void)receive<T>(r, until);
                if (k % 3 != 0 && r.has_message())
                    (void)receive<T>(r, until);
                (void)r.stats();
            }
        }
        for (auto& s : senders)
            (void)s.stats();
    }
}

/// Writes random words to the ring until it is killed, from byte `from` on. Half of them go to the first kibibyte behind
/// the control block, where the words are that steer the ends, or where the words of its places are; many are nearly right.
template <class X>
void write_random_words(std::string const& name, std::string const& root, unsigned seed, std::size_t from)
{
    segment const memory(name, root);
    std::mt19937_64 random(seed);
    std::size_t const end = memory.words() * 8;
    for (;;) {
        std::size_t at = from + random() % ((end - from) / 8) * 8;
        if (random() % 2 == 0) {
            std::size_t const ranges[] = {512, 2048, std::is_same_v<X, mpmc> ? 0 : 24};
            std::size_t const range = ranges[random() % 3];
            at = range == 0 ? strait::detail::ring_data_offset() + random() % 16 * 8 : header + random() % (range / 8) * 8;
            if (at >= end)
                continue;
        }
        auto& word = memory.word(at);
        std::uint64_t const right = word.load(std::memory_order_relaxed);
        switch (random() % 6) {
        case 0: word.store(right + random() % 64 * 8, std::memory_order_relaxed); break;
        case 1: word.store(right - random() % 64, std::memory_order_relaxed); break;
        case 2: word.store(right ^ std::uint64_t{1} << random() % 64, std::memory_order_relaxed); break;
        case 3: word.store(right + (std::uint64_t{1} << 24), std::memory_order_relaxed); break;  // a lap of mpmc
        default: word.store(random() >> random() % 64, std::memory_order_relaxed);
        }
    }
}

/// Ends at work while words of every magnitude are written all over what they share: with the control block, which soon
/// stops all who open, and without it in turns.
template <class X, class T>
void survive_random_words(std::string const& root = "/dev/shm")
{
    support::shared_page page;
    for (int i = 0; i != support::rounds(6); ++i) {
        std::string const name = support::unique_name();
        page->stage = 0;
        support::child victim([&] { use_all_ends<X, T>(name, *page, support::rounds(40)); });
        support::notes::await(page->stage, 1);
        support::child writer([&] { write_random_words<X>(name, root, static_cast<unsigned>(i), i % 2 == 0 ? 0 : header); });
        BOOST_TEST(victim.wait() == 0);
        writer.kill();
        BOOST_TEST(X::remove(name).has_value());
    }
}

}  // namespace rings

#endif
