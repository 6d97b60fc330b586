// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MPMC_GEOMETRY_HPP
#define STRAIT_DETAIL_MPMC_GEOMETRY_HPP

#include <strait/detail/membership/backing_object.hpp>
#include <strait/detail/membership/participant.hpp>
#include <strait/detail/mpmc/words.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/ring/copy_unsteady.hpp>
#include <strait/detail/ring/geometry.hpp>
#include <strait/detail/wait/eventcount.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/serialization/layout.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

// Where things lie in the segment of a ring with many senders and receivers:
//
//   0 control block   4096 mpmc_header   ring_data_offset() N words   (at a page) S senders * B buffers   end
//
// S and B follow from the size of a message, N and the size of the segment. Sender i, which holds the i-th lock of its
// role, writes into the buffers i * B to i * B + B - 1 and nowhere else.
//
//   buffer of one size:  payload, padded to a multiple of max(8, alignment)
//   that varies:         size u64   unit payload, padded to a multiple of unit, which is max(8, alignment)
namespace strait::detail {

// Each word has a line of its own: it is read at every message, and written only when an end goes to sleep or is woken.
//
//   4096 receivers u32  eventcount of the receivers, which wait for messages
//   4224 senders   u32  eventcount of the senders, which wait for room
struct mpmc_header {
    alignas(128) eventcount receivers;
    alignas(128) eventcount senders;
};

static_assert(offsetof(mpmc_header, receivers) == 0 && offsetof(mpmc_header, senders) == 128 && sizeof(mpmc_header) == 256 &&
              sizeof(mpmc_header) <= sizeof(ring_header));

// A mapped ring whose extent has been checked.
struct mpmc_view {
    mpmc_header* header;
    mpmc_words words;
    std::byte* buffers;
    std::uint64_t buffer_count;  // of all senders
    std::uint64_t per_sender;
    std::uint64_t first_own;     // the first buffer of this participant, if it is a sender
    std::uint64_t max_message_size;
};

inline std::uint64_t mpmc_buffers_offset(std::uint64_t capacity) noexcept
{
    std::uint64_t const page = page_size();
    return ring_data_offset() + (capacity * 8 + page - 1) / page * page;
}

inline mpmc_words mpmc_words_of(participant const& c, std::uint64_t capacity) noexcept
{
    return {reinterpret_cast<atomic<std::uint64_t>*>(c.memory()->data() + ring_data_offset()), capacity};
}

// What membership needs to know.
struct mpmc_mechanism : no_backing_object {
    static std::uint64_t data_offset() noexcept { return ring_data_offset(); }

    // Whether a message lies where a receiver would go on. The channel has no participant that could change that.
    bool unread(participant const& c, location const&) const noexcept
    {
        std::uint64_t const capacity = read_once(c.block().capacity);
        if (!std::has_single_bit(capacity) || capacity > mpmc_words::most || mpmc_buffers_offset(capacity) > c.memory()->size())
            return false;
        mpmc_words const words = mpmc_words_of(c, capacity);
        unsigned steps = mpmc_words::most_steps;
        std::uint64_t const next = words.first_unconsumed(words.somewhere_before(), steps);
        return steps != 0 && mpmc_word::is_full_in(words.look(next), words.lap(next));
    }
};
static_assert(backing_object<mpmc_mechanism>);

template <message_layout L>
struct mpmc_geometry {
    using view_type = mpmc_view;
    using mechanism_type = mpmc_mechanism;

    static_assert(L.alignment <= 4096, "strait: a message type aligned to more than a page does not fit into a mapping");

    static constexpr bool varies = L.fixed_size == 0;
    static constexpr std::uint64_t unit = std::max<std::size_t>(8, L.alignment);
    static constexpr std::uint64_t payload_offset = varies ? unit : 0;
    static constexpr std::uint64_t default_largest = 4096;                      // when sizes vary
    static constexpr std::uint64_t default_bytes = std::uint64_t{4} << 20;      // of all buffers, unless they are large
    static constexpr std::uint64_t least_senders = 8;
    static constexpr std::uint64_t most_senders = 64;
    static constexpr std::uint64_t fair_share = 32;  // buffers for each sender; large messages have fewer senders instead

