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

template <class S, class T>
void batches_keep_order()
{
    auto const where = S::where();
    options_of<S> small;
    small.capacity = guarantees_of<S>.max_message_size == 0 ? 4096 : 8;
    receiver_of<S, T> in{where, small};
    sender_of<S, T> out{where, small};
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

BOOST_FIXTURE_TEST_CASE_TEMPLATE(every_form_of_a_batch_carries_it, S, word_subjects, clean_host)
{
    auto const where = S::where();
    receiver_of<S> in{where};
    sender_of<S> out{where};
    exchange_one<S>(out, in);
    auto const all = messages<probe_of<S>>(1, 4);
    std::vector<probe_of<S>> got(8);
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
    BOOST_CHECK_EQUAL(out.send_batch(std::span<probe_of<S> const>()), 0U);
    BOOST_CHECK_EQUAL(code(in.try_receive_batch(got)), errc::empty);
    BOOST_CHECK_EQUAL(code(in.receive_batch_for(got, 1ms)), errc::timed_out);
    out.send(make_probe(9));
    BOOST_CHECK_EQUAL(in.try_receive_batch(std::span(got)).value(), 1U);
    BOOST_CHECK(got[0] == make_probe(9));
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(a_batch_tells_how_many_were_accepted, S, bounded_word_subjects, clean_host)
{
    auto const where = S::where();
    options_of<S> small;
    small.capacity = 8;
    receiver_of<S> in{where, small};
    sender_of<S> out{where, small};
    exchange_one<S>(out, in);
    std::uint64_t accepted = 1;
    for (;;) {
        auto const r = out.try_send_batch(messages<probe_of<S>>(accepted, 500));
        if (!r) {
            BOOST_CHECK_EQUAL(r.error(), errc::full);
            break;
        }
        BOOST_REQUIRE_GT(*r, 0U);
        BOOST_REQUIRE_LE(*r, 500U);
        accepted += *r;
    }
    BOOST_CHECK_EQUAL(code(out.send_batch_for(messages<probe_of<S>>(accepted, 3), 1ms)), errc::timed_out);
    BOOST_CHECK_EQUAL(out.stats().messages, accepted);
    std::vector<probe_of<S>> got(100);
    std::uint64_t next = 1;
    while (next != accepted) {
        auto const n = in.receive_batch(got);
        for (std::size_t i = 0; i != n; ++i)
            BOOST_REQUIRE(got[i] == make_probe(next++));
        out.flush();
    }
    BOOST_CHECK_EQUAL(code(in.try_receive_batch(got)), errc::empty);
    exchange_one<S>(out, in, next);
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(batches_of_fixed_size_keep_order, S, reliable_word_subjects, clean_host)
{
    batches_keep_order<S, probe_of<S>>();
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(batches_of_varying_size_keep_order, S, reliable_subjects, clean_host)
{
    batches_keep_order<S, std::string>();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
