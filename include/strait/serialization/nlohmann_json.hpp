// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SERIALIZATION_NLOHMANN_JSON_HPP
#define STRAIT_SERIALIZATION_NLOHMANN_JSON_HPP

#include <strait/serialization/serializer.hpp>

#include <nlohmann/json.hpp>

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

inline bool json_nests_too_deep(std::span<char const> text)
{
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (quoted && c == '\\')
            ++i;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '[' || c == '{') && ++depth > json_nesting_limit)
            return true;
        else if (!quoted && (c == ']' || c == '}') && depth != 0)
            --depth;
    }
    return false;
}

}  // namespace detail

/// A serializer for types that nlohmann/json converts: it sends JSON text. nlohmann::json itself has it already. Opt in:
///
///     NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(person, name, age)
///     template <>
///     struct strait::serializer<person> : strait::as_json<person> {};
///
/// JSON describes itself, so all types share one fingerprint: peers whose types differ are not refused, and a message that does
/// not fit is errc::malformed_message; so are nesting above 512 and what from_json() throws. JSON has no NaN and no infinity:
/// they arrive as null. Text that is not UTF-8 throws the library's type_error out of send(). A message is dumped twice,
/// once to learn its size. Needs a default constructor. Thread safe.
template <class T, class Json = nlohmann::json>
struct as_json {
    static constexpr std::uint64_t fingerprint = 0x6a736f6e5f757466;  // "json_utf"

    static std::size_t size(T const& value) { return text_of(value).size(); }

    static void encode(T const& value, std::span<std::byte> out) { std::memcpy(out.data(), text_of(value).data(), out.size()); }

    static error_code decode(std::span<std::byte const> in, T& out)
    {
        std::span const text(reinterpret_cast<char const*>(in.data()), in.size());
        if (detail::json_nests_too_deep(text))
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
            return result<T>{boost::system::in_place_error, e};
        return result<T>{boost::system::in_place_value, std::move(value)};
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
