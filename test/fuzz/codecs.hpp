// Distributed under the Boost Software License, Version 1.0.
#ifndef FUZZ_CODECS_HPP
#define FUZZ_CODECS_HPP

#include "fuzz.hpp"

// What every codec has to hold for any bytes.
namespace fuzz {

using strait::errc;
using strait::error_code;
using strait::detail::codec;
using strait::detail::unencodable;

template <class T>
bytes encoded(T const& value)
{
    std::size_t const size = codec<T>::size(value);
    require(size != unencodable, "what was decoded can be sent");
    bytes out(size, std::byte{0xee});
    codec<T>::encode(value, out);
    return out;
}

inline void require_usual(error_code const& e)
{
    require(!e || e == errc::malformed_message || e == errc::out_of_memory, "bytes are malformed, or ask for too much memory");
}

/// What decodes encodes again, and that decodes to the same encoding. `Exact`: to as many bytes as came, so that nothing
/// can hide in between. `Ordered`: in the order in which it was decoded. `Unique`: there is one encoding of each value.
template <class T, bool Exact = true, bool Ordered = true, bool Unique = false>
void check_decoding(std::span<std::byte const> some)
{
    if (codec<T>::layout.fixed_size != 0 && some.size() != codec<T>::layout.fixed_size)
        return;  // a transport brings no other sizes
    auto const memory = exactly(some);
    std::span<std::byte const> const in(memory.get(), some.size());
    auto const first = codec<T>::decode(in);
    T used{};
    error_code const again = codec<T>::decode(in, used);
    require_usual(again);
    if (!first) {
        require(again == first.error(), "both forms of decoding agree");
        return;
    }
    require(!again, "both forms of decoding agree");
    bytes const once = encoded(*first);
    if (Exact)
        require(once.size() == some.size(), "nothing hides in a message");
    if (Unique)
        require(std::equal(once.begin(), once.end(), some.begin(), some.end()), "a value has one encoding");
    require(encoded(used).size() == once.size(), "both forms of decoding agree");
    require(!codec<T>::decode(std::span<std::byte const>(once), used), "what is encoded decodes");
    bytes const twice = encoded(used);
    require(Ordered ? twice == once : twice.size() == once.size(), "a value that travels stays what it is");
}

/// A message that is shown where it lies is valid there exactly when it decodes.
template <class T, class Read>
void check_view(std::span<std::byte const> some, Read read)
{
    if (codec<T>::layout.fixed_size != 0 && some.size() != codec<T>::layout.fixed_size)
        return;
    constexpr std::size_t alignment = std::max<std::size_t>(8, codec<T>::layout.alignment);
    struct release {
        void operator()(std::byte* p) const noexcept { ::operator delete[](p, std::align_val_t(alignment)); }
    };
    std::unique_ptr<std::byte[], release> const memory(new (std::align_val_t(alignment)) std::byte[some.size()]);
    copy(some, {memory.get(), some.size()});
    std::span<std::byte const> const in(memory.get(), some.size());
    error_code const e = codec<T>::validate(in);
    require_usual(e);
    require(static_cast<bool>(e) == !codec<T>::decode(in).has_value(), "what is valid in place decodes");
    if (!e)
        read(codec<T>::view(in));
}

/// A seed: `kind`, then the encoding.
template <class T>
bytes seed_of(unsigned kind, T const& value)
{
    return output().byte(kind).add_bytes(encoded(value));
}

}  // namespace fuzz

#endif
