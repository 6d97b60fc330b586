// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_CONTENTS_HPP
#define STRAIT_DETAIL_MEMBERSHIP_CONTENTS_HPP

#include <strait/detail/membership/control_block.hpp>
#include <strait/detail/membership/leftover.hpp>
#include <strait/detail/membership/location.hpp>
#include <strait/detail/os/file_view.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

// What lies in a channel, for somebody who does not join it: who lists channels, and who removes those that are not used. Nothing
// of this writes, waits, or holds a lock; what is read may be written by others at the same moment.
namespace strait::detail {

// A channel's control file, open for reading, and memory that lies beside it.
//
// Distinct objects: safe. Shared objects: unsafe.
class channel_view {
public:
    // Who uses the channel: ends, as far as is known; none, when somebody last looked; none, and the caller holds the set-up
    // lock, so that none can come.
    enum class use : std::uint8_t { used, unused, locked };

    channel_view(int fd, location const& where, use by) noexcept : fd_(fd), where_(where), file_(fd), control_(file_), use_(by) {}

    int fd() const noexcept { return fd_; }
    location const& where() const noexcept { return where_; }
    control_copy const& control() const noexcept { return control_; }
    file_view const& file() const noexcept { return file_; }
    bool is_unused() const noexcept { return use_ != use::used; }
    bool is_locked() const noexcept { return use_ == use::locked; }

    // Memory of this process that holds what follows the control file. Its owner may not take it away.
    void lay_beside(std::byte const* at, std::uint64_t size) noexcept
    {
        beside_ = at;
        beside_size_ = size;
    }

    // Of the control file and what lies beside it.
    std::uint64_t size() const noexcept { return file_.size() + beside_size_; }

    // False where there are no such bytes.
    bool read(std::uint64_t offset, void* to, std::size_t n) const noexcept
    {
        std::uint64_t const first = file_.size();
        if (offset < first || beside_size_ == 0)
            return file_.read(offset, to, n);
        if (offset - first > beside_size_ || n > beside_size_ - (offset - first))
            return false;
        std::memcpy(to, beside_ + (offset - first), n);
        return true;
    }

    std::optional<std::uint64_t> word(std::uint64_t offset) const noexcept
    {
        std::uint64_t w = 0;
        return read(offset, &w, sizeof w) ? std::optional(w) : std::nullopt;
    }

    // To what the messages are aligned, at least 8; 0: the schema cannot be read.
    std::uint64_t alignment() const noexcept
    {
        constexpr std::size_t at = 24;  // doc/schema.md
        std::uint32_t n = 0;
        std::string_view const schema = control_.schema();
        if (schema.size() < at + sizeof n)
            return 0;
        std::memcpy(&n, schema.data() + at, sizeof n);
        return n > 8 && n <= 4096 && std::has_single_bit(n) ? n : 8;
    }

private:
    int fd_;
    location const& where_;
    file_view file_;
    control_copy control_;
    std::byte const* beside_ = nullptr;
    std::uint64_t beside_size_ = 0;
    use use_;
};

// What is unread. Only a mechanism can tell, and not each of them.
struct channel_contents {
    enum class knowledge : std::uint8_t { unknown, at_least, exact };

    knowledge known = knowledge::unknown;
    std::uint64_t unread = 0;        // messages; of a broadcast those that the slowest receiver has not read
    std::uint64_t kernel_bytes = 0;  // that messages take in a queue of the kernel
    char const* damage = nullptr;    // what cannot be, in words; null: nothing was seen

    void count(std::uint64_t messages, knowledge how = knowledge::exact) noexcept
    {
        unread = messages;
        known = how;
    }
};

// How one mechanism tells what is unread in its channels:
//
//   is_of(v)     whether this mechanism has made the channel. Its control file is intact and complete
//   look(v, c)   fills c. The channel may be in use, and its memory may hold anything
template <class C>
concept contents_reader = requires(channel_view const& v, channel_contents& c)
{
    { C::is_of(v) } noexcept -> std::same_as<bool>;
    { C::look(v, c) } -> std::same_as<void>;
};

// Those of several mechanisms. The first one whose channel it is looks.
template <contents_reader... Each>
struct contents_readers {
    static void look(channel_view const& v, channel_contents& c)
    {
        static_cast<void>((... || (Each::is_of(v) && (Each::look(v, c), true))));
    }
};

}  // namespace strait::detail

#endif
