// Distributed under the Boost Software License, Version 1.0.

#include <conformance/typed.hpp>
#include <support/typed_case.hpp>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace conformance {
namespace {

enum class side : std::uint8_t { buy, sell };

struct level {
    double price;
    std::uint32_t quantity;
    bool open;

    friend bool operator==(level const&, level const&) = default;
};

struct order {
    std::string symbol;
    side way;
    std::vector<level> levels;
    std::optional<std::string> note;
    std::variant<std::int64_t, std::string> account;
    std::map<std::string, std::vector<std::uint16_t>> tags;
    std::chrono::nanoseconds age;

    friend bool operator==(order const&, order const&) = default;
};

order sample_order(std::uint32_t n)
{
    order o{"SYM" + std::to_string(n), n % 2 ? side::buy : side::sell, {}, {}, std::int64_t{n}, {}, std::chrono::nanoseconds(n)};
    for (std::uint32_t i = 0; i != n % 9; ++i)
        o.levels.push_back({i * 0.5, i, i % 2 == 0});
    if (n % 3 == 0)
        o.note = std::string(n % 40, 'n');
    if (n % 4 == 0)
        o.account = "account " + std::to_string(n);
    if (n % 5 == 0)
        o.tags = {{"a", {1, 2, 3}}, {"empty", {}}};
    return o;
}

struct one_byte {
    std::uint8_t value;

    friend bool operator==(one_byte const&, one_byte const&) = default;
};

struct alignas(64) aligned_line {
    std::array<std::uint64_t, 8> words;

    friend bool operator==(aligned_line const&, aligned_line const&) = default;
};

struct nothing {
    friend bool operator==(nothing const&, nothing const&) = default;
};

template <class S, class T>
void carries(std::vector<T> const& values)
{
    auto const where = S::where();
    receiver_of<S, T> in{where};
    sender_of<S, T> out{where};
    for (T const& value : values) {
        out.send(value);
        auto const got = in.receive();
        BOOST_REQUIRE(got);
        BOOST_CHECK(*got == value);
    }
    out.close().value();
    BOOST_CHECK(!in.receive());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(message_types)

TYPED_CASE_ON(clean_host, a_single_byte_is_a_message, S, different_subjects)
{
    carries<S>(std::vector<one_byte>{{0}, {1}, {255}});
}

TYPED_CASE_ON(clean_host, an_aligned_struct_lies_aligned, S, different_subjects)
{
    carries<S>(std::vector<aligned_line>{{{1, 2, 3, 4, 5, 6, 7, 8}}, {{}}});
    auto const where = S::where();
    receiver_of<S, aligned_line> in{where};
    sender_of<S, aligned_line> out{where};
    for (std::uint64_t i = 0; i != 3; ++i) {
        auto c = out.claim();
        BOOST_CHECK_EQUAL(reinterpret_cast<std::uintptr_t>(&*c) % alignof(aligned_line), 0U);
        *c = aligned_line{{i}};
        c.commit();
        auto const b = in.borrow();
        BOOST_CHECK_EQUAL(reinterpret_cast<std::uintptr_t>(&*b) % alignof(aligned_line), 0U);
        BOOST_CHECK(*b == aligned_line{{i}});
    }
    // Where they were read ahead they lie one behind the other.
    std::vector<aligned_line> const batch{{{3}}, {{4}}, {{5}}};
    BOOST_CHECK_EQUAL(out.send_batch(batch), batch.size());
    for (aligned_line const& line : batch) {
        auto const b = in.borrow();
        BOOST_CHECK_EQUAL(reinterpret_cast<std::uintptr_t>(&*b) % alignof(aligned_line), 0U);
        BOOST_CHECK(*b == line);
    }
}

TYPED_CASE_ON(clean_host, an_empty_struct_is_a_message, S, different_subjects)
{
    carries<S>(std::vector<nothing>(3));
}

TYPED_CASE_ON(clean_host, empty_vectors_and_zero_sized_messages_arrive, S, different_subjects)
{
    carries<S>(std::vector<std::vector<std::uint32_t>>{{}, {1}, {}, {2, 3}, {}});
}

TYPED_CASE_ON(clean_host, nested_aggregates_arrive, S, different_subjects)
{
    std::vector<order> orders;
    for (std::uint32_t i = 0; i != 60; ++i)
        orders.push_back(sample_order(i));
    carries<S>(orders);
}

TYPED_CASE_ON(clean_host, the_declared_limit_is_the_largest_message, S, subjects)
{
    // Larger ones are for the tests of the mechanism: limits of the host come first, and a stack has 8 MiB.
    if constexpr (guarantees_of<S>.max_message_size != 0 && guarantees_of<S>.max_message_size <= 65536) {
        using largest = std::array<std::uint8_t, guarantees_of<S>.max_message_size>;
        auto const where = S::where();
        options_of<S> how;
        how.capacity = 1;
        receiver_of<S, largest> in{where, how};
        sender_of<S, largest> out{where, how};
        auto const message = std::make_unique<largest>();
        for (std::size_t i = 0; i != message->size(); ++i)
            (*message)[i] = static_cast<std::uint8_t>(support::mixed(i));
        std::thread producing([&] { out.send(*message); });
        auto const got = in.receive();
        producing.join();
        BOOST_REQUIRE(got);
        BOOST_CHECK(*got == *message);
    }
}

TYPED_CASE_ON(clean_host, claims_and_borrows_run_around_the_channel_many_times, S, subjects)
{
    auto const where = S::where();
    options_of<S> small;
    small.capacity = guarantees_of<S>.max_message_size == 0 ? 4096 : 8;
    receiver_of<S, std::vector<std::uint32_t>> in{where, small};
    sender_of<S, std::vector<std::uint32_t>> out{where, small};
    for (std::uint32_t i = 0; i != 2000; ++i) {
        std::size_t const n = support::mixed(i) % 90;
        auto c = out.claim(n + 5);
        for (std::size_t k = 0; k != n; ++k)
            (*c)[k] = i + static_cast<std::uint32_t>(k);
        c.commit(n);
        auto b = in.borrow();
        BOOST_REQUIRE(b);
        BOOST_REQUIRE_EQUAL(b->size(), n);
        for (std::size_t k = 0; k != n; ++k)
            BOOST_REQUIRE_EQUAL((*b)[k], i + static_cast<std::uint32_t>(k));
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
