// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_MESSAGES_HPP
#define SUPPORT_MESSAGES_HPP

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace support {

constexpr std::uint64_t mixed(std::uint64_t x) noexcept  // the finisher of splitmix64
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

/// A message of fixed size in which a torn or mixed copy shows: every word depends on the sequence and the sender.
struct probe {
    std::uint64_t sequence;
    std::uint64_t sender;
    std::array<std::uint64_t, 6> filling;

    friend bool operator==(probe const&, probe const&) = default;
};

constexpr probe make_probe(std::uint64_t sequence, std::uint64_t sender = 0) noexcept
{
    probe p{sequence, sender, {}};
    for (auto& word : p.filling)
        word = mixed(sequence ^ (sender << 48) ^ (static_cast<std::uint64_t>(&word - p.filling.data()) << 40));
    return p;
}

constexpr bool is_whole(probe const& p) noexcept { return p == make_probe(p.sequence, p.sender); }

/// The same in 8 bytes; made of one above, so that tests write the same for both.
struct small_probe {
    std::uint32_t sequence = 0;
    std::uint16_t sender = 0;
    std::uint16_t filling = 0;

    constexpr small_probe() = default;
    constexpr small_probe(probe const& p) noexcept
        : sequence(static_cast<std::uint32_t>(p.sequence)), sender(static_cast<std::uint16_t>(p.sender)),
          filling(static_cast<std::uint16_t>(mixed(sequence ^ std::uint64_t{sender} << 48)))
    {
    }

    friend constexpr bool operator==(small_probe const&, small_probe const&) = default;
};
static_assert(sizeof(small_probe) == 8);

constexpr bool is_whole(small_probe const& p) { return p == small_probe(make_probe(p.sequence, p.sender)); }

/// The same in a message whose size depends on the sequence: `sender sequence` and a filling of up to `longest` bytes.
inline std::string make_text(std::uint64_t sequence, std::uint64_t sender = 0, std::size_t longest = 600)
{
    std::string text = std::to_string(sender) + ' ' + std::to_string(sequence) + ' ';
    text.resize(text.size() + mixed(sequence) % longest);
    for (std::size_t i = text.rfind(' ') + 1; i < text.size(); ++i)
        text[i] = static_cast<char>('a' + mixed(sequence + i) % 26);
    return text;
}

template <class T>
T make_message(std::uint64_t sequence, std::uint64_t sender = 0)
{
    if constexpr (std::is_same_v<T, std::string>)
        return make_text(sequence, sender);
    else
        return T(make_probe(sequence, sender));
}

struct origin {
    std::uint64_t sender = 0;
    std::uint64_t sequence = 0;
};

inline origin origin_of(probe const& p) noexcept { return {p.sender, p.sequence}; }
inline origin origin_of(small_probe const& p) noexcept { return {p.sender, p.sequence}; }

inline origin origin_of(std::string_view text) noexcept
{
    origin o;
    auto const [space, first] = std::from_chars(text.data(), text.data() + text.size(), o.sender);
    if (first == std::errc{} && space != text.data() + text.size())
        std::from_chars(space + 1, text.data() + text.size(), o.sequence);
    return o;
}

inline bool is_whole(std::string_view text)
{
    origin const o = origin_of(text);
    return text == make_text(o.sequence, o.sender);
}

/// Looks at a stream of messages: whole, and of each sender every one exactly once and in order.
class sequence_checker {
public:
    /// `first`: the sequence number expected first of each sender.
    explicit sequence_checker(std::uint64_t first = 0) : first_(first) {}

    /// False when this message is torn, lost its predecessor, or came before.
    template <class T>
    bool see(T const& message)
    {
        origin const o = origin_of(message);
        auto& expected = next_.try_emplace(o.sender, first_).first->second;
        bool const right = is_whole(message) && o.sequence == expected;
        expected = o.sequence + 1;
        ++count_;
        return right;
    }

    /// The number that must come next from this sender: how many have come, if the first was 0.
    std::uint64_t next(std::uint64_t sender = 0) const
    {
        auto const found = next_.find(sender);
        return found == next_.end() ? first_ : found->second;
    }

    std::uint64_t count() const noexcept { return count_; }

private:
    std::uint64_t first_;
    std::uint64_t count_ = 0;
    std::map<std::uint64_t, std::uint64_t> next_;
};

}  // namespace support

#endif
