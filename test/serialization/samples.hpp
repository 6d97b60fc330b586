// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TEST_SERIALIZATION_SAMPLES_HPP
#define STRAIT_TEST_SERIALIZATION_SAMPLES_HPP

#include <strait/serialization.hpp>

#include <array>
#include <chrono>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <initializer_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace samples {

using bytes = std::vector<std::byte>;

inline bytes raw(std::initializer_list<int> values)
{
    bytes out;
    for (int value : values)
        out.push_back(static_cast<std::byte>(value));
    return out;
}

// In a block of exactly the size, so that the sanitizer sees a byte too many.
class exact_bytes {
public:
    explicit exact_bytes(std::span<std::byte const> content) : bytes_(content.begin(), content.end()) {}
    operator std::span<std::byte const>() const { return bytes_; }

private:
    bytes bytes_;
};

template <class T>
bytes encoded(T const& value)
{
    using codec = strait::detail::codec<T>;
    bytes out(codec::size(value), std::byte{0xEE});
    codec::encode(value, out);
    return out;
}

template <class T>
bool refused(std::span<std::byte const> in)
{
    T value{};
    return strait::detail::codec<T>::decode(exact_bytes(in), value) == strait::errc::malformed_message &&
           strait::detail::codec<T>::decode(exact_bytes(in)).error() == strait::errc::malformed_message;
}

/// Encoded and decoded by both forms, also into an object that already has a value.
template <class T>
bool round_trips(T const& value, T used = T{})
{
    using codec = strait::detail::codec<T>;
    bytes const message = encoded(value);
    T fresh{};
    if (codec::decode(exact_bytes(message), fresh) || codec::decode(exact_bytes(message), used))
        return false;
    strait::result<T> const result = codec::decode(exact_bytes(message));
    bool const size_fits = codec::layout.fixed_size == 0 || codec::layout.fixed_size == message.size();
    return result && fresh == value && used == value && *result == value && size_fits;
}

enum class side : char { buy = 'b', sell = 's' };
enum class flag : bool { off, on };

struct empty {
    bool operator==(empty const&) const = default;
};

struct trade {
    std::uint64_t id;
    double price;
    std::uint32_t quantity;
    samples::side side;
    bool operator==(trade const&) const = default;
};

struct checked {
    std::int32_t a;
    bool b;
    std::array<flag, 3> c;
    bool operator==(checked const&) const = default;
};

struct with_arrays {
    char name[16];
    std::int32_t matrix[2][3];
    bool operator==(with_arrays const&) const = default;
};

struct named_arrays {
    std::string label;
    with_arrays arrays;
    std::string rows[2];
    bool operator==(named_arrays const&) const = default;
};

struct node {
    std::string name;
    std::vector<node> children;
    bool operator==(node const&) const = default;
};

struct json {
    std::variant<std::monostate, bool, double, std::string, std::vector<json>, std::map<std::string, json>> value;
    bool operator==(json const&) const = default;
};

struct everything {
    std::int8_t a;
    std::uint16_t b;
    std::int32_t c;
    std::uint64_t d;
    float e;
    double f;
    bool g;
    samples::side h;
    flag i;
    std::byte j;
    char16_t k;
    std::string l;
    std::u16string m;
    std::vector<std::string> n;
    std::vector<bool> o;
    std::vector<trade> p;
    std::deque<std::int16_t> q;
    std::list<std::string> r;
    std::array<std::string, 2> s;
    std::optional<std::string> t;
    std::variant<std::monostate, std::int32_t, std::string> u;
    std::map<std::string, std::vector<std::int32_t>> v;
    std::unordered_map<std::int32_t, std::string> w;
    std::set<std::string> x;
    std::unordered_set<std::int64_t> y;
    std::multimap<std::int32_t, std::int32_t> z;
    std::multiset<std::int32_t> a2;
    std::unordered_multiset<std::int32_t> b2;
    std::pair<std::int32_t, std::string> c2;
    std::tuple<std::int32_t, float, std::string> d2;
    std::chrono::milliseconds e2;
    std::chrono::system_clock::time_point f2;
    std::complex<double> g2;
    with_arrays h2;
    node i2;
    empty j2;
    bool operator==(everything const&) const = default;
};

}  // namespace samples

#endif
