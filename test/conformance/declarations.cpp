// Distributed under the Boost Software License, Version 1.0.

#include <conformance/typed.hpp>
#include <support/typed_case.hpp>

#include <concepts>
#include <cstring>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>

namespace conformance {

BOOST_AUTO_TEST_SUITE(declarations)

TYPED_CASE_ON(clean_host, guarantees_agree_with_each_other, S, word_subjects)
{
    constexpr auto g = guarantees_of<S>;
    static_assert(strait::transport<typename S::transport>);
    static_assert(g.name != nullptr);
    static_assert(sender_of<S>::guarantees.senders == g.senders && channel_of<S>::guarantees.name == g.name);
    static_assert(!g.detects_death || g.detects_end, "who learns of deaths learns of ends");
    static_assert(!g.retained || g.committed_when != strait::commit_point::never, "what is kept has been committed");
    static_assert(g.pollable == requires(receiver_of<S> const& in) { in.native_handle(); });
    static_assert(!g.pollable || requires(sender_of<S> const& out) { out.native_handle(); });
    BOOST_CHECK_GT(std::strlen(g.name), 0U);
}

TYPED_CASE_ON(clean_host, ends_are_move_only_and_a_receiver_is_a_range, S, word_subjects)
{
    static_assert(!std::is_copy_constructible_v<sender_of<S>> && std::is_move_constructible_v<sender_of<S>>);
    static_assert(!std::is_copy_constructible_v<receiver_of<S>> && std::is_move_constructible_v<receiver_of<S>>);
    static_assert(std::is_move_assignable_v<sender_of<S>> && std::is_move_assignable_v<receiver_of<S>>);
    static_assert(std::same_as<typename channel_of<S>::sender, sender_of<S>>);
    static_assert(std::same_as<typename channel_of<S>::receiver, receiver_of<S>>);
    static_assert(std::same_as<typename channel_of<S>::value_type, probe_of<S>>);
    static_assert(std::ranges::input_range<receiver_of<S>&>);
}

TYPED_CASE_ON(clean_host, a_borrowed_string_is_a_view, S, subjects)
{
    if constexpr (between_processes<S>)
        static_assert(std::same_as<typename strait::borrowed<std::string, typename S::transport>::view_type, std::string_view>);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
