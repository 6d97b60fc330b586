// Distributed under the Boost Software License, Version 1.0.
#ifndef CRASH_SUBJECT_HPP
#define CRASH_SUBJECT_HPP

#include "points.hpp"

#include <rings/raw_ends.hpp>
#include <support/messages.hpp>

#include <cstdint>
#include <string>
#include <type_traits>

namespace crash {

using strait::deadline;
using strait::errc;
using support::probe;

// Sleeps where `adaptive` would poll first, so that a wait is the same few steps each time.
struct sleeps_at_once {
    static constexpr char const* name = "sleeps_at_once";
    static constexpr bool sleeps = true;
    static constexpr std::int64_t spin_nanoseconds = 0;
};

// A ring of this topology that carries these messages, and what a bystander can see of it.
template <class Topology, class T, class Memory = strait::posix_memory>
struct subject {
    using ring = strait::shm_ring<Topology, sleeps_at_once, Memory>;
    using message = T;
    using sender = raw::sender<T, ring>;
    using receiver = raw::receiver<T, ring>;

    static constexpr bool many = std::is_same_v<Topology, strait::mpmc>;
    static constexpr bool lanes = std::is_same_v<Topology, strait::mpsc>;
    static constexpr bool in_line = !many && !lanes;  // one sender after the other, in one line
    static constexpr bool varies = std::is_same_v<T, std::string>;

    static std::string name()
    {
        return std::string(Topology::name) + ", " + (ring::guarantees.nameless ? "" : Memory::name + std::string(", ")) +
               (varies ? "sizes vary" : "one size");
    }

    // A small ring is full after 16 messages, or after a page of texts.
    static strait::channel_options options(bool small)
    {
        return {.capacity = varies && !many ? (small ? 4096U : 32768U) : (small ? 16U : 64U)};
    }

    class bystander {
    public:
        bystander(std::string const& name, bool small) : segment_(name), capacity_(options(small).capacity) {}

        bool receiver_sleeps() const { return sleeps(many || lanes ? 4096 : 4096 + 256); }
        bool sender_sleeps() const
        {
            if constexpr (lanes)
                return any_lane([&](std::size_t lane) { return sleeps(lane_header(lane) + 384); });
            else
                return sleeps(many ? 4096 + 128 : 4096 + 384);
        }

        // Whether a message waits to be received.
        bool queued() const
        {
            if constexpr (many)
                return full_words() != 0;
            else if constexpr (lanes)
                return any_lane([&](std::size_t lane) { return is_there(lane_header(lane), lane_data(lane), 0); });
            else
                return is_there(4096, strait::detail::ring_data_offset(), 0);
        }

        // Whether there is no room, where a bystander can tell.
        bool full() const
        {
            if constexpr (many) {
                return full_words() == capacity_;
            } else if constexpr (varies) {
                return true;
            } else if constexpr (lanes) {
                return any_lane([&](std::size_t lane) { return is_there(lane_header(lane), lane_data(lane), capacity_ - 1); });
            } else {
                return is_there(4096, strait::detail::ring_data_offset(), capacity_ - 1);
            }
        }

    private:
        static constexpr std::size_t stride = 8 + sizeof(probe);

        // Of a ring of one sender, or of a lane: whether the message so far behind the next one is there.
        bool is_there(std::size_t header, std::size_t data, std::uint64_t behind) const
        {
            std::uint64_t const at = segment_.word(header + 128).load(std::memory_order_acquire) + behind;
            if constexpr (varies)
                return segment_.word(data + (at & (capacity_ - 1))) != 0;
            else
                return segment_.word(data + (at & (capacity_ - 1)) * stride) == at + 1;
        }

        static constexpr std::size_t lane_header(std::size_t lane) { return 4096 + 128 + lane * 512; }
        std::size_t lane_data(std::size_t lane) const
        {
            std::size_t const first = strait::detail::lanes_data_offset();
            return first + lane * ((segment_.words() * 8 - first) / strait::detail::lanes_header::most);
        }
        template <class Has>
        bool any_lane(Has has) const
        {
            for (std::size_t lane = 0; lane != strait::detail::lanes_header::most; ++lane)
                if ((segment_.word(4096 + 8) >> lane & 1) != 0 && has(lane))
                    return true;
            return false;
        }

        bool sleeps(std::size_t at) const { return (segment_.word(at).load(std::memory_order_relaxed) & 1) != 0; }
        std::uint64_t full_words() const
        {
            std::uint64_t n = 0;
            for (std::uint64_t i = 0; i != capacity_; ++i)
                n += strait::detail::mpmc_word::is_full(segment_.message(i * 8));
            return n;
        }

        raw::segment segment_;
        std::uint64_t capacity_;
    };
};

}  // namespace crash

#endif
