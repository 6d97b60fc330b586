// Distributed under the Boost Software License, Version 1.0.
#include "random_value.hpp"
#include <support/typed_case.hpp>

#include <limits>
#include <new>

#include <boost/unordered/unordered_flat_set.hpp>
#include <boost/unordered_set.hpp>

#include <boost/test/unit_test.hpp>

using namespace samples;
using strait::detail::codec;

namespace {

std::size_t largest_allocation = 0;

template <class T>
struct watched {
    using value_type = T;
    watched() = default;
    template <class U>
    watched(watched<U> const&)
    {
    }
    T* allocate(std::size_t n)
    {
        largest_allocation = std::max(largest_allocation, n * sizeof(T));
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) { std::allocator<T>().deallocate(p, n); }
    bool operator==(watched const&) const = default;
};

using watched_string = std::basic_string<char, std::char_traits<char>, watched<char>>;

struct ordered_empty {
    auto operator<=>(ordered_empty const&) const = default;
};

std::uint64_t comparisons = 0;

struct counted_equality {
    template <class T>
    bool operator()(T const& a, T const& b) const
    {
        ++comparisons;
        return a == b;
    }
};

using number_set = std::unordered_set<std::uint64_t, std::hash<std::uint64_t>, counted_equality>;
using number_multiset = std::unordered_multiset<std::uint64_t, std::hash<std::uint64_t>, counted_equality>;
using number_map = std::unordered_map<std::uint64_t, bool, std::hash<std::uint64_t>, counted_equality>;
using number_multimap = std::unordered_multimap<std::uint64_t, bool, std::hash<std::uint64_t>, counted_equality>;

// Numbers that fall into one bucket of a container of this type and of so many elements.
template <class T>
std::vector<std::uint64_t> colliding_keys(std::size_t count)
{
    T sample;
    sample.reserve(count);
    std::vector<std::uint64_t> keys(count);
    for (std::size_t i = 0; i != count; ++i)
        keys[i] = i * sample.bucket_count();
    return keys;
}

// The encoding of a set or map of these keys.
template <class T>
bytes of_keys(std::vector<std::uint64_t> const& keys)
{
    if constexpr (strait::detail::shape_of<T> == strait::detail::shape::map) {
        std::vector<std::pair<std::uint64_t, bool>> all;
        for (std::uint64_t const key : keys)
            all.emplace_back(key, true);
        bytes message = encoded(all);
        return message;
    }
    else
        return encoded(std::pair(keys, empty()));  // a vector alone has no count
}

struct large_or_nothing {
    std::optional<std::array<char, 1 << 20>> content;
};

template <class T>
std::size_t allocated_for(bytes const& message)
{
    largest_allocation = 0;
    BOOST_TEST(refused<T>(message));
    return largest_allocation;
}

// What decodes must be a value that encodes to as many bytes: there is no slack in which anything could hide.
template <class T>
bool survives(std::span<std::byte const> message)
{
    T value{};
    if (codec<T>::decode(exact_bytes(message), value))
        return true;
    bytes const again = encoded(value);
    T copy{};
    return again.size() == message.size() && !codec<T>::decode(exact_bytes(again), copy);
}

template <class T>
void survives_every_truncation_and_every_byte(T const& value)
{
    bytes message = encoded(value);
    for (std::size_t size = 0; size != message.size(); ++size)
        BOOST_REQUIRE(refused<T>(std::span(message).first(size)));
    for (std::byte& byte : message) {
        std::byte const before = byte;
        for (int other = 0; other != 256; ++other) {
            byte = static_cast<std::byte>(other);
            BOOST_REQUIRE(survives<T>(message));
        }
        byte = before;
    }
    message.push_back({});
    BOOST_REQUIRE(refused<T>(message));
}

void mutate(generator& random, bytes& message)
{
    static constexpr std::uint32_t lengths[] = {0, 1, 2, 0x7F, 0xFF, 0x100, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF};
    for (std::size_t times = 1 + below(random, 3); times != 0; --times)
        switch (random() % 6) {
        case 0: message.resize(below(random, message.size() + 1)); break;
        case 1: message.resize(message.size() + below(random, 16)); break;
        case 2:
            if (message.size() >= 4) {
                std::uint32_t const length = lengths[below(random, std::size(lengths))];
                std::memcpy(message.data() + below(random, message.size() - 3), &length, 4);
            }
            break;
        case 3:
            if (!message.empty()) {  // move a piece to another place
                std::size_t const from = below(random, message.size());
                std::size_t const to = below(random, message.size());
                std::size_t const size = below(random, message.size() - std::max(from, to)) + 1;
                std::memmove(message.data() + to, message.data() + from, size);
            }
            break;
        default:
            if (!message.empty())
                message[below(random, message.size())] = static_cast<std::byte>(random());
        }
}

template <class T>
void survives_mutations(int count)
{
    generator random(20240229);
    for (int i = 0; i < count;) {
        bytes const message = encoded(random_value<T>(random));
        for (int j = 0; j != 20; ++j, ++i) {
            bytes mutated = message;
            mutate(random, mutated);
            BOOST_REQUIRE(survives<T>(mutated));
        }
    }
}

bytes joined(std::initializer_list<bytes> parts)
{
    bytes all;
    for (bytes const& part : parts)
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

}  // namespace

template <>
inline constexpr bool strait::trusted_hash_container<boost::unordered_flat_set<std::uint32_t>> = true;

namespace serialization_hostile {

BOOST_AUTO_TEST_SUITE(hostile)

BOOST_AUTO_TEST_CASE(every_truncation_and_every_byte_is_survived)
{
    survives_every_truncation_and_every_byte(std::vector<std::string>{"a", "", "bc"});
    survives_every_truncation_and_every_byte(node{"a", {{"b", {{"c", {}}}}, {"", {}}}});
    survives_every_truncation_and_every_byte(
        json{std::vector<json>{{true}, {1.5}, {"s"}, {std::map<std::string, json>{{"k", {}}}}}});
    survives_every_truncation_and_every_byte(std::map<std::string, std::optional<flag>>{{"a", flag::on}, {"b", {}}});
    survives_every_truncation_and_every_byte(std::pair<checked, std::vector<checked>>{{}, {{}, {}}});
    survives_every_truncation_and_every_byte(std::unordered_map<std::int32_t, bool>{{1, true}, {2, false}});
    survives_every_truncation_and_every_byte(
        std::tuple<std::vector<bool>, std::list<empty>, std::u16string>{{true}, {{}, {}}, u"a"});
    survives_every_truncation_and_every_byte(std::pair<std::chrono::seconds, std::set<std::pair<double, std::string>>>{
        std::chrono::seconds{1}, {{1.5, "a"}, {2.5, "b"}}});
}

BOOST_AUTO_TEST_CASE(every_truncation_of_a_large_message_is_malformed)
{
    generator random(7);
    for (int i = 0; i != 20; ++i) {
        bytes const message = encoded(random_value<everything>(random));
        for (std::size_t size = 0; size != message.size(); ++size)
            BOOST_REQUIRE(refused<everything>(std::span(message).first(size)));
    }
}

BOOST_AUTO_TEST_CASE(random_values_round_trip)
{
    generator random(42);
    everything used{};
    for (int i = 0; i != rounds(300); ++i) {
        everything value = random_value<everything>(random);
        BOOST_REQUIRE(round_trips(value, used));
        used = std::move(value);
        BOOST_REQUIRE(round_trips(random_value<json>(random)));
        BOOST_REQUIRE(round_trips(random_value<node>(random)));
        using deep = std::vector<std::map<std::string, std::optional<named_arrays>>>;
        BOOST_REQUIRE(round_trips(random_value<deep>(random)));
    }
}

BOOST_AUTO_TEST_CASE(mutated_messages_are_survived)
{
    survives_mutations<everything>(rounds(20000));
    survives_mutations<json>(rounds(100000));
    survives_mutations<node>(rounds(100000));
    survives_mutations<std::vector<std::map<std::string, std::vector<checked>>>>(rounds(100000));
    survives_mutations<std::pair<std::unordered_set<std::string>, std::multimap<bool, std::u32string>>>(rounds(50000));
}

BOOST_AUTO_TEST_CASE(a_length_beyond_the_message_allocates_nothing)
{
    for (int count : {0x10, 0x7F, 0xFF}) {
        bytes const lie = raw({count, count, count, count, 0, 0, 0, 0});
        BOOST_TEST((allocated_for<std::pair<watched_string, int>>(lie) == 0U));
        BOOST_TEST((allocated_for<std::pair<std::vector<double, watched<double>>, int>>(lie) == 0U));
        BOOST_TEST((allocated_for<std::vector<std::string, watched<std::string>>>(lie) == 0U));
        BOOST_TEST((allocated_for<std::list<empty, watched<empty>>>(lie) == 0U));
        BOOST_TEST((allocated_for<std::set<int, std::less<>, watched<int>>>(lie) == 0U));
        BOOST_TEST((allocated_for<std::unordered_map<int, std::string, std::hash<int>, std::equal_to<>,
                                                     watched<std::pair<int const, std::string>>>>(lie) == 0U));
    }
}

BOOST_AUTO_TEST_CASE(memory_is_in_proportion_to_what_was_read)
{
    // A thousand elements of 1 MiB each are announced, and bytes enough for as many absent ones; the second is bad.
    bytes message = raw({0xE8, 3, 0, 0});
    message.resize(4 + 1000);
    message[5] = std::byte{2};
    using large = std::vector<large_or_nothing, watched<large_or_nothing>>;
    BOOST_TEST(allocated_for<large>(message) <= 4 * sizeof(large_or_nothing));

    message = raw({0xE8, 3, 0, 0});
    message.resize(4 + 4 * 1000 - 1);
    BOOST_TEST((allocated_for<std::vector<std::string, watched<std::string>>>(message) == 0U));
    message.resize(4 + 4 * 1000);
    message.back() = std::byte{1};
    BOOST_TEST((allocated_for<std::vector<std::string, watched<std::string>>>(message) <= 64 * message.size()));
}

BOOST_AUTO_TEST_CASE(many_large_elements_are_read_piece_by_piece)
{
    std::vector<std::optional<std::array<char, 300>>> many(5000);
    many[0].emplace().fill('a');
    many[4999].emplace().fill('b');
    BOOST_TEST(round_trips(many));
    BOOST_TEST(round_trips(std::list(many.begin(), many.end())));
    BOOST_TEST(round_trips(std::deque(many.begin(), many.end())));
}

BOOST_AUTO_TEST_CASE(a_key_that_comes_twice_is_malformed)
{
    bytes const twice = raw({2, 0, 0, 0, 5, 5});
    BOOST_TEST((refused<std::set<std::int8_t>>(twice)));
    BOOST_TEST((refused<std::unordered_set<std::int8_t>>(twice)));
    BOOST_TEST((round_trips(std::multiset<std::int8_t>{5, 5})));
    bytes const twice_mapped = raw({2, 0, 0, 0, 5, 1, 5, 2});
    BOOST_TEST((refused<std::map<std::int8_t, std::int8_t>>(twice_mapped)));
    BOOST_TEST((refused<std::unordered_map<std::int8_t, std::int8_t>>(twice_mapped)));
    BOOST_TEST((refused<std::set<ordered_empty>>(raw({2, 0, 0, 0, 0, 0}))));
    BOOST_TEST((!refused<std::set<ordered_empty>>(raw({1, 0, 0, 0, 0}))));
}

using hash_containers = std::tuple<number_set, number_multiset, number_map, number_multimap>;

TYPED_CASE(keys_that_all_collide_are_refused_in_linear_time, T, hash_containers)
{
    std::size_t const count = 40000;
    bytes const message = of_keys<T>(colliding_keys<T>(count));
    comparisons = 0;
    T value;
    BOOST_TEST((codec<T>::decode(message, value) == strait::errc::malformed_message));
    BOOST_TEST(comparisons <= 4 * ((1 << 20) + 8 * message.size()));
}

TYPED_CASE(few_keys_may_collide_and_equal_ones_do_not_count, T, hash_containers)
{
    T value;
    BOOST_TEST(!codec<T>::decode(of_keys<T>(colliding_keys<T>(1000)), value));
    BOOST_TEST(value.size() == 1000U);
    std::vector<std::uint64_t> keys(100000);
    for (std::size_t i = 0; i != keys.size(); ++i)
        keys[i] = i * 0x9E3779B97F4A7C15;
    BOOST_TEST(!codec<T>::decode(of_keys<T>(keys), value));
    if constexpr (!strait::detail::unique_keys<T>) {
        std::fill(keys.begin(), keys.end(), 7U);
        BOOST_TEST(!codec<T>::decode(of_keys<T>(keys), value));
        BOOST_TEST(value.size() == keys.size());
    }
}

BOOST_AUTO_TEST_CASE(a_hash_container_without_buckets_needs_trust)
{
    using without_buckets = boost::unordered_flat_set<std::uint64_t>;
    static_assert(!strait::serializable<without_buckets>);
    static_assert(strait::serializable<boost::unordered_flat_set<std::uint32_t>>);  // which is said to be trusted
    static_assert(strait::serializable<boost::unordered_set<std::uint64_t>>);
    BOOST_TEST(round_trips(boost::unordered_flat_set<std::uint32_t>{1, 2, 3}));
    BOOST_TEST(round_trips(boost::unordered_set<std::uint64_t>{1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(keys_may_come_in_any_order)
{
    std::map<std::int8_t, bool> value;
    BOOST_TEST(!codec<decltype(value)>::decode(raw({3, 0, 0, 0, 5, 1, 1, 0, 3, 1}), value));
    BOOST_TEST((value == std::map<std::int8_t, bool>{{1, false}, {3, true}, {5, true}}));
}

BOOST_AUTO_TEST_CASE(a_key_that_has_no_order_is_malformed)
{
    bytes nan(8);
    double const value = std::numeric_limits<double>::quiet_NaN();
    std::memcpy(nan.data(), &value, 8);
    BOOST_TEST((refused<std::multiset<double>>(joined({raw({1, 0, 0, 0}), nan}))));
    BOOST_TEST((refused<std::map<std::pair<double, bool>, bool>>(joined({raw({1, 0, 0, 0}), nan, raw({0, 0})}))));
    BOOST_TEST((!refused<std::vector<std::optional<double>>>(joined({raw({1, 0, 0, 0, 1}), nan}))));
}

BOOST_AUTO_TEST_CASE(bytes_without_meaning_are_malformed)
{
    BOOST_TEST((refused<std::optional<int>>(raw({2, 0, 0, 0, 0}))));
    BOOST_TEST((refused<std::variant<std::monostate, bool>>(raw({2}))));
    BOOST_TEST((refused<std::variant<std::monostate, bool>>(raw({2, 0}))));
    BOOST_TEST((refused<std::variant<std::monostate, bool>>(raw({255}))));
    BOOST_TEST((refused<std::variant<std::monostate, bool>>(raw({1, 2}))));
    BOOST_TEST((refused<std::pair<bool, std::string>>(raw({2, 0, 0, 0, 0}))));
    BOOST_TEST((refused<std::vector<bool>>(raw({1, 0, 0, 0, 2}))));
    BOOST_TEST((refused<std::list<flag>>(raw({1, 0, 0, 0, 2}))));
    BOOST_TEST((refused<std::list<empty>>(raw({1, 0, 0, 0, 1}))));
    BOOST_TEST((refused<std::deque<checked>>(raw({1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3}))));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace serialization_hostile
