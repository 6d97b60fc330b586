// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_FAILURE_HPP
#define STRAIT_DETAIL_RPC_FAILURE_HPP

#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/rpc/frame.hpp>
#include <strait/detail/rpc/frame_parser.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

// How a server says that a call has failed: the frames of the text, and what the text is.
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

// Calls send(frame) for each of the frames that carry the text of a failed call.
template <class F, class Send>
void send_failure(std::uint64_t number, std::string_view text, Send send)
{
    text = text.substr(0, longest_failure);
    if constexpr (is_plain<F>) {
        do {
            STRAIT_STEP();
            F f;
            auto const part = text.substr(0, std::min<std::size_t>(F::text_in_one, 255));
            text.remove_prefix(part.size());
            f.head = number << 16 | (text.empty() ? F::failed : F::failed_part);
            f.body.fill(std::byte{0});
            f.body[0] = static_cast<std::byte>(part.size());
            std::memcpy(f.body.data() + 1, part.data(), part.size());
            send(f);
        } while (!text.empty());
    } else {
        F f{number, {}};
        f.what.template emplace<0>(failure_text{std::string(text)});
        send(f);
    }
}

// The frames to send instead of one that cannot be sent, for example because it is larger than the channel takes: those
// of a failure whose text says why. A failure that is itself too large is sent with half of its text. None: there is no
// way to say it.
template <class F>
std::vector<F> failure_instead_of(F const& unsendable, std::string_view why)
{
    rpc_frame_parser<F> const f(unsendable);
    std::string text = "the reply cannot be sent: " + std::string(why);
    if (f.kind() != frame_kind::message) {
        auto const too_long = f.text().value_or(std::string_view());
        if (is_plain<F> || too_long.empty())
            return {};
        text = too_long.substr(0, too_long.size() / 2);
    }
    std::vector<F> frames;
    send_failure<F>(f.number(), text, [&](F const& part) { frames.push_back(part); });
    return frames;
}

}  // namespace strait::detail

#endif
