// Distributed under the Boost Software License, Version 1.0.
#ifndef CONFORMANCE_SUBJECTS_OF_HPP
#define CONFORMANCE_SUBJECTS_OF_HPP

#include <conformance/subject.hpp>
#include <conformance/transports.hpp>
#include <support/any_ends_of.hpp>

#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace conformance {

template <class S>
subject make_subject(std::size_t index)
{
    using X = typename S::transport;
    constexpr bool named = requires { S::where(); };
    constexpr bool one_word = X::guarantees.fixed_size_only;
    using carried = probe_of<S>;
    subject x;
    x.name = X::guarantees.name;
    x.index = index;
    x.guarantees = X::guarantees;
    x.between_processes = strait::byte_transport<X>;
    x.named = named;
    x.one_word = one_word;
    x.is_like_another = !is_different<S>::value;
    x.has_peer = requires(strait::receiver<carried, X> const& in) { in.peer(); };
    x.options = support::default_options<X>();
    if constexpr (named) {
        x.by_address = !S::checks_type_at_open;
        if (x.by_address && X::guarantees.crosses_hosts)
            x.name += " by address";
        x.by_socket = x.by_address && !X::guarantees.crosses_hosts;
        x.where = &S::where;
        if constexpr (S::checks_type_at_open)
            x.directory = &S::directory;
    }
    x.probes = support::make_end_makers<support::probe, carried, X, named>();
    if constexpr (!one_word)
        x.texts = support::make_end_makers<std::string, std::string, X, named>();
    return x;
}

/// The subjects are made in so many sources, so that a build can use as many cores.
inline constexpr std::size_t parts = 4;

template <std::size_t Part, std::size_t... I>
std::vector<subject> make_part(std::index_sequence<I...>)
{
    std::vector<subject> made;
    auto const add = [&]<std::size_t Index>() {
        if constexpr (Index % parts == Part)
            made.push_back(make_subject<std::tuple_element_t<Index, erased_subjects>>(Index));
    };
    (add.template operator()<I>(), ...);
    return made;
}

template <std::size_t Part>
std::vector<subject> part()
{
    return make_part<Part>(std::make_index_sequence<std::tuple_size_v<erased_subjects>>());
}

std::vector<subject> part_0();
std::vector<subject> part_1();
std::vector<subject> part_2();
std::vector<subject> part_3();

}  // namespace conformance

#endif
