// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TEST_SERIALIZATION_RANDOM_VALUE_HPP
#define STRAIT_TEST_SERIALIZATION_RANDOM_VALUE_HPP

#include "samples.hpp"

#include <cstdlib>
#include <random>

namespace samples {

using generator = std::mt19937_64;

/// How often a random test is repeated: STRAIT_LONG in the environment asks for twenty times as much.
inline int rounds(int normal) { return std::getenv("STRAIT_LONG") != nullptr ? 20 * normal : normal; }

inline std::size_t below(generator& random, std::size_t limit) { return static_cast<std::size_t>(random() % limit); }

/// Fills a value of any shape; containers become smaller the deeper they lie.
template <class T>
void randomise(generator& random, T& value, std::size_t depth = 0)
{
    using namespace strait::detail;
    constexpr shape kind = shape_of<T>;
    [[maybe_unused]] std::size_t const count = depth > 6 ? 0 : below(random, 6 - depth / 2);
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, flag>)
        value = static_cast<T>(random() % 2);
    else if constexpr (std::is_floating_point_v<T>)
        value = static_cast<T>(static_cast<std::int32_t>(random()));
    else if constexpr (complex_like<T>)
        value = {1, static_cast<typename T::value_type>(static_cast<std::int32_t>(random()))};
    else if constexpr (kind == shape::scalar) {
        std::uint64_t const bits = random();
        std::memcpy(static_cast<void*>(&value), &bits, sizeof(T));
    }
    else if constexpr (kind == shape::array)
        for (std::size_t i = 0; i != array_traits<T>::size; ++i)
            randomise(random, array_data(value)[i], depth + 1);
    else if constexpr (kind == shape::optional) {
        value.reset();
        if (random() % 2 == 0) {
            value.emplace();
            randomise(random, *value, depth + 1);
        }
    }
    else if constexpr (kind == shape::variant) {
        std::size_t const index = depth > 6 ? 0 : below(random, parts_of<T>::size);
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            ((I == index ? randomise(random, value.template emplace<I>(), depth + 1) : void()), ...);
        }(std::make_index_sequence<parts_of<T>::size>{});
    }
    else if constexpr (kind == shape::sequence) {
        value.clear();
        for (std::size_t i = 0; i != count; ++i) {
            typename T::value_type one{};
            randomise(random, one, depth + 1);
            value.push_back(std::move(one));
        }
    }
    else if constexpr (kind == shape::set || kind == shape::map) {
        value.clear();
        for (std::size_t i = 0; i != count; ++i) {
            typename T::key_type key{};
            randomise(random, key, depth + 1);
            if constexpr (kind == shape::map) {
                typename T::mapped_type mapped{};
                randomise(random, mapped, depth + 1);
                value.emplace(std::move(key), std::move(mapped));
            }
            else
                value.insert(std::move(key));
        }
    }
    else
        for_each_part(value, [&](auto& part) { randomise(random, part, depth + 1); });
}

template <class T>
T random_value(generator& random)
{
    T value{};
    randomise(random, value);
    return value;
}

}  // namespace samples

#endif
