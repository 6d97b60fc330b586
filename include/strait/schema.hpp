// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SCHEMA_HPP
#define STRAIT_SCHEMA_HPP

#include <strait/detail/codec/description.hpp>
#include <strait/detail/schema/difference.hpp>
#include <strait/detail/schema/text.hpp>
#include <strait/detail/schema/verification.hpp>
#include <strait/error.hpp>
#include <strait/serialization/concept.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace strait {

/// What a channel says of its message type: kinds, sizes, order and nesting, for types that are sent as they lie in memory also
/// offsets and byte order, and the names of types and members, which do not count when two schemas are compared. doc/schema.md has
/// the bytes. A channel with a control file has the schema of its type there; over tcp with an address, and over
/// sealed_memory, a receiver shows it to a sender of another type. Its fingerprint is a hash of the structure.
///
/// Distinct objects: safe. Shared objects: safe to read.
class schema {
public:
    /// The schema of T.
    template <serializable T>
    static schema of()
    {
        detail::schema_bytes bytes;
        detail::schema_writer::write(&detail::message_description_of<T>, bytes);
        return schema(std::string(bytes.view()));
    }

    /// Reads the bytes of a schema, which may come from anywhere. `malformed_message`: they are not the bytes of one, or its
    /// structure does not have the fingerprint that it claims; `incompatible_peer`: its format has another version;
    /// `out_of_memory`.
    [[nodiscard]] static result<schema> parse(std::span<std::byte const> bytes)
    {
        try {
            std::string_view const text(reinterpret_cast<char const*>(bytes.data()), bytes.size());
            auto const s = std::make_unique<detail::parsed_schema>();
            if (error_code const e = s->parse(text))
                return e;
            if (!std::make_unique<detail::schema_verification>(*s)->is_right())
                return errc::malformed_message;
            return schema(std::string(text));
        } catch (std::bad_alloc const&) {
            return errc::out_of_memory;
        }
    }

    /// Its bytes, at most 3,260.
    std::span<std::byte const> bytes() const noexcept { return std::as_bytes(std::span(bytes_)); }

    /// The fingerprint of the type, which both ends of a channel must have.
    std::uint64_t fingerprint() const { return parsed()->fingerprint(); }

    /// Whether it holds the structure. It does not where that would take more than 3,260 bytes or 256 types: then only the
    /// fingerprint can be compared.
    bool is_complete() const { return !parsed()->is_too_large(); }

    /// The structure in the manner of C++: `struct trade { ... };` for each aggregate, then a line for the message.
    std::string text() const { return detail::schema_text(*parsed()).write(); }

    /// The first difference in structure between the type of a channel and that of this program, in one line: "trade, member 2
    /// (price): f64 there, f32 here". Empty where there is none, or none that a schema can tell.
    static std::string difference(schema const& there, schema const& here)
    {
        char line[1024];
        detail::bounded_text text(line, sizeof line);
        auto const theirs = there.parsed();
        auto const ours = here.parsed();
        (void)std::make_unique<detail::schema_difference>(*theirs, *ours, text)->find();
        return std::string(text.view());
    }

private:
    explicit schema(std::string bytes) : bytes_(std::move(bytes)) {}

    // Those were the bytes of a schema when this object was made.
    std::unique_ptr<detail::parsed_schema> parsed() const
    {
        auto s = std::make_unique<detail::parsed_schema>();
        (void)s->parse(bytes_);
        return s;
    }

    std::string bytes_;
};

}  // namespace strait

#endif