    static constexpr std::uint64_t stride(std::uint64_t largest) noexcept
    {
        return payload_offset + (largest + unit - 1) / unit * unit;
    }
    static constexpr std::uint64_t senders(std::uint64_t stride) noexcept
    {
        return std::clamp(default_bytes / (fair_share * stride), least_senders, most_senders);
    }

    static mechanism_type mechanism() noexcept { return {}; }
    static constexpr ::off_t places(role r) noexcept { return r == role::sender ? ::off_t{most_senders} : lock_bytes::most; }

    static error_code traits(channel_options const& how, message_type const& type, channel_traits& t)
    {
        constexpr std::uint64_t far = std::uint64_t{1} << 46;
        t.transport = "shm_ring/mpmc";
        t.type = &type;
        t.fingerprint = L.fingerprint ^ (unit - 8);
        t.element_size = L.fixed_size;
        t.retained = true;
        t.keep = how.keep;
        t.max_message_size = !varies ? L.fixed_size : how.max_message_size != 0 ? how.max_message_size : default_largest;
        if (how.capacity > mpmc_words::most || t.max_message_size > far)
            return errc::out_of_memory;
        std::uint64_t const each = stride(t.max_message_size);
        std::uint64_t const all = senders(each) * each;
        t.capacity = how.capacity != 0 ? std::bit_ceil(std::uint64_t{how.capacity})
                                       : std::bit_floor(std::clamp<std::uint64_t>(default_bytes / all, 8, 4096));
        if (t.capacity > far / all)
            return errc::out_of_memory;
        std::uint64_t const share = std::max<std::uint64_t>(2, std::max(default_bytes, t.capacity * each) / all);
        t.size = mpmc_buffers_offset(t.capacity) + std::min(t.capacity, share) * all;
        return {};
    }

    // Where a participant finds the ring. The first opener has decided the sizes: what the control block says of them must fit
    // what is mapped, else peer_corrupt. busy: there are more senders than buffers.
    static error_code view(participant const& c, role r, mpmc_view& v)
    {
        std::uint64_t const size = c.memory()->size();
        std::uint64_t const capacity = read_once(c.block().capacity);
        std::uint64_t const largest = read_once(c.block().max_message_size);
        if (!std::has_single_bit(capacity) || capacity > mpmc_words::most || largest > size || (!varies && largest != L.fixed_size))
            return errc::peer_corrupt;
        std::uint64_t const first = mpmc_buffers_offset(capacity);
        std::uint64_t const each = stride(largest);
        std::uint64_t const most = senders(each);
        if (each == 0 || size <= first || (size - first) % (most * each) != 0 || (size - first) / each > mpmc_word::most_buffers)
            return errc::peer_corrupt;
        std::uint64_t const count = (size - first) / each;
        if (r == role::sender && c.place() >= most)
            return errc::busy;
        v = {&header_of<mpmc_header>(c), mpmc_words_of(c, capacity),
             c.memory()->data() + first, count, count / most, r == role::sender ? c.place() * (count / most) : 0, largest};
        return {};
    }
};

// One message in a sender's buffer.
template <message_layout L>
struct mpmc_buffer {
    using geometry = mpmc_geometry<L>;

    // How many bytes of memory a receiver needs for its copy.
    static constexpr std::uint64_t copy_bytes(std::uint64_t largest) noexcept { return (largest + 7) / 8 * 8; }

    static void set_size(std::byte* buffer, std::uint64_t size) noexcept
    {
        if constexpr (geometry::varies)
            shared_word(buffer).store(size, std::memory_order_relaxed);
    }

    static std::uint64_t size(std::byte const* buffer) noexcept
    {
        if constexpr (geometry::varies)
            return shared_word(buffer).load(std::memory_order_relaxed);
        else
            return L.fixed_size;
    }

    // Copies the payload. `size` is at most that of the largest message: it must have been checked after it was read.
    static void read(std::byte const* buffer, std::byte* copy, std::uint64_t size) noexcept
    {
        copy_unsteady(buffer + geometry::payload_offset, copy, size);
    }
};

}  // namespace strait::detail

#endif
