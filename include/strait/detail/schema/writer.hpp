// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SCHEMA_WRITER_HPP
#define STRAIT_DETAIL_SCHEMA_WRITER_HPP

#include <strait/detail/schema/description.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

// The bytes of a schema, version 2. Numbers of the header are little-endian; `n` is a number in groups of seven bits, the lowest
// first, each but the last with the bit 128; `name` is n, the number of its bytes, and these bytes; `type` is n, the number of a
// type. Type 0 is that of the message.
//
//   header   0 version u8   1 message u8   2 flags u8   3 zero u8   4 size u16   6 types u16   8 fingerprint u64
//           16 fixed_size u64, 0 where sizes vary      24 alignment u32         28 zero u32
//   message  custom, bitwise_message, flat_message or portable_message (of detail::kind)
//   flags    1 little-endian   2 with names   4 the structure is too large and was left out   8 the fingerprint was given by the user
//   types    as many as the header says, each a kind u8, and then
//
//     boolean                                   nothing
//     character, signed_number, unsigned_number n bytes
//     floating                                  n bytes, n digits
//     enumeration                               type, name
//     duration                                  n numerator, n denominator, type
//     steady_time, other_time, complex          type
//     opaque                                    n bytes, n alignment, name
//     custom                                    n bytes (0: they vary), fingerprint u64, name, name of the encoding, n parts,
//                                               of each: type, name, n growth. The fingerprint stands for the parts. growth: 0, the
//                                               parts are only for people; 1, something in them may be extensible; else 1 more
//                                               than the number of the members that the first version has
//     array                                     n elements, type
//     extensible                                n members of the first version, name, n parts, of each: type, name
//     product                                   tuple u8 (1: it is a tuple), name, n parts, of each: type, name
//     object                                    n bytes, n alignment, name, n members, of each: n offset, type, name
//     variant                                   n alternatives, of each: type
//     optional, sequence, set, multiset         type
//     map, multimap                             type of the key, type of the value
//
// Names are left out (empty) when all would not fit into schema_limit, and the types when even that does not suffice. The types
// stand in the order in which a walk from the message's type meets them, level by level: a type has one schema only.
namespace strait::detail {

inline constexpr std::uint8_t schema_version = 2;
inline constexpr std::size_t schema_header = 32;
inline constexpr std::size_t schema_limit = 3260;      // bytes: the room that a control file has
inline constexpr std::size_t schema_most_types = 256;

inline constexpr unsigned schema_little_endian = 1;
inline constexpr unsigned schema_names = 2;
inline constexpr unsigned schema_too_large = 4;
inline constexpr unsigned schema_given = 8;

// Every unit that opens a channel compiles this, and what explains a mismatch. So these classes have arrays of a fixed size and no
// containers: with them such a unit took half a second longer.
struct schema_bytes {
    std::size_t size = 0;
    char data[schema_limit];

    std::string_view view() const noexcept { return {data, size}; }
};

// Distinct objects: safe. Shared objects: unsafe.
class schema_writer {
public:
    static void write(message_description const* m, schema_bytes& to) noexcept
    {
        to.size = 0;
        if (!m)
            return;
        schema_writer w(to);
        for (bool const names : {true, false})
            if (w.write_types(*m, names))
                return;
        to.size = schema_header;
        w.set_header(*m, schema_too_large, 0);
    }

private:
    explicit schema_writer(schema_bytes& to) noexcept : to_(to) {}

    bool write_types(message_description const& m, bool names) noexcept
    {
        names_ = names;
        fits_ = true;
        to_.size = schema_header;
        types_[0] = m.root;
        count_ = 1;
        for (std::size_t i = 0; i != count_ && fits_; ++i)
            add(*types_[i]);
        set_header(m, names ? schema_names : 0, count_);
        return fits_;
    }

