// Distributed under the Boost Software License, Version 1.0.
#include "samples.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

#include <boost/test/unit_test.hpp>

// How much memory decoding a message takes. Every allocation of this executable is counted.
namespace {

std::size_t allocated = 0;

}  // namespace

void* operator new(std::size_t size)
{
    allocated += size;
    if (void* const memory = std::malloc(size != 0 ? size : 1))
        return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace serialization_memory {

using namespace samples;
using strait::detail::codec;

namespace {

constexpr std::size_t mebibyte = 1 << 20;

struct optional_node {
    std::optional<std::string> name;
    std::list<optional_node> children;
};

struct mapped_node {
    std::unordered_map<std::int32_t, mapped_node> children;
};

struct by_another_b;
struct by_another_a {
    std::vector<by_another_b> children;
};
struct by_another_b {
    std::deque<by_another_a> children;
    std::array<char, 200> more;
};

struct large_or_nothing {
    std::optional<std::array<char, mebibyte>> content;
};

// A message in which each level says that all the bytes behind it are elements. `before`: the bytes between the count of one
// level and that of the next. `least`: the bytes of the shortest element.
bytes nested_announcements(bytes first, bytes const& before, std::size_t least)
{
    bytes message = std::move(first);
    for (int level = 0; level != 80; ++level) {
        auto const count = static_cast<std::uint32_t>((mebibyte - message.size() - 4) / least);
        auto const* const c = reinterpret_cast<std::byte const*>(&count);
        message.insert(message.end(), c, c + 4);
        message.insert(message.end(), before.begin(), before.end());
    }
    message.resize(mebibyte);
    return message;
}

struct outcome {
    strait::error_code error;
    std::size_t memory;
};

template <class T>
outcome decoded(bytes const& message)
{
    std::size_t const before = allocated;
    T value{};
    strait::error_code const e = codec<T>::decode(message, value);
    return {e, allocated - before};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(memory)

BOOST_AUTO_TEST_CASE(containers_within_each_other_cannot_announce_the_same_bytes)
{
    auto const check = [](char const* what, outcome const& o) {
        BOOST_TEST_CONTEXT(what)
        {
            BOOST_TEST((o.error == strait::errc::malformed_message), o.error.message());
            BOOST_TEST(o.memory <= 64 * mebibyte);
        }
    };
    check("node", decoded<node>(nested_announcements(raw({0, 0, 0, 0}), raw({0, 0, 0, 0}), 8)));
    check("json", decoded<json>(nested_announcements(raw({4}), raw({4}), 1)));
    check("list", decoded<optional_node>(nested_announcements(raw({0}), raw({0}), 5)));
    check("map", decoded<mapped_node>(nested_announcements({}, raw({7, 0, 0, 0}), 8)));
    check("two types", decoded<by_another_a>(nested_announcements({}, {}, 4)));
    check("vectors", decoded<std::vector<std::vector<std::vector<std::vector<std::string>>>>>(nested_announcements({}, {}, 4)));
}

BOOST_AUTO_TEST_CASE(a_message_of_mebibytes_takes_memory_in_proportion_to_its_bytes)
{
    node tree{"root", std::vector<node>(100, node{"branch", std::vector<node>(500, node{"leaf", {}})})};
    bytes const message = encoded(tree);
    outcome const o = decoded<node>(message);
    BOOST_TEST(!o.error);
    BOOST_TEST(o.memory <= 16 * message.size());
}

BOOST_AUTO_TEST_CASE(elements_without_a_value_draw_from_one_budget)
{
    // 200,000 vectors of one element of 1 MiB, which has one byte in the message.
    bytes message = raw({0x40, 0x0D, 3, 0});
    for (int i = 0; i != 200000; ++i)
        for (int const b : {1, 0, 0, 0, 0})
            message.push_back(static_cast<std::byte>(b));
    std::uint64_t const allowed = strait::detail::memory_allowance(message.size());
    auto const check = [&](char const* what, outcome const& o) {
        BOOST_TEST_CONTEXT(what)
        {
            BOOST_TEST((o.error == strait::errc::out_of_memory), o.error.message());
            BOOST_TEST(o.memory <= allowed + 200000 * sizeof(std::vector<large_or_nothing>));
        }
    };
    check("vectors", decoded<std::vector<std::vector<large_or_nothing>>>(message));
    check("lists", decoded<std::vector<std::list<large_or_nothing>>>(message));
}

BOOST_AUTO_TEST_CASE(what_a_receiver_has_no_memory_for_is_not_sent)
{
    std::vector<large_or_nothing> const few(60);
    bytes const message = encoded(few);
    BOOST_TEST(message.size() == 64U);
    BOOST_TEST(!decoded<std::vector<large_or_nothing>>(message).error);
    std::vector<large_or_nothing> const many(65);
    BOOST_TEST(codec<std::vector<large_or_nothing>>::size(many) == strait::detail::unencodable);
}

BOOST_AUTO_TEST_CASE(elements_of_ordinary_size_are_never_refused)
{
    static_assert(!strait::detail::lavish<std::vector<std::optional<std::array<char, 200>>>>);
    static_assert(!strait::detail::lavish<std::vector<std::deque<int>>>);
    static_assert(!strait::detail::lavish<std::set<std::uint8_t>>);
    static_assert(!strait::detail::lavish<std::vector<json>>);
    static_assert(strait::detail::lavish<std::vector<large_or_nothing>>);
    using optional_blocks = std::vector<std::optional<std::array<char, 200>>>;
    BOOST_TEST(!decoded<optional_blocks>(encoded(optional_blocks(1000000))).error);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace serialization_memory
