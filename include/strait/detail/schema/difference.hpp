// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SCHEMA_DIFFERENCE_HPP
#define STRAIT_DETAIL_SCHEMA_DIFFERENCE_HPP

#include <strait/detail/schema/words.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace strait::detail {

// Finds the first difference between the structure of two schemas, that of the channel ("there") and that of this program ("here"),
// in the order of the members. Names are not compared. Of two versions of an extensible type one may have more members. It is
// large: not for the stack.
//
// Distinct objects: safe. Shared objects: unsafe.
class schema_difference {
public:
    schema_difference(parsed_schema const& there, parsed_schema const& here, bounded_text& to) noexcept
        : there_(there), here_(here), to_(to)
    {
    }

    // Writes one line, such as "trade, member 2 (price): f64 there, f32 here". False: there is none that can be told.
    bool find() noexcept
    {
        if (there_.types() == 0 || here_.types() == 0)
            return false;
        if (differ(0, 0, nullptr))
            return true;
        if (there_.fingerprint() == here_.fingerprint())
            return false;
        if (there_.message() != here_.message())
            to_ << message_in_words(there_.message()) << " there, " << message_in_words(here_.message()) << " here";
        else if (there_.is_little_endian() != here_.is_little_endian())
            to_ << "another byte order there";
        else if (there_.fixed_size() != here_.fixed_size() || there_.alignment() != here_.alignment())
            report_sizes(there_.fixed_size(), there_.alignment(), here_.fixed_size(), here_.alignment());
        else if (there_.is_given() || here_.is_given())
            to_ << "the fingerprints that the programs give to it differ";
        else
            to_ << "the same members, in types that lie within each other in another way";
        return true;
    }

    // After find() has found none: whether an extensible type has members here that it does not have there, and the reverse.
    bool has_more_here() const noexcept { return more_here_; }
    bool has_more_there() const noexcept { return more_there_; }

private:
    using type = parsed_schema::type;

    // A member on the way to what is compared.
    struct step {
        step const* outer;
        type const& there;
        type const& here;
        std::size_t part;
    };

    static constexpr unsigned deepest = 128;

    void report_sizes(std::uint64_t there, std::uint64_t aligned_there, std::uint64_t here, std::uint64_t aligned_here) noexcept
    {
        to_ << there << " bytes, aligned to " << aligned_there << " there, " << here << " bytes, aligned to " << aligned_here << " here";
    }

    // Both names, or one where they are equal or one is missing. False: there is none.
    bool name(std::string_view before, std::string_view there, std::string_view here) noexcept
    {
        if (there.empty() && here.empty())
            return false;
        to_ << before << (there.empty() ? here : there);
        if (there != here && !there.empty() && !here.empty())
            to_ << " there, " << here << " here";
        return true;
    }

    void add_way(step const* s) noexcept
    {
        if (s->outer) {
            add_way(s->outer);
            to_ << ", ";
        }
        if (name("", s->there.name, s->here.name))
            to_ << ", ";
        to_ << (s->there.what == kind::variant ? "alternative " : "member ") << s->part + 1;
        if (name(" (", there_.name_of(there_.part_of(s->there, s->part)), here_.name_of(here_.part_of(s->here, s->part))))
            to_ << ")";
    }

    // Begins a report with where that is.
    bounded_text& at(step const* way) noexcept
    {
        if (way) {
            add_way(way);
            to_ << ": ";
        }
        return to_;
    }

    bool report_types(step const* way, std::size_t there, std::size_t here) noexcept
    {
        at(way) << type_in_words(there_, there) << " there, " << type_in_words(here_, here) << " here";
        return true;
    }

    // Products and objects are aggregates both: whether they are sent as they lie in memory follows from their members.
    static bool is_aggregate(type const& t) noexcept
    {
        return t.what == kind::object || t.what == kind::product || t.what == kind::extensible;
    }

    // How many members the first version of an extensible aggregate or class has; 0: it is not extensible.
    static std::uint64_t first_members(type const& t) noexcept
    {
        if (t.what == kind::custom)
            return t.alignment == 0 ? 0 : t.alignment - 1;
        return t.what == kind::extensible ? t.size : 0;
    }

