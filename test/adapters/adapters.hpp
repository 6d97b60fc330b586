// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TEST_ADAPTERS_HPP
#define STRAIT_TEST_ADAPTERS_HPP

#include <strait/channel.hpp>
#include <strait/transport/shm_ring.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace adapters {

using bytes = std::vector<std::byte>;

template <class T>
bytes encoded(T const& value)
{
    bytes out(strait::detail::codec<T>::size(value));
    strait::detail::codec<T>::encode(value, out);
    return out;
}

/// What a message of this value is at the other end of a channel.
template <class T>
T sent(T const& value)
{
    auto [out, in] = strait::channel<T, strait::shm_ring<>>::make_pair().split();
    out.send(value);
    return in.receive().value();
}

template <class T>
bool is_malformed(std::span<std::byte const> in)
{
    auto const decoded = strait::detail::codec<T>::decode(in);
    return !decoded && decoded.error() == strait::errc::malformed_message;
}

/// Every beginning of the encoding is refused, and no damaged byte does harm.
template <class T>
void check_damage(T const& value)
{
    bytes const whole = encoded(value);
    for (std::size_t n = 0; n != whole.size(); ++n) {
        bytes const cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));  // on the heap: ASan sees its end
        BOOST_TEST(is_malformed<T>(cut), "the first " << n << " of " << whole.size() << " bytes pass");
    }
    for (std::size_t n = 0; n != whole.size(); ++n)
        for (unsigned const flip : {0x01u, 0x80u, 0xffu}) {
            bytes damaged = whole;
            damaged[n] ^= static_cast<std::byte>(flip);
            static_cast<void>(strait::detail::codec<T>::decode(damaged));
        }
}

}  // namespace adapters

#endif
