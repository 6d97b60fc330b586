// Distributed under the Boost Software License, Version 1.0.
#ifndef FUZZ_FUZZ_HPP
#define FUZZ_FUZZ_HPP

#include "prelude.hpp"

#include <cstdio>
#include <cstdlib>

// What a harness is made of. It defines both functions of `harness`; main() is that of libFuzzer.
namespace fuzz {

using bytes = std::vector<std::byte>;

/// Takes an input apart from the front. Where nothing is left it gives zeroes, so that every input means something.
class input {
public:
    explicit input(std::span<std::byte const> all) noexcept : rest_(all) {}

    bool empty() const noexcept { return rest_.empty(); }
    std::size_t left() const noexcept { return rest_.size(); }

    template <class T>
    T take() noexcept
    {
        static_assert(std::is_trivially_copyable_v<T>);
        T value{};
        auto const from = take_bytes(sizeof value);
        if (!from.empty())
            std::memcpy(static_cast<void*>(&value), from.data(), from.size());
        return value;
    }

    std::uint8_t byte() noexcept { return take<std::uint8_t>(); }

    /// Up to so many bytes.
    std::span<std::byte const> take_bytes(std::size_t most) noexcept
    {
        auto const taken = rest_.first(std::min(most, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }
    std::span<std::byte const> rest() noexcept { return take_bytes(rest_.size()); }

private:
    std::span<std::byte const> rest_;
};

/// Writes an input that class `input` takes apart, for seeds.
class output {
public:
    template <class T>
    output& add(T const& value)
    {
        static_assert(std::is_trivially_copyable_v<T>);
        return add_bytes(std::as_bytes(std::span(&value, 1)));
    }
    output& add_bytes(std::span<std::byte const> more)
    {
        all_.insert(all_.end(), more.begin(), more.end());
        return *this;
    }
    output& byte(unsigned value) { return add(static_cast<std::uint8_t>(value)); }
    operator bytes() const { return all_; }

private:
    bytes all_;
};

[[noreturn]] inline void fail(char const* what) noexcept
{
    std::fprintf(stderr, "FALSE: %s\n", what);
    std::abort();
}

/// Ends the process where this is false: libFuzzer then writes the input to a file.
inline void require(bool holds, char const* what) noexcept
{
    if (!holds) [[unlikely]]
        fail(what);
}

/// Reads each byte, so that a sanitizer sees where they lie. How often its loop goes round is of no interest to libFuzzer.
[[gnu::noinline, clang::no_sanitize("coverage")]] inline std::uint64_t read_all(std::span<std::byte const> some) noexcept
{
    std::uint64_t sum = 0;
    for (std::byte const b : some)
        sum = sum * 31 + std::to_integer<unsigned>(b);
    asm volatile("" : : "r"(sum));
    return sum;
}

/// Copies as much as there is room for; returns how much that was.
inline std::size_t copy(std::span<std::byte const> from, std::span<std::byte> to) noexcept
{
    std::size_t const n = std::min(from.size(), to.size());
    if (n != 0)
        std::memcpy(to.data(), from.data(), n);
    return n;
}

/// Memory of exactly this size, so that AddressSanitizer sees a byte too many.
inline std::unique_ptr<std::byte[]> exactly(std::span<std::byte const> some)
{
    std::unique_ptr<std::byte[]> copy(new std::byte[some.size()]);
    fuzz::copy(some, {copy.get(), some.size()});
    return copy;
}

namespace harness {

void run(std::span<std::byte const> input);

/// Valid inputs from which libFuzzer begins.
std::vector<bytes> seeds();

}  // namespace harness

}  // namespace fuzz

#endif
