// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SCHEMA_VERIFICATION_HPP
#define STRAIT_DETAIL_SCHEMA_VERIFICATION_HPP

#include <strait/detail/schema/parsed.hpp>

#include <cstddef>
#include <cstdint>

namespace strait::detail {

// Computes the fingerprint of a schema's structure as codec/fingerprint.hpp does at compile time, so that one which says something
// else than its fingerprint is found out. What was appended to extensible types is not in it. It takes a bounded number of steps, whatever the schema says.
//
// Distinct objects: safe. Shared objects: unsafe.
class schema_verification {
public:
    explicit schema_verification(parsed_schema const& s) noexcept : schema_(s) {}

    // Whether the structure has this fingerprint. True also where that cannot be told: when the user has given the fingerprint,
    // and when the structure was left out.
    bool is_right() noexcept
    {
        if (schema_.is_too_large() || schema_.is_given())
            return true;
        parsed_schema::type const& root = schema_.at(0);
        if (schema_.message() == kind::custom)
            return root.what == kind::custom && root.fingerprint == schema_.fingerprint();
        std::uint64_t inner = 0;
        if (!hash_of_root(root, inner))
            return false;
        std::uint64_t h = hash_words(schema_.message());
        if (schema_.message() != kind::portable_message)
            h = add_word(h, schema_.is_little_endian());
        if (schema_.message() == kind::bitwise_message)
            h = add_word(add_word(h, schema_.fixed_size()), schema_.alignment());
        return add_word(h, inner) == schema_.fingerprint();
    }

private:
    // The recursive types that a part lies in, nearest first.
    struct level {
        std::size_t type;
        level const* next;
    };

    static constexpr std::size_t words = schema_most_types / 64;
    static constexpr unsigned most_steps = 100'000;
    static constexpr unsigned most_levels = 600;

    bool spend() noexcept { return ++steps_ <= most_steps && depth_ < most_levels; }

    // These functions leave a hash in `h`, or return false when there is none.
    bool hash_of_root(parsed_schema::type const& root, std::uint64_t& h) noexcept
    {
        if (schema_.message() == kind::bitwise_message)
            return in_memory(0, h);
        if (schema_.message() == kind::flat_message)
            return root.what == kind::sequence && in_memory(schema_.part_of(root, 0).type, h);
        find_reach();
        return encoded(0, nullptr, h);
    }

    bool scalar(parsed_schema::type const& t, std::uint64_t& h) noexcept
    {
        h = hash_words(t.what);
        switch (t.what) {
        case kind::boolean: return true;
        case kind::character:
        case kind::signed_number:
        case kind::unsigned_number: h = add_word(h, t.size); return true;
        case kind::floating: h = add_word(add_word(h, t.size), t.alignment); return true;
        case kind::custom: h = add_word(add_word(h, t.size), t.fingerprint); return true;
        case kind::duration: h = add_word(add_word(h, t.numerator), t.denominator); break;
        case kind::enumeration:
        case kind::complex:
        case kind::steady_time:
        case kind::other_time: break;
        default: return false;
        }
        std::uint64_t inner = 0;
        (void)scalar(schema_.at(schema_.part_of(t, 0).type), inner);  // the parser has checked what it is
        h = add_word(h, inner);
        return true;
    }

    bool in_memory(std::size_t i, std::uint64_t& h) noexcept
    {
        if (!is_known_[i]) {
            ++depth_;
            is_known_[i] = spend() && structure_in_memory(schema_.at(i), known_[i]);
            --depth_;
        }
        h = known_[i];
        return is_known_[i];
    }

