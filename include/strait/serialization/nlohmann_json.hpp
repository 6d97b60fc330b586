// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SERIALIZATION_NLOHMANN_JSON_HPP
#define STRAIT_SERIALIZATION_NLOHMANN_JSON_HPP

#include <strait/serialization/serializer.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <utility>

namespace strait {

namespace detail {

/// How many arrays and objects may lie within each other. Copying a value of the library takes stack for each of them.
inline constexpr std::size_t json_nesting_limit = 512;

/// How many names an ordered object may compare with each other while a message is parsed: it looks for each name among
/// all that it has, so an object of n names takes n * n / 2.
inline constexpr std::uint64_t json_comparison_limit = std::uint64_t{1} << 26;

// Objects that look for a name among all that they have.
template <class Json>
inline constexpr bool json_searches_names = requires(typename Json::object_t& o) { o.data(); };

// Whether a text nests too deep, or has objects of too many names, if `Searches`.
template <bool Searches>
bool json_is_too_costly(std::span<char const> text)
{
    std::array<std::uint32_t, json_nesting_limit + 1> commas;  // of each array and object that is open: their names, or elements
    std::uint64_t comparisons = 0;
    std::size_t depth = 0;
    bool quoted = false;
    commas[0] = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (quoted && c == '\\')
            ++i;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '[' || c == '{')) {
            if (++depth > json_nesting_limit)
                return true;
            commas[depth] = 0;
        }
        else if (!quoted && (c == ']' || c == '}') && depth != 0)
            --depth;
        else if (Searches && !quoted && c == ':')
            comparisons += commas[depth];
        else if (Searches && !quoted && c == ',')
            ++commas[depth];
    }
    return comparisons > json_comparison_limit;
}

}  // namespace detail

/// A serializer for types that nlohmann/json converts: it sends JSON text. nlohmann::json itself has it already. Opt in:
///
///     NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(person, name, age)
///     template <>
///     struct strait::serializer<person> : strait::as_json<person> {};
///
/// JSON describes itself, so all types share one fingerprint: peers whose types differ are not refused, and a message that does
/// not fit is errc::malformed_message; so are nesting above 512, objects of ordered_json with more than about 11,000
/// names, and what from_json() throws. It fills hash containers without looking at collisions: take ordered ones where
/// peers are not trusted. JSON has no NaN and no infinity: they arrive as null. Text that is not UTF-8 throws the
/// library's type_error out of send(). A message is dumped twice, once to learn its size. Needs a default constructor.
/// Thread safe.
template <class T, class Json = nlohmann::json>
struct as_json {
    /// What the format is called, for schemas.
    static constexpr char const* encoding = "JSON";
    static constexpr std::uint64_t fingerprint = 0x6a736f6e5f757466;  // "json_utf"

    static std::size_t size(T const& value) { return text_of(value).size(); }

    static void encode(T const& value, std::span<std::byte> out) { std::memcpy(out.data(), text_of(value).data(), out.size()); }

    static error_code decode(std::span<std::byte const> in, T& out)
    {
        std::span const text(reinterpret_cast<char const*>(in.data()), in.size());
        if (detail::json_is_too_costly<detail::json_searches_names<Json>>(text))
            return errc::malformed_message;
        try {
            Json parsed = Json::parse(text.begin(), text.end(), nullptr, false);
            if (parsed.is_discarded())
                return errc::malformed_message;
            if constexpr (std::same_as<T, Json>)
                out = std::move(parsed);
            else
                out = parsed.template get<T>();  // from_json() need not set all of an old one
            return {};
        } catch (std::bad_alloc const&) {
            throw;
        } catch (std::exception const&) {
            return errc::malformed_message;
        }
    }

    static result<T> decode(std::span<std::byte const> in)
    {
        T value{};
        if (error_code const e = decode(in, value))
            return result<T>{unexpect, e};
        return result<T>{std::in_place, std::move(value)};
    }

private:
    static std::string text_of(T const& value)
    {
        if constexpr (std::same_as<T, Json>)
            return value.dump();
        else
            return Json(value).dump();
    }
};

template <>
struct serializer<nlohmann::json> : as_json<nlohmann::json> {};
template <>
struct serializer<nlohmann::ordered_json> : as_json<nlohmann::ordered_json, nlohmann::ordered_json> {};

}  // namespace strait

#endif
