// Distributed under the Boost Software License, Version 1.0.
#ifndef RINGS_SEGMENT_HPP
#define RINGS_SEGMENT_HPP

#include "ends.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

// The words of each topology where a peer that does not obey finds them.
namespace rings {

using raw::segment;

constexpr std::size_t header = 4096;  // behind the control block

/// The words of the sender in lane `lane` of an mpsc ring, and those that all lanes share.
class lane_segment : public segment {
public:
    explicit lane_segment(std::string const& name, std::size_t lane = 0) : segment(name), lane_(lane) {}

    std::atomic<std::uint64_t>& opened() const noexcept { return word(header + 8); }
    std::atomic<std::uint64_t>& called() const noexcept { return word(header + 16); }
    std::atomic<std::uint64_t>& head() const noexcept { return word(own()); }
    std::atomic<std::uint64_t>& consumed() const noexcept { return word(own() + 128); }
    std::atomic<std::uint64_t>& receiver_sleeps() const noexcept { return word(own() + 256); }
    std::atomic<std::uint64_t>& message(std::size_t offset) const noexcept
    {
        std::size_t const first = strait::detail::lanes_data_offset();
        return word(first + lane_ * ((words() * 8 - first) / 64) + offset);
    }

private:
    std::size_t own() const noexcept { return header + 128 + lane_ * 512; }

    std::size_t lane_;
};

/// An mpmc ring of less than 64 places, where the words lie in the order of their positions.
class places_segment : public segment {
public:
    places_segment(std::string const& name, std::uint64_t capacity) : segment(name), capacity_(capacity) {}

    std::atomic<std::uint64_t>& place(std::uint64_t number) const noexcept { return message(number * 8); }
    std::atomic<std::uint64_t>& buffer(std::uint64_t offset) const noexcept
    {
        return word(strait::detail::mpmc_buffers_offset(capacity_) + offset);
    }

private:
    std::uint64_t capacity_;
};

/// The words of a ring whose receiver goes on where the last one was, as its sender and that receiver have them; of an
/// mpsc ring those of lane 1.
template <class X>
struct resumed_segment;
template <>
struct resumed_segment<spsc> : segment {
    using segment::segment;
};
template <>
struct resumed_segment<mpsc> : lane_segment {
    explicit resumed_segment(std::string const& name) : lane_segment(name, 1) {}
};

/// Where a broadcast ring has its words.
namespace broadcast_words {
constexpr std::size_t tail = header;                    // lossy: how far the sender is
constexpr std::size_t last = header + 8;                // lossy: where the newest record begins
constexpr std::size_t claimed = header + 128;           // lossy: up to here the sender may be writing
constexpr std::size_t members = header + 640;           // lossless: a bit for each receiver that holds the sender back
constexpr std::size_t cursor_head = header + 896;       // lossless: of the first receiver
constexpr std::size_t cursor_consumed = cursor_head + 128;
}  // namespace broadcast_words

}  // namespace rings

#endif