    bool structure_in_memory(parsed_schema::type const& t, std::uint64_t& h) noexcept
    {
        if (t.what != kind::array && t.what != kind::object && t.what != kind::opaque)
            return scalar(t, h);
        std::uint64_t all = add_word(hash_words(t.what), t.size);
        if (t.what != kind::array)
            all = add_word(all, t.alignment);
        if (t.what == kind::object)
            all = add_word(all, t.parts);
        for (std::size_t p = 0; p != t.parts; ++p) {
            auto const& part = schema_.part_of(t, p);
            std::uint64_t inner = 0;
            if (!in_memory(part.type, inner))
                return false;
            all = add_word(all, t.what == kind::object ? add_word(hash_words(part.offset), inner) : inner);
        }
        h = all;
        return true;
    }

    // Of an extensible aggregate, the members that its first version had: only they are in the fingerprint.
    static std::size_t first_parts(parsed_schema::type const& t) noexcept
    {
        return t.what == kind::extensible ? static_cast<std::size_t>(t.size) : t.parts;
    }

    bool reaches(std::size_t from, std::size_t to) const noexcept { return (reach_[from][to / 64] >> to % 64 & 1U) != 0; }

    // Which types each type is made of, at any depth.
    void find_reach() noexcept
    {
        std::size_t const n = schema_.types();
        for (std::size_t i = 0; i != n; ++i) {
            auto const& t = schema_.at(i);
            for (std::size_t p = 0; p != first_parts(t) && t.what != kind::custom; ++p) {
                std::size_t const to = schema_.part_of(t, p).type;
                reach_[i][to / 64] |= std::uint64_t{1} << to % 64;
            }
        }
        for (std::size_t k = 0; k != n; ++k)
            for (std::size_t i = 0; i != n; ++i)
                for (std::size_t w = 0; reaches(i, k) && w != words; ++w)
                    reach_[i][w] |= reach_[k][w];
    }

    // A type that cannot lead back to one of the levels is hashed once, without them.
    bool encoded(std::size_t i, level const* up, std::uint64_t& h) noexcept
    {
        std::uint64_t distance = 0;
        bool leads_back = false;
        for (level const* l = up; l; l = l->next, ++distance) {
            if (l->type == i) {
                h = add_word(hash_words(kind::recursion), distance);
                return true;
            }
            leads_back = leads_back || reaches(i, l->type);
        }
        if (!leads_back && is_known_[i]) {
            h = known_[i];
            return true;
        }
        ++depth_;
        bool const found = spend() && structure_encoded(i, leads_back ? up : nullptr, h);
        --depth_;
        if (found && !leads_back) {
            is_known_[i] = true;
            known_[i] = h;
        }
        return found;
    }

    bool structure_encoded(std::size_t i, level const* up, std::uint64_t& h) noexcept
    {
        parsed_schema::type const& t = schema_.at(i);
        level const here{i, up};
        if (((t.what == kind::product && !t.is_tuple) || t.what == kind::extensible) && reaches(i, i))
            up = &here;
        std::uint64_t count = 1;
        switch (t.what) {
        case kind::opaque:
            h = add_word(add_word(add_word(hash_words(t.what), t.size), t.alignment), schema_.is_little_endian());
            return true;
        case kind::array:
        case kind::extensible: count = t.size; break;
        case kind::product:
        case kind::variant: count = t.parts; break;
        case kind::optional:
        case kind::sequence:
        case kind::set:
        case kind::multiset:
        case kind::map:
        case kind::multimap: break;
        default: return scalar(t, h);
        }
        std::uint64_t all = add_word(hash_words(t.what), count);
        for (std::size_t p = 0; p != first_parts(t); ++p) {
            std::uint64_t inner = 0;
            if (!encoded(schema_.part_of(t, p).type, up, inner))
                return false;
            all = add_word(all, inner);
        }
        h = all;
        return true;
    }

    parsed_schema const& schema_;
    std::uint64_t known_[schema_most_types] = {};  // of the types that are hashed once
    bool is_known_[schema_most_types] = {};
    std::uint64_t reach_[schema_most_types][words] = {};
    unsigned steps_ = 0;
    unsigned depth_ = 0;
};

}  // namespace strait::detail

#endif
