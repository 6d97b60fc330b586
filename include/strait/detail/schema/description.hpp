// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SCHEMA_DESCRIPTION_HPP
#define STRAIT_DETAIL_SCHEMA_DESCRIPTION_HPP

#include <strait/detail/os/fnv1a.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

// What the compiler knows of a message type, as constants that refer to each other. They are written into bytes when an end is
// opened (schema/writer.hpp): a compiler that had to do that would take longer.
namespace strait::detail {

/// FNV-1a over these words, each as eight bytes, the lowest first.
constexpr std::uint64_t add_word(std::uint64_t hash, std::uint64_t word) noexcept
{
    for (int i = 0; i != 8; ++i, word >>= 8)
        hash = fnv1a_step(hash, static_cast<std::uint8_t>(word));
    return hash;
}

constexpr std::uint64_t hash_words(auto... words)
{
    std::uint64_t hash = fnv1a_basis;
    ((hash = add_word(hash, static_cast<std::uint64_t>(words))), ...);
    return hash;
}

// Peers compare these numbers through their fingerprints, and read them in each other's schemas, so a number never changes.
enum class kind : std::uint8_t {
    boolean = 1,
    character,
    signed_number,
    unsigned_number,
    floating,
    enumeration,
    duration,
    steady_time,
    other_time,
    complex,
    opaque,
    custom,
    array,
    product,  // tuple or aggregate, encoded part by part
    object,   // aggregate, as it lies in memory
    optional,
    variant,
    sequence,
    set,
    multiset,
    map,
    multimap,
    recursion,
    bitwise_message,
    flat_message,
    portable_message,
    extensible,  // aggregate to which members may be appended, encoded part by part
};

// One type. Nothing in it is allocated. A field has the meaning that schema/writer.hpp gives for this kind, else it is 0.
struct type_description {
    kind what;
    bool is_tuple = false;              // a product whose C++ type is no aggregate
    std::uint64_t size = 0;             // bytes; of an array, the number of its elements; of an extensible aggregate, that of its first members
    std::uint64_t alignment = 0;        // bytes; of a floating number, its digits; of a custom type, 0 or 1 + the number of its first members
    std::uint64_t numerator = 0;        // of the period of a duration
    std::uint64_t denominator = 0;
    std::uint64_t fingerprint = 0;      // of a serializer that strait cannot look into
    std::size_t parts = 0;
    type_description const* const* part = nullptr;
    std::size_t const* offset = nullptr;  // of each part of an object, in bytes
    std::string_view name{};
    std::string_view compiled_names{};  // of the members, in a text of the compiler's that member_name() reads
    char const* const* names = nullptr; // of the parts, where they are known otherwise
    std::string_view encoding{};        // what such a serializer calls its format
};

// One message type, with the layout that a channel compares.
struct message_description {
    kind what;  // bitwise_message, flat_message, portable_message or custom
    bool given; // the user has given the fingerprint: it is no hash of the structure
    std::uint64_t fingerprint;
    std::uint64_t fixed_size;
    std::uint64_t alignment;
    type_description const* root;
    bool grows = false;  // it holds something extensible: peers with this fingerprint may have another version
};

// The name of a member, from the text that a compiler prints for the addresses of all members in a row:
//
//     Clang   {{{&object.value.id, &object.value.price, nullptr, ...}}}
//     GCC     {((const void*)(& imagined<trade>::object.imagined_storage<trade>::value.trade::id)), ...}
//
// Empty when the text has another form.
constexpr std::string_view member_name(std::string_view text, std::size_t member) noexcept
{
    constexpr std::string_view before = "value.";
    std::size_t at = 0;
    for (std::size_t i = 0; i <= member; ++i) {
        at = text.find(before, at);
        if (at == text.npos)
            return {};
        at += before.size();
    }
    text = text.substr(at);
    std::size_t end = text.find("))");
    while (end != text.npos && end + 2 < text.size() && text[end + 2] != ',' && text[end + 2] != '}')
        end = text.find("))", end + 1);
    if (end == text.npos)
        end = text.find_first_of(",}");
    if (end == text.npos)
        return {};
    std::size_t begin = end;
    auto const is_part = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & '\x80') != 0;
    };
    while (begin != 0 && is_part(text[begin - 1]))
        --begin;
    return text.substr(begin, end - begin);
}

}  // namespace strait::detail

#endif