    void set_header(message_description const& m, unsigned flags, std::size_t types) noexcept
    {
        std::memset(to_.data, 0, schema_header);
        flags |= (std::endian::native == std::endian::little ? schema_little_endian : 0U) | (m.given ? schema_given : 0U);
        to_.data[0] = static_cast<char>(schema_version);
        to_.data[1] = static_cast<char>(m.what);
        to_.data[2] = static_cast<char>(flags);
        set_number(4, 2, to_.size);
        set_number(6, 2, types);
        set_number(8, 8, m.fingerprint);
        set_number(16, 8, m.fixed_size);
        set_number(24, 4, m.alignment);
    }

    void set_number(std::size_t at, std::size_t size, std::uint64_t n) noexcept
    {
        for (std::size_t i = 0; i != size; ++i, n >>= 8)
            to_.data[at + i] = static_cast<char>(n);
    }

    void add_byte(std::uint64_t b) noexcept
    {
        fits_ = fits_ && to_.size != schema_limit;
        if (fits_)
            to_.data[to_.size++] = static_cast<char>(b);
    }

    void add_number(std::uint64_t n) noexcept
    {
        for (; n >= 128; n >>= 7)
            add_byte(n | 128);
        add_byte(n);
    }

    void add_name(std::string_view name) noexcept
    {
        std::size_t const size = names_ ? name.size() : 0;
        add_number(size);
        for (std::size_t i = 0; i != size; ++i)
            add_byte(static_cast<unsigned char>(name[i]));
    }

    void add_type(type_description const* t) noexcept
    {
        std::size_t i = 0;
        while (i != count_ && types_[i] != t)
            ++i;
        add_number(i);
        if (i != count_)
            return;
        fits_ = fits_ && count_ != schema_most_types;
        if (fits_)
            types_[count_++] = t;
    }

    // Their number, and each with its offset, where it has one, its type and its name.
    void add_named_parts(type_description const& t) noexcept
    {
        add_number(t.parts);
        for (std::size_t i = 0; i != t.parts; ++i) {
            if (t.offset)
                add_number(t.offset[i]);
            add_type(t.part[i]);
            add_name(t.names ? std::string_view(t.names[i]) : member_name(t.compiled_names, i));
        }
    }

    void add_parts(type_description const& t) noexcept
    {
        for (std::size_t i = 0; i != t.parts; ++i)
            add_type(t.part[i]);
    }

    void add(type_description const& t) noexcept
    {
        add_byte(static_cast<std::uint64_t>(t.what));
        switch (t.what) {
        case kind::character:
        case kind::signed_number:
        case kind::unsigned_number: add_number(t.size); break;
        case kind::floating:
            add_number(t.size);
            add_number(t.alignment);
            break;
        case kind::enumeration:
            add_parts(t);
            add_name(t.name);
            break;
        case kind::duration:
            add_number(t.numerator);
            add_number(t.denominator);
            add_parts(t);
            break;
        case kind::opaque:
            add_number(t.size);
            add_number(t.alignment);
            add_name(t.name);
            break;
        case kind::custom:
            add_number(t.size);
            for (int shift = 0; shift != 64; shift += 8)
                add_byte(t.fingerprint >> shift & 255U);
            add_name(t.name);
            add_name(t.encoding);
            add_named_parts(t);
            add_number(t.alignment);
            break;
        case kind::extensible:
            add_number(t.size);
            add_name(t.name);
            add_named_parts(t);
            break;
        case kind::array:
            add_number(t.size);
            add_parts(t);
            break;
        case kind::product:
            add_byte(t.is_tuple ? 1 : 0);
            add_name(t.name);
            add_named_parts(t);
            break;
        case kind::object:
            add_number(t.size);
            add_number(t.alignment);
            add_name(t.name);
            add_named_parts(t);
            break;
        case kind::variant:
            add_number(t.parts);
            add_parts(t);
            break;
        default: add_parts(t);
        }
    }

    schema_bytes& to_;
    bool names_ = true;
    bool fits_ = true;
    std::size_t count_ = 0;
    type_description const* types_[schema_most_types];
};

}  // namespace strait::detail

#endif
