// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_FAILURE_HPP
#define STRAIT_DETAIL_RPC_FAILURE_HPP

#include <strait/detail/rpc/frame.hpp>
#include <strait/detail/rpc/request_id.hpp>
#include <strait/detail/schema/mismatch.hpp>
#include <strait/detail/schema/writer.hpp>
#include <strait/error.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// How a server says that a call has failed, and what a client makes of it.
namespace strait::detail {

// Calls say(text) with what() of the exception.
template <class Say>
void with_text_of(std::exception_ptr const& thrown, Say say)
{
    try {
        std::rethrow_exception(thrown);
    } catch (std::exception const& e) {
        say(std::string_view(e.what()));
    } catch (...) {
        say(std::string_view("an exception that is no std::exception"));
    }
}

[[gnu::noinline, gnu::cold]] inline rpc_reply failure_frame(std::uint64_t number, std::string_view text)
{
    rpc_reply f;
    f.head = frame_head(number, reply_kind::failure);
    f.body.assign(text.substr(0, longest_failure));
    return f;
}

[[gnu::noinline, gnu::cold]] inline rpc_reply failure_frame(std::uint64_t number, std::exception_ptr const& thrown, std::string_view before = {})
{
    rpc_reply f;
    with_text_of(thrown, [&](std::string_view text) { f = failure_frame(number, std::string(before).append(text)); });
    return f;
}

inline constexpr std::string_view cannot_be_sent_text = "the reply cannot be sent: ";

// The frame to send instead of one that cannot be sent, for example because it is larger than the channel takes: that of a
// failure whose text says why. A failure that is itself too large is sent with half of its text, and what is said of an unknown
// request without the schema. nullopt: there is no way to say it.
[[gnu::noinline, gnu::cold]] inline std::optional<rpc_reply> instead_of(rpc_reply const& unsendable, std::string_view why)
{
    switch (unsendable.kind()) {
    case reply_kind::failure: {
        auto const too_long = unsendable.text();
        if (too_long.empty())
            return std::nullopt;
        return failure_frame(unsendable.number(), too_long.substr(0, too_long.size() / 2));
    }
    case reply_kind::unknown: {
        auto const said = unsendable.body.view();
        if (said.size() <= 1)
            return std::nullopt;
        rpc_reply f;
        f.head = unsendable.head;
        f.body.assign(said.first(1));
        return f;
    }
    default: return failure_frame(unsendable.number(), std::string(cannot_be_sent_text).append(why));
    }
}

// The answer to a request that none of these keys has.
[[gnu::noinline, gnu::cold]] inline rpc_reply unknown_frame(rpc_request const& asked, std::span<request_key const* const> keys)
{
    rpc_reply f;
    f.head = frame_head(asked.number(), reply_kind::unknown);
    f.body.resize(1)[0] = std::byte{0};
    for (request_key const* const k : keys)
        if (have_one_name(k->id, asked.id)) {
            schema_bytes types;
            schema_writer::write(k->description, types);
            auto const all = f.body.resize(1 + types.size);
            all[0] = std::byte{1};
            std::memcpy(all.data() + 1, types.data, types.size);
            break;
        }
    return f;
}

// Why a call has failed: code, and what there is to say besides its message.
struct call_failure {
    error_code code;
    std::string text;
};

// The types of a request, as "reply(request)".
inline void add_types(bounded_text& to, foreign_schema const& s)
{
    parsed_schema const& types = s.get();
    auto const& both = types.at(0);
    if (both.parts == 2)
        to << type_in_words(types, types.part_of(both, 1).type) << "(" << type_in_words(types, types.part_of(both, 0).type) << ")";
    else
        to << "another request";
}

// What a client has been told of a request that the server does not know, or knows with other types. The bytes of the schema may
// be anything.
[[gnu::noinline, gnu::cold]] inline call_failure failure_of_unknown(rpc_reply const& f, request_key const& asked)
{
    auto const said = f.body.text();
    if (said.empty() || said.size() > 1 + schema_limit || (said[0] != 0 && said[0] != 1) || (said[0] == 0 && said.size() != 1))
        return {errc::malformed_message, {}};
    bool const is_known = said[0] == 1;
    error_code const code = is_known ? errc::type_mismatch : errc::unknown_request;
    bounded_text to = note_of(code);
    schema_bytes own;
    schema_writer::write(asked.description, own);
    foreign_schema const here(own.view());
    to << "the request ";
    if (asked.name.empty())
        to << "without a name";
    else
        to << asked.name;
    if (!is_known) {
        to << " is not known to the server";
        return {code, std::string(to.view())};
    }
    foreign_schema const there(said.substr(1));
    to << " has other types at the server: ";
    if (there.has_types() && here.has_types()) {
        add_types(to, there);
        to << " there, ";
        add_types(to, here);
        to << " here";
    } else
        to << "these are too large to be shown";
    explain_difference(there, {std::string(asked.name), asked.description}, to);
    return {code, std::string(to.view())};
}

}  // namespace strait::detail

#endif
