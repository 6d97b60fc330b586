// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SCHEMA_PARSED_HPP
#define STRAIT_DETAIL_SCHEMA_PARSED_HPP

#include <strait/detail/schema/writer.hpp>
#include <strait/error.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace strait::detail {

// A schema that was read from bytes, which another process may have written: every number is checked before it is used, and
// what comes out has at most schema_limit bytes of names and schema_most_types types. How types lie within each other is not
// checked: they may lie in a circle, also where no C++ type can. It is large: not for the stack.
//
// Distinct objects: safe. Shared objects: safe to read.
class parsed_schema {
public:
    struct part {
        std::uint64_t offset;
        std::uint32_t type;
        std::uint16_t name_at;
        std::uint16_t name_size;
    };

    // The fields of type_description.
    struct type {
        kind what = kind::boolean;
        bool is_tuple = false;
        std::uint64_t size = 0;
        std::uint64_t alignment = 0;
        std::uint64_t numerator = 0;
        std::uint64_t denominator = 0;
        std::uint64_t fingerprint = 0;
        std::size_t first_part = 0;  // those of a type stand in a row
        std::size_t parts = 0;
        std::string_view name{};
        std::string_view encoding{};
    };

    parsed_schema() = default;
    parsed_schema(parsed_schema const&) = delete;
    parsed_schema& operator=(parsed_schema const&) = delete;

    // Reads a schema of this version. malformed_message: these are not the bytes of one. incompatible_peer: of another version.
    error_code parse(std::string_view bytes) noexcept
    {
        types_read_ = parts_read_ = 0;
        if (bytes.size() < schema_header || bytes.size() > schema_limit)
            return errc::malformed_message;
        std::memcpy(bytes_, bytes.data(), bytes.size());
        rest_ = {bytes_, bytes.size()};
        if (static_cast<std::uint8_t>(rest_[0]) != schema_version)
            return errc::incompatible_peer;
        message_ = static_cast<kind>(rest_[1]);
        flags_ = static_cast<std::uint8_t>(rest_[2]);
        fingerprint_ = fixed(8, 8);
        fixed_size_ = fixed(16, 8);
        alignment_ = fixed(24, 4);
        std::uint64_t const types = fixed(6, 2);
        bool const known = message_ == kind::custom || message_ == kind::bitwise_message || message_ == kind::flat_message ||
                           message_ == kind::portable_message;
        if (!known || rest_[3] != 0 || fixed(28, 4) != 0 || fixed(4, 2) != rest_.size() || types > schema_most_types ||
            flags_ > 15 || (types == 0) != is_too_large() || (is_too_large() && rest_.size() != schema_header))
            return errc::malformed_message;
        rest_.remove_prefix(schema_header);
        count_ = static_cast<std::size_t>(types);
        for (std::size_t i = 0; i != count_; ++i)
            if (!read_type())
                return forgotten();
        return rest_.empty() && are_parts_right() ? error_code() : forgotten();
    }

    kind message() const noexcept { return message_; }
    std::uint64_t fingerprint() const noexcept { return fingerprint_; }
    std::uint64_t fixed_size() const noexcept { return fixed_size_; }
    std::uint64_t alignment() const noexcept { return alignment_; }
    bool is_little_endian() const noexcept { return (flags_ & schema_little_endian) != 0; }
    bool is_too_large() const noexcept { return (flags_ & schema_too_large) != 0; }
    bool is_given() const noexcept { return (flags_ & schema_given) != 0; }

    std::size_t types() const noexcept { return types_read_; }
    type const& at(std::size_t i) const noexcept { return types_[i]; }
    part const& part_of(type const& t, std::size_t i) const noexcept { return parts_[t.first_part + i]; }
    std::string_view name_of(part const& p) const noexcept { return {bytes_ + p.name_at, p.name_size}; }

private:
    error_code forgotten() noexcept
    {
        types_read_ = parts_read_ = 0;
        return errc::malformed_message;
    }

    std::uint64_t fixed(std::size_t at, std::size_t size) const noexcept
    {
        std::uint64_t n = 0;
        for (std::size_t i = size; i != 0; --i)
            n = n << 8 | static_cast<std::uint8_t>(rest_[at + i - 1]);
        return n;
    }

    bool byte(std::uint8_t& b) noexcept
    {
        if (rest_.empty())
            return false;
        b = static_cast<std::uint8_t>(rest_[0]);
        rest_.remove_prefix(1);
        return true;
    }

    // One spelling for each number: the last group is not 0 unless it is the only one.
    bool number(std::uint64_t& n) noexcept
    {
        n = 0;
        for (unsigned shift = 0; shift != 70; shift += 7) {
            std::uint8_t b = 0;
            if (!byte(b) || (shift == 63 && b > 1) || (shift != 0 && b == 0))
                return false;
            n |= std::uint64_t{b & 127U} << shift;
            if (b < 128)
                return true;
        }
        return false;
    }

