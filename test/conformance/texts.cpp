// Distributed under the Boost Software License, Version 1.0.
// Messages that vary in size.

#include <conformance/fixture.hpp>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace conformance {
namespace {

// The largest encoding that a channel of these options takes, found by asking.
std::size_t largest_accepted(text_sender& out, text_receiver& in, std::size_t too_large)
{
    std::size_t accepted = 0;
    while (too_large - accepted > 1) {
        std::size_t const size = accepted + (too_large - accepted) / 2;
        if (auto const r = out.try_send(std::string(size, 'm')); r) {
            accepted = size;
            BOOST_REQUIRE(in.receive() == std::string(size, 'm'));
        } else {
            BOOST_REQUIRE_EQUAL(r.error(), errc::message_too_large);
            too_large = size;
        }
    }
    return accepted;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(texts)

CONFORMANCE_CASE(strings_of_every_small_size_arrive, x, any_size)
{
    std::vector<std::string> texts;
    for (std::size_t n = 0; n != 70; ++n)
        texts.emplace_back(n, static_cast<char>('a' + n % 26));
    texts.emplace_back("with\0zero", 9);
    texts.emplace_back();
    auto const where = x.where();
    text_receiver in{x, where};
    text_sender out{x, where};
    for (std::string const& text : texts) {
        out.send(text);
        BOOST_REQUIRE(in.receive() == text);
    }
    out.close().value();
    BOOST_CHECK(!in.receive());
}

CONFORMANCE_CASE(a_message_that_is_too_large_is_refused_and_the_channel_goes_on, x, any_size)
{
    if (x.between_processes) {
        auto const where = x.where();
        auto limited = x.options;
        limited.max_message_size = 1000;
        text_receiver in{x, where, limited};
        text_sender out{x, where, limited};
        exchange_one(out, in);
        std::size_t const limit = largest_accepted(out, in, 1 << 20);
        BOOST_CHECK_GE(limit, 1000U);
        std::string const surplus(limit + 1, 's');
        BOOST_CHECK_EQUAL(code(out.try_send(surplus)), errc::message_too_large);
        BOOST_CHECK_EQUAL(code(out.send_for(surplus, 10s)), errc::message_too_large);
        BOOST_CHECK_EQUAL(thrown_by([&] { out.send(surplus); }), errc::message_too_large);
        BOOST_CHECK_EQUAL(code(out.try_claim(limit + 1)), errc::message_too_large);
        text_sender alone{x, x.where()};  // told without waiting for a receiver
        for (std::size_t const size : {std::size_t{1} << 31, SIZE_MAX})
            BOOST_CHECK_EQUAL(thrown_by([&] { alone.claim(size); }), errc::message_too_large);
        std::vector<std::string> const batch{"first", surplus, "never"};
        BOOST_CHECK_EQUAL(out.send_batch(batch), 1U);
        BOOST_CHECK(in.receive() == "first");
        BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
        exchange_one(out, in, 1);
        BOOST_CHECK_EQUAL(out.stats().messages, in.stats().messages);
    }
}

CONFORMANCE_CASE(a_message_larger_than_every_buffer_arrives_where_nothing_limits_it, x, any_size)
{
    if (x.guarantees.max_message_size == 0) {
        constexpr std::size_t size = 3 << 20;
        auto const where = x.where();
        auto how = x.options;
        how.max_message_size = size;
        text_receiver in{x, where, how};
        text_sender out{x, where, how};
        std::string large(size, 'x');
        for (std::size_t i = 0; i < size; i += 97)
            large[i] = static_cast<char>('a' + support::mixed(i) % 26);
        std::thread producing([&] {
            for (int i = 0; i != 3; ++i)
                out.send(large);
            out.send("after");
        });
        std::string got;
        for (int i = 0; i != 3; ++i) {
            BOOST_CHECK(in.receive(got));
            BOOST_CHECK(got == large);
        }
        BOOST_CHECK(in.receive() == "after");
        producing.join();
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
