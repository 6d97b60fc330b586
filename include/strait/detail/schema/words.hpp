// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SCHEMA_WORDS_HPP
#define STRAIT_DETAIL_SCHEMA_WORDS_HPP

#include <strait/detail/schema/parsed.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace strait::detail {

// Text in memory of a fixed size; what does not fit is left out. Control characters, which another process may have written,
// become question marks.
//
// Distinct objects: safe. Shared objects: unsafe.
class bounded_text {
public:
    bounded_text(char* memory, std::size_t size) noexcept : memory_(memory), most_(size - 1) { memory_[0] = '\0'; }

    std::string_view view() const noexcept { return {memory_, size_}; }
    bool is_full() const noexcept { return size_ == most_; }

    bounded_text& operator<<(std::string_view s) noexcept
    {
        for (char const c : s)
            if (size_ != most_)
                memory_[size_++] = static_cast<unsigned char>(c) < 32 || c == 127 ? '?' : c;
        memory_[size_] = '\0';
        return *this;
    }

    bounded_text& operator<<(std::uint64_t n) noexcept
    {
        char digits[20];
        std::size_t at = sizeof digits;
        do
            digits[--at] = static_cast<char>('0' + n % 10);
        while ((n /= 10) != 0);
        return *this << std::string_view(digits + at, sizeof digits - at);
    }

private:
    char* memory_;
    std::size_t most_;
    std::size_t size_ = 0;
};

// What a type is called, or of what it is made where it has no name: `f64`, `optional<trade>`. It is cut where it is nested deep.
class type_in_words {
public:
    type_in_words(parsed_schema const& s, std::size_t type) noexcept : schema_(s), type_(type) {}

    friend bounded_text& operator<<(bounded_text& to, type_in_words const& t) noexcept
    {
        char memory[256];
        bounded_text own(memory, sizeof memory);
        t.write(own, t.type_, 0);
        return to << own.view() << (own.is_full() ? "..." : "");
    }

private:
    void write_parts(bounded_text& to, std::string_view before, parsed_schema::type const& t, unsigned depth,
                     std::string_view behind = ">") const noexcept
    {
        to << before;
        for (std::size_t p = 0; p != t.parts && !to.is_full(); ++p) {
            to << (p == 0 ? "" : ", ");
            write(to, schema_.part_of(t, p).type, depth + 1);
        }
        to << behind;
    }

    bool is_text(parsed_schema::type const& t) const noexcept
    {
        auto const& element = schema_.at(schema_.part_of(t, 0).type);
        return element.what == kind::character && element.size == 1;
    }

    void write(bounded_text& to, std::size_t i, unsigned depth) const noexcept
    {
        parsed_schema::type const& t = schema_.at(i);
        if (depth > 8 || to.is_full()) {
            to << "...";
            return;
        }
        std::uint64_t const bits = t.size * 8;
        switch (t.what) {
        case kind::boolean: to << "bool"; break;
        case kind::character:
            to << "char";
            if (t.size != 1)
                to << bits;
            break;
        case kind::signed_number: to << "i" << bits; break;
        case kind::unsigned_number: to << "u" << bits; break;
        case kind::floating: to << "f" << (t.alignment == 64 ? 80 : bits); break;
        case kind::enumeration:
            to << (t.name.empty() ? "enum" : t.name);
            write_parts(to, " : ", t, depth, "");
            break;
        case kind::duration:
            write_parts(to, "duration<", t, depth, ", ");
            to << t.numerator << "/" << t.denominator << ">";
            break;
        case kind::steady_time: write_parts(to, "steady_time<", t, depth); break;
        case kind::other_time: write_parts(to, "time<", t, depth); break;
        case kind::complex: write_parts(to, "complex<", t, depth); break;
        case kind::opaque: to << (t.name.empty() ? "opaque" : t.name) << " of " << t.size << " bytes"; break;
        case kind::custom: to << (t.name.empty() ? "custom" : t.name); break;
        case kind::array:
            write_parts(to, "array<", t, depth, ", ");
            to << t.size << ">";
            break;
        case kind::product:
        case kind::object:
        case kind::extensible:
            if (t.name.empty())
                write_parts(to, t.is_tuple ? "tuple<" : "struct<", t, depth);
            else
                to << t.name;
            break;
        case kind::optional: write_parts(to, "optional<", t, depth); break;
        case kind::variant: write_parts(to, "variant<", t, depth); break;
        case kind::sequence:
            if (is_text(t))
                to << "string";
            else
                write_parts(to, "sequence<", t, depth);
            break;
        case kind::set: write_parts(to, "set<", t, depth); break;
        case kind::multiset: write_parts(to, "multiset<", t, depth); break;
        case kind::map: write_parts(to, "map<", t, depth); break;
        case kind::multimap: write_parts(to, "multimap<", t, depth); break;
        default: to << "?";
        }
    }

    parsed_schema const& schema_;
    std::size_t type_;
};

inline std::string_view message_in_words(kind message) noexcept
{
    switch (message) {
    case kind::bitwise_message: return "sent as it lies in memory";
    case kind::flat_message: return "sent as a row of elements as they lie in memory";
    case kind::portable_message: return "sent in the portable encoding";
    default: return "sent by a serializer of its own";
    }
}

}  // namespace strait::detail

#endif