    // A name has no control characters, which would reach the terminal of who reads the text.
    bool name(std::string_view& s) noexcept
    {
        std::uint64_t size = 0;
        if (!number(size) || size > rest_.size())
            return false;
        s = rest_.substr(0, static_cast<std::size_t>(size));
        rest_.remove_prefix(s.size());
        for (char const c : s)
            if (static_cast<std::uint8_t>(c) < 32 || c == 127)
                return false;
        return true;
    }

    // Each has a byte at least, so there is a place for it.
    bool add_part(bool with_offset, bool with_name) noexcept
    {
        part p{};
        std::uint64_t n = 0;
        std::string_view s;
        if ((with_offset && !number(p.offset)) || !number(n) || n >= count_ || (with_name && !name(s)))
            return false;
        p.type = static_cast<std::uint32_t>(n);
        p.name_at = static_cast<std::uint16_t>(with_name ? s.data() - bytes_ : 0);
        p.name_size = static_cast<std::uint16_t>(s.size());
        parts_[parts_read_++] = p;
        return true;
    }

    bool add_parts(type& t, std::uint64_t parts, bool with_offset = false, bool with_name = false) noexcept
    {
        if (parts > rest_.size())
            return false;
        t.parts = static_cast<std::size_t>(parts);
        for (std::size_t i = 0; i != t.parts; ++i)
            if (!add_part(with_offset, with_name))
                return false;
        return true;
    }

    bool read_type() noexcept
    {
        type t;
        t.first_part = parts_read_;
        std::uint8_t what = 0;
        std::uint8_t tuple = 0;
        std::uint64_t parts = 0;
        if (!byte(what))
            return false;
        t.what = static_cast<kind>(what);
        bool good = false;
        switch (t.what) {
        case kind::boolean: good = true; break;
        case kind::character:
        case kind::signed_number:
        case kind::unsigned_number: good = number(t.size); break;
        case kind::floating: good = number(t.size) && number(t.alignment); break;
        case kind::enumeration: good = add_parts(t, 1) && name(t.name); break;
        case kind::duration: good = number(t.numerator) && number(t.denominator) && add_parts(t, 1); break;
        case kind::opaque: good = number(t.size) && number(t.alignment) && name(t.name); break;
        case kind::custom:
            good = number(t.size) && rest_.size() >= 8;
            if (good) {
                t.fingerprint = fixed(0, 8);
                rest_.remove_prefix(8);
                good = name(t.name) && name(t.encoding) && number(parts) && add_parts(t, parts, false, true) && number(t.alignment) &&
                       (t.alignment == 0 || t.alignment - 1 <= parts);
            }
            break;
        case kind::extensible:
            good = number(t.size) && name(t.name) && number(parts) && t.size != 0 && t.size <= parts && add_parts(t, parts, false, true);
            break;
        case kind::array: good = number(t.size) && add_parts(t, 1); break;
        case kind::product:
            good = byte(tuple) && tuple <= 1 && name(t.name) && number(parts) && add_parts(t, parts, false, true);
            t.is_tuple = tuple == 1;
            break;
        case kind::object:
            good = number(t.size) && number(t.alignment) && name(t.name) && number(parts) && add_parts(t, parts, true, true);
            break;
        case kind::variant: good = number(parts) && add_parts(t, parts); break;
        case kind::steady_time:
        case kind::other_time:
        case kind::complex:
        case kind::optional:
        case kind::sequence:
        case kind::set:
        case kind::multiset: good = add_parts(t, 1); break;
        case kind::map:
        case kind::multimap: good = add_parts(t, 2); break;
        default: break;
        }
        if (good)
            types_[types_read_++] = t;
        return good;
    }

    static bool is_number(kind k) noexcept { return k >= kind::boolean && k <= kind::floating; }

    // Whether a scalar is made of what it can be made of: so a walk that descends into scalars ends.
    bool are_parts_right() const noexcept
    {
        for (std::size_t i = 0; i != types_read_; ++i) {
            type const& t = types_[i];
            if (t.parts == 0)
                continue;
            kind const inner = types_[parts_[t.first_part].type].what;
            if ((t.what == kind::enumeration || t.what == kind::duration || t.what == kind::complex) && !is_number(inner))
                return false;
            if ((t.what == kind::steady_time || t.what == kind::other_time) && inner != kind::duration)
                return false;
        }
        return true;
    }

    char bytes_[schema_limit];
    std::string_view rest_;  // of bytes_, while they are read
    std::size_t count_ = 0;
    kind message_ = kind::custom;
    std::uint8_t flags_ = 0;
    std::uint64_t fingerprint_ = 0;
    std::uint64_t fixed_size_ = 0;
    std::uint64_t alignment_ = 0;
    std::size_t types_read_ = 0;
    std::size_t parts_read_ = 0;
    type types_[schema_most_types];
    part parts_[schema_limit];
};

}  // namespace strait::detail

#endif
