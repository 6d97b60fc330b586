// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_SERIALIZATION_HPP
#define STRAIT_BENCHMARK_SERIALIZATION_HPP

#include "case.hpp"
#include "clock.hpp"
#include "ends.hpp"
#include "order.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace benchmark {

// One way of encoding and decoding orders in one process. Made once from all of them, F(orders); then, in any order,
//   encode(i)        orders[i], into the i-th place of memory that is reused; returns its bytes
//   decode(i, use)   what lies in the i-th place; use(object) with what was made of it, or with a view of it
//   as_order(object) the same as an order, for the check; not measured
template <class F>
concept serialization_format = std::constructible_from<F, std::vector<order> const&> && requires(F& f, std::size_t i) {
    { f.encode(i) } -> std::same_as<std::size_t>;
    f.decode(i, [](auto const& object) { (void)order{F::as_order(object)}; });
};

/// The compiler must assume that all of it, and all that it points to, is read: none of it can be left out.
template <class T>
[[gnu::always_inline]] inline void looked_at(T const& object) noexcept
{
    asm volatile("" : : "r"(std::addressof(object)) : "memory");
}

/// The bytes are not what was encoded.
[[noreturn, gnu::noinline, gnu::cold]] inline void cannot_decode(std::size_t i)
{
    throw broken_channel("order " + std::to_string(i) + " cannot be decoded");
}

/// The places for encoded orders of a format that writes into the caller's memory.
class encoded_orders {
public:
    static constexpr std::size_t room = 1024;

    std::span<std::byte> place(std::size_t i) noexcept { return {all_.data() + i * room, room}; }
    std::span<std::byte const> bytes(std::size_t i) const noexcept { return {all_.data() + i * room, sizes_[i]}; }
    std::size_t set_size(std::size_t i, std::size_t size) noexcept { return sizes_[i] = size; }

private:
    std::vector<std::byte> all_ = std::vector<std::byte>(orders_in_a_row * room);
    std::array<std::size_t, orders_in_a_row> sizes_{};
};

namespace detail {

template <serialization_format F>
class serialization_loop {
public:
    outcome run_for(double seconds)
    {
        outcome o;
        std::uint64_t bytes = 0;
        std::uint64_t encoding = 0;
        std::uint64_t decoding = 0;
        tick_length const tick;
        std::int64_t const began = now();
        do {
            for (int row = 0; row != rows; ++row) {
                std::uint64_t const start = ticks_before();
                for (std::size_t i = 0; i != orders_in_a_row; ++i)
                    bytes += format_.encode(i);
                looked_at(format_);
                std::uint64_t const between = ticks_after();
                for (std::size_t i = 0; i != orders_in_a_row; ++i)
                    format_.decode(i, [](auto const& object) { looked_at(object); });
                encoding += between - start;
                decoding += ticks_after() - between;
            }
            o.messages += rows * orders_in_a_row;
            o.seconds = static_cast<double>(now() - began) / 1e9;
        } while (o.seconds < seconds);
        auto const each = [&](std::uint64_t n) { return static_cast<double>(n) / static_cast<double>(o.messages); };
        o.code = {each(encoding) * tick.nanoseconds(), each(decoding) * tick.nanoseconds(), each(bytes)};
        return o;
    }

    /// Throws broken_channel unless every member of every order comes back as it was put in.
    void check()
    {
        for (std::size_t i = 0; i != orders_in_a_row; ++i)
            format_.decode(i, [&](auto const& object) {
                if (auto const wrong = differences(orders_[i], F::as_order(object)); !wrong.empty())
                    throw broken_channel("order " + std::to_string(i) + " came back with another " + wrong);
            });
    }

private:
    static constexpr int rows = 8;  // between two looks at the clock: some ten microseconds

    std::vector<order> orders_ = make_orders();
    F format_{orders_};
};

}  // namespace detail

/// Measures in this process on one core, a tenth of the time to warm up, and checks what the last decoding has found.
template <serialization_format F>
outcome serialization(request const& r)
{
    pin_to(r.cpus.at(0));
    detail::serialization_loop<F> loop;
    loop.run_for(r.seconds / 10);
    outcome const o = loop.run_for(r.seconds * 0.9);
    loop.check();
    return o;
}

/// The last part of the name says into what is decoded: `reused`, `new` or `in_place`.
template <serialization_format F>
benchmark_case serialization_case(char const* name, char const* group, char const* title, std::string settings)
{
    case_info info{name, group, "serialization", "none", title, std::move(settings)};
    if (info.group != "bare" && !info.name.ends_with("/in_place"))
        info.bare = "bare/serialization" + info.name.substr(info.name.rfind('/'));
    info.measures = {measure::serialization};
    info.min_size = info.max_size = order_size;
    return {std::move(info), [](request const& r) { return serialization<F>(r); }};
}

}  // namespace benchmark

#endif
