// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace conformance {
namespace {

template <class T>
std::vector<T> messages(std::uint64_t first, std::uint64_t count)
{
    std::vector<T> all;
    for (std::uint64_t i = 0; i != count; ++i)
        all.push_back(make_message<T>(first + i));
    return all;
}

template <class T>
void batches_keep_order(subject const& x)
{
    auto const where = x.where();
    auto small = x.options;
    small.capacity = x.guarantees.max_message_size == 0 ? 4096 : 8;
    receiver_over<T> in{x, where, small};
    sender_over<T> out{x, where, small};
    auto const all = messages<T>(0, 2000);
    std::thread producing([&] {
        for (std::size_t at = 0, size = 1; at != all.size(); size = size % 97 + 7) {
            auto const part = std::span(all).subspan(at, std::min(size, all.size() - at));
            at += out.send_batch(part);
        }
        out.close().value();
    });
    std::vector<T> got(64);
    support::sequence_checker order;
    bool right = true;
    while (std::size_t const n = in.receive_batch(got))
        for (std::size_t i = 0; i != n; ++i)
            right = order.see(got[i]) && right;
    producing.join();
    BOOST_CHECK(right);
    BOOST_CHECK_EQUAL(order.count(), all.size());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batches)

CONFORMANCE_CASE(every_form_of_a_batch_carries_it, x, any_named)
{
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    exchange_one(out, in);
    auto const all = messages<probe>(1, 4);
    std::vector<probe> got(8);
    auto const arrived = [&](std::size_t n) {
        while (n < all.size()) {  // a batch may come in parts
            auto const more = in.receive_batch(std::span(got).subspan(n));
            BOOST_REQUIRE_GT(more, 0U);
            n += more;
        }
        BOOST_CHECK_EQUAL(n, all.size());
        BOOST_CHECK(std::equal(all.begin(), all.end(), got.begin()));
    };
    BOOST_CHECK_EQUAL(out.send_batch(all), 4U);
    arrived(in.receive_batch(got));
    BOOST_CHECK_EQUAL(out.try_send_batch(all).value(), 4U);
    arrived(in.receive_batch_for(got, 10s).value());
    BOOST_CHECK_EQUAL(out.send_batch_for(all, 10s).value(), 4U);
    arrived(in.receive_batch_until(got, std::chrono::system_clock::now() + 10s).value());
    BOOST_CHECK_EQUAL(out.send_batch_until(all, std::chrono::system_clock::now() + 10s).value(), 4U);
    arrived(in.receive_batch_until(got, std::chrono::steady_clock::now() + 10s).value());
    BOOST_CHECK_EQUAL(out.send_batch(std::span<probe const>()), 0U);
    BOOST_CHECK_EQUAL(code(in.try_receive_batch(got)), errc::empty);
    BOOST_CHECK_EQUAL(code(in.receive_batch_for(got, 1ms)), errc::timed_out);
    out.send(make_probe(9));
    BOOST_CHECK_EQUAL(in.try_receive_batch(std::span(got)).value(), 1U);
    BOOST_CHECK(got[0] == make_probe(9));
}

CONFORMANCE_CASE(a_batch_tells_how_many_were_accepted, x, bounded_named)
{
    auto const where = x.where();
    auto small = x.options;
    small.capacity = 8;
    receiver in{x, where, small};
    sender out{x, where, small};
    exchange_one(out, in);
    std::uint64_t accepted = 1;
    for (;;) {
        auto const r = out.try_send_batch(messages<probe>(accepted, 500));
        if (!r) {
            BOOST_CHECK_EQUAL(r.error(), errc::full);
            break;
        }
        BOOST_REQUIRE_GT(*r, 0U);
        BOOST_REQUIRE_LE(*r, 500U);
        accepted += *r;
    }
    BOOST_CHECK_EQUAL(code(out.send_batch_for(messages<probe>(accepted, 3), 1ms)), errc::timed_out);
    BOOST_CHECK_EQUAL(out.stats().messages, accepted);
    std::vector<probe> got(100);
    std::uint64_t next = 1;
    while (next != accepted) {
        auto const n = in.receive_batch(got);
        for (std::size_t i = 0; i != n; ++i)
            BOOST_REQUIRE(got[i] == make_probe(next++));
        out.flush();
    }
    BOOST_CHECK_EQUAL(code(in.try_receive_batch(got)), errc::empty);
    exchange_one(out, in, next);
}

CONFORMANCE_CASE(batches_of_fixed_size_keep_order, x, reliable_named)
{
    batches_keep_order<probe>(x);
}

CONFORMANCE_CASE(batches_of_varying_size_keep_order, x, reliable)
{
    batches_keep_order<std::string>(x);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
