// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_SIZES_HPP
#define STRAIT_BENCHMARK_SIZES_HPP

#include "case.hpp"
#include "ping_pong.hpp"
#include "throughput.hpp"

#include <cstddef>
#include <type_traits>
#include <utility>

namespace benchmark {

namespace detail {

template <template <std::size_t> class C, std::size_t Max, std::size_t... N>
outcome run_at(request const& r, std::index_sequence<N...>)
{
    outcome o;
    auto const run_if = [&]<std::size_t Size>(std::integral_constant<std::size_t, Size>) {
        if constexpr (Size <= Max) {
            if (r.size != Size)
                return false;
            o = r.what == measure::latency ? ping_pong<C<Size>>(r) : throughput<C<Size>>(r);
            return true;
        } else
            return false;
    };
    if (!(run_if(std::integral_constant<std::size_t, N>{}) || ...))
        throw not_applicable("there are messages of 8, 40, 64, 256, 1024, 4096, 65536, 1048576 and 4194304 bytes");
    return o;
}

}  // namespace detail

/// A case whose message size is known when it is compiled, as that of a C struct is; Max is the largest it carries.
template <template <std::size_t> class C, std::size_t Max = 4'194'304>
benchmark_case sized_case(case_info info)
{
    info.max_size = Max;
    return {std::move(info), [](request const& r) {
                return detail::run_at<C, Max>(
                    r, std::index_sequence<8, 40, 64, 256, 1024, 4096, 65'536, 1'048'576, 4'194'304>{});
            }};
}

}  // namespace benchmark

#endif