    bool report_versions(step const* way, type const& a, type const& b) noexcept
    {
        auto const say = [this](std::uint64_t first) {
            if (first == 0)
                to_ << "not extensible";
            else
                to_ << "extensible, with " << first << " members in the first version";
        };
        at(way);
        if (name("", a.name, b.name))
            to_ << ": ";
        say(first_members(a));
        to_ << " there, ";
        say(first_members(b));
        to_ << " here";
        return true;
    }

    bool differ(std::size_t i, std::size_t j, step const* way) noexcept
    {
        type const& a = there_.at(i);
        type const& b = here_.at(j);
        bool const aggregates = is_aggregate(a) && is_aggregate(b);
        bool const numbers = a.size == b.size && a.alignment == b.alignment && a.numerator == b.numerator && a.denominator == b.denominator;
        bool const serializers = a.what == kind::custom && b.what == kind::custom;
        if (!aggregates && !serializers && (a.what != b.what || !numbers))
            return report_types(way, i, j);
        bool const same_serializer = serializers && numbers && a.fingerprint == b.fingerprint;
        if (same_serializer && a.alignment == 0)
            return false;
        if (is_new(i, j) && depth_ != deepest) {
            ++depth_;
            bool const found = differ_in_parts(a, b, way, aggregates || serializers || a.what == kind::variant);
            --depth_;
            if (found)
                return true;
        } else if (!serializers)
            return false;
        if (same_serializer)
            return false;
        if (aggregates && first_members(a) != first_members(b))
            return report_versions(way, a, b);
        if (serializers) {
            if (a.name != b.name)
                return report_types(way, i, j);
            at(way) << type_in_words(there_, i) << ", whose serializer has another version or format there";
            return true;
        }
        if (a.what != kind::object || b.what != kind::object || numbers)
            return false;
        if (name("", a.name, b.name))
            to_ << ": ";
        report_sizes(a.size, a.alignment, b.size, b.alignment);
        return true;
    }

    bool differ_in_parts(type const& a, type const& b, step const* way, bool named) noexcept
    {
        for (std::size_t p = 0; p != a.parts && p != b.parts; ++p) {
            auto const& there = there_.part_of(a, p);
            auto const& here = here_.part_of(b, p);
            step const here_we_are{way, a, b, p};
            step const* const inner = named ? &here_we_are : way;
            if (differ(there.type, here.type, inner))
                return true;
            if (a.what == kind::object && b.what == kind::object && there.offset != here.offset) {
                at(inner) << "at byte " << there.offset << " there, at byte " << here.offset << " here";
                return true;
            }
        }
        if (a.parts == b.parts || (a.what == kind::custom && (a.parts == 0 || b.parts == 0)))
            return false;
        if (first_members(a) != 0 && first_members(a) == first_members(b)) {
            (a.parts > b.parts ? more_there_ : more_here_) = true;
            return false;
        }
        at(way);
        if (!name("", a.name, b.name))
            to_ << (a.what == kind::variant ? "the variant" : "the structure");
        to_ << ": " << a.parts << " parts there, " << b.parts << " here; ";
        bool const more = a.parts > b.parts;
        parsed_schema const& longer = more ? there_ : here_;
        auto const& extra = longer.part_of(more ? a : b, more ? b.parts : a.parts);
        to_ << type_in_words(longer, extra.type) << " " << longer.name_of(extra) << (extra.name_size == 0 ? "" : " ") << "is only "
            << (more ? "there" : "here");
        return true;
    }

    // Whether these two have not been compared: types that lie within themselves are compared once.
    bool is_new(std::size_t i, std::size_t j) noexcept
    {
        std::uint64_t& word = compared_[i][j / 64];
        std::uint64_t const before = word;
        word |= std::uint64_t{1} << j % 64;
        return word != before;
    }

    parsed_schema const& there_;
    parsed_schema const& here_;
    bounded_text& to_;
    unsigned depth_ = 0;
    bool more_here_ = false;
    bool more_there_ = false;
    std::uint64_t compared_[schema_most_types][schema_most_types / 64] = {};
};

}  // namespace strait::detail

#endif
