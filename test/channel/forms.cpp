// Distributed under the Boost Software License, Version 1.0.
// The forms of each verb, and what a claim remembers of its own.

#include <strait/channel.hpp>
#include <strait/transport/anonymous_pipe.hpp>
#include <strait/transport/in_process.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/unix_stream.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <support/code.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <sys/resource.h>

namespace channel_forms {

namespace {

using namespace std::chrono_literals;
using strait::deadline;
using strait::errc;
using support::code;
using support::thrown_by;

struct order {
    std::uint64_t id = 0;
    std::string text;

    friend bool operator==(order const&, order const&) = default;
};

using ring = strait::shm_ring<>;
using rings = std::tuple<ring, strait::shm_ring<strait::mpmc>>;

using mechanisms = std::tuple<ring, strait::shm_ring<strait::mpmc>, strait::in_process, strait::anonymous_pipe, strait::unix_stream>;

struct own_token {
    std::atomic<bool> const* stopped;
    bool stop_requested() const noexcept { return *stopped; }
};

struct fixture {
    support::watchdog watch;

    static auto past() { return std::chrono::system_clock::now() - 1h; }
};

// A channel of two ends that has no room.
template <class T, class X>
auto full_channel(T const& message)
{
    auto ends = strait::channel<T, X>::make_pair({.capacity = X::guarantees.zero_copy ? 4096U : 4U}).split();
    while (ends.first.try_send(message)) {}
    return ends;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(forms, fixture)

TYPED_CASE(a_batch_goes_on_until_the_stop, X, mechanisms)
{
    auto [out, in] = strait::channel<std::uint64_t, X>::make_pair({.capacity = 4}).split();
    std::vector<std::uint64_t> many(100'000);
    std::iota(many.begin(), many.end(), 0U);
    std::stop_source source;
    std::thread stopping([&] {
        std::this_thread::sleep_for(30ms);
        source.request_stop();
    });
    std::size_t const sent = out.send_batch(many, source.get_token());
    stopping.join();
    BOOST_TEST(sent != 0U);
    BOOST_TEST(sent < many.size());
    std::vector<std::uint64_t> got(sent);
    for (std::size_t n = 0; n != sent;)
        n += in.receive_batch(std::span(got).subspan(n), std::stop_token());
    many.resize(sent);
    BOOST_TEST(got == many);
    BOOST_TEST((code(in.try_receive()) == errc::empty));
}

TYPED_CASE(no_form_does_anything_after_a_stop, X, mechanisms)
{
    auto [out, in] = strait::channel<std::uint64_t, X>::make_pair().split();
    std::vector<std::uint64_t> batch(2);
    std::stop_source source;
    source.request_stop();
    out.send(1);
    BOOST_TEST(!in.receive(source.get_token()));
    BOOST_TEST(in.receive_batch(batch, source.get_token()) == 0U);
    BOOST_TEST(!in.borrow(source.get_token()));
    BOOST_TEST(!out.send(2, source.get_token()));
    BOOST_TEST(out.send_batch(batch, source.get_token()) == 0U);
    BOOST_TEST(!out.claim(source.get_token()));
    BOOST_TEST((*in.borrow(std::stop_token()) == 1U));
    auto filled = out.claim(std::stop_token());
    **filled = 3;
    filled->commit();
    BOOST_TEST((in.receive() == 3U));
    BOOST_TEST((code(in.try_receive()) == errc::empty));
}

TYPED_CASE(a_stop_wakes_each_form, X, mechanisms)
{
    auto [out, in] = strait::channel<std::uint64_t, X>::make_pair({.capacity = 4}).split();
    std::vector<std::uint64_t> batch(2);
    auto const stopped = [](auto wait) {
        std::stop_source source;
        std::jthread const stopping([&] {
            std::this_thread::sleep_for(5ms);
            source.request_stop();
        });
        return wait(source.get_token());
    };
    BOOST_TEST(!stopped([&in = in](auto stop) { return in.receive(stop); }));
    BOOST_TEST(!stopped([&in = in, &batch](auto stop) { return in.receive_batch(batch, stop); }));
    BOOST_TEST(!stopped([&in = in](auto stop) { return static_cast<bool>(in.borrow(stop)); }));
    while (out.try_send(7) || out.send_for(7, 10ms)) {}
    BOOST_TEST(!stopped([&out = out](auto stop) { return out.send(8, stop); }));
    BOOST_TEST(!stopped([&out = out, &batch](auto stop) { return out.send_batch(batch, stop); }));
}

BOOST_AUTO_TEST_CASE(a_token_of_another_library_stops_both_ends)
{
    auto [out, in] = strait::channel<std::uint64_t, ring>::make_pair({.capacity = 4}).split();
    std::atomic<bool> stopped = false;
    auto const stop_soon = [&] {
        stopped = false;
        return std::jthread([&] {
            std::this_thread::sleep_for(20ms);
            stopped = true;
        });
    };
    {
        auto const stopping = stop_soon();
        BOOST_TEST(!in.receive(own_token{&stopped}));
    }
    while (out.try_send(0)) {}
    auto const stopping = stop_soon();
    BOOST_TEST(!out.send(0, own_token{&stopped}));
}

BOOST_AUTO_TEST_CASE(an_end_that_never_sleeps_sees_a_stop)
{
    using X = strait::shm_ring<strait::spsc, strait::yielding>;
    auto [out, in] = strait::channel<std::uint64_t, X>::make_pair({.capacity = 4}).split();
    std::stop_source source;
    std::jthread const stopping([&] { source.request_stop(); });
    BOOST_TEST(!in.receive(source.get_token()));
    out.send(1);
    BOOST_TEST((in.receive(std::stop_token()) == 1U));
}

// Neither an inotify instance nor an eventfd: the wait asks the token now and then.
BOOST_AUTO_TEST_CASE(a_stop_is_seen_without_a_descriptor_to_be_had)
{
    if (support::sanitized)  // the undefined-behaviour sanitizer needs descriptors of its own, or finds what is not there
        return;
    auto [out, in] = strait::channel<std::uint64_t, ring>::make_pair().split();
    std::thread waiting([&in = in] {  // a thread that has no descriptors yet
        ::rlimit const before = [] {
            ::rlimit l{};
            ::getrlimit(RLIMIT_NOFILE, &l);
            return l;
        }();
        ::rlimit none = before;
        none.rlim_cur = 0;
        ::setrlimit(RLIMIT_NOFILE, &none);
        std::stop_source source;
        std::jthread const stopping([&] {
            std::this_thread::sleep_for(20ms);
            source.request_stop();
        });
        bool const got = in.receive(source.get_token()).has_value();
        ::setrlimit(RLIMIT_NOFILE, &before);
        if (got)
            std::abort();
    });
    waiting.join();
    out.send(1);
    BOOST_TEST((in.receive() == 1U));
}

BOOST_AUTO_TEST_CASE(each_verb_of_a_sender_takes_a_deadline_a_moment_and_a_duration)
{
    auto [out, in] = strait::channel<std::uint64_t, ring>::make_pair({.capacity = 8}).split();
    std::vector<std::uint64_t> const one{1};
    BOOST_TEST(out.send_until(1, deadline::never()).has_value());
    BOOST_TEST((out.send_batch_until(one, deadline::poll()).value() == 1U));
    for (auto make : {+[](strait::sender<std::uint64_t, ring>& s) { return s.claim_until(deadline::never()); },
                      +[](strait::sender<std::uint64_t, ring>& s) { return s.claim_until(fixture::past()); },
                      +[](strait::sender<std::uint64_t, ring>& s) { return s.claim_for(1s); }}) {
        auto c = make(out);
        **c = 1;
        BOOST_TEST(c->commit_until(deadline::never()).has_value());
    }
    BOOST_TEST(out.flush_until(deadline::never()).has_value());
    BOOST_TEST(out.try_flush().has_value());
    std::vector<std::uint64_t> got(1);
    BOOST_TEST((in.receive_until(deadline::never()).value() == 1U));
    BOOST_TEST((in.receive_batch_until(got, deadline::never()).value() == 1U));
    for (int i = 0; i != 2; ++i)
        BOOST_TEST((*in.borrow_until(deadline::never()).value() == 1U));
    BOOST_TEST((in.receive(std::stop_token()) == 1U));
    BOOST_TEST((code(in.receive_until(deadline::poll())) == errc::empty));
    BOOST_TEST((code(in.borrow_until(deadline::after(1ms))) == errc::timed_out));
    BOOST_TEST((code(in.receive_batch_until(got, deadline::at({}))) == errc::timed_out));
}

BOOST_AUTO_TEST_CASE(elements_are_claimed_in_each_form)
{
    auto [out, in] = strait::channel<std::string, ring>::make_pair().split();
    auto const send = [](auto c) {
        std::ranges::fill(**c, 'x');
        c->commit();
    };
    send(out.try_claim(3));
    send(out.claim_for(3, 1s));
    send(out.claim_until(3, deadline::never()));
    send(out.claim_until(3, fixture::past()));
    send(out.claim(3, std::stop_token()));
    for (int i = 0; i != 5; ++i)
        BOOST_TEST((in.receive() == "xxx"));
}

BOOST_AUTO_TEST_CASE(an_object_that_can_only_be_moved_is_sent_in_each_form)
{
    using box = std::unique_ptr<int>;
    auto [out, in] = strait::channel<box, strait::in_process>::make_pair({.capacity = 5}).split();
    out.send(std::make_unique<int>(0));
    BOOST_TEST(out.send(std::make_unique<int>(1), std::stop_token()));
    BOOST_TEST(out.send_for(std::make_unique<int>(2), 1s).has_value());
    BOOST_TEST(out.send_until(std::make_unique<int>(3), deadline::never()).has_value());
    BOOST_TEST(out.send_until(std::make_unique<int>(4), fixture::past()).has_value());
    auto left = std::make_unique<int>(5);
    std::stop_source source;
    std::jthread const stopping([&] { source.request_stop(); });
    BOOST_TEST(!out.send(std::move(left), source.get_token()));
    BOOST_TEST((code(out.try_send(std::move(left))) == errc::full));
    BOOST_TEST((code(out.send_for(std::move(left), 1ms)) == errc::timed_out));
    BOOST_TEST((code(out.send_until(std::move(left), deadline::after(1ms))) == errc::timed_out));
    BOOST_TEST((code(out.send_until(std::move(left), fixture::past())) == errc::timed_out));
    BOOST_TEST_REQUIRE(left.get());
    BOOST_TEST(*left == 5);  // what was not sent is still here
    for (int i = 0; i != 5; ++i)
        BOOST_TEST((*in.receive().value() == i));
}

TYPED_CASE(a_claim_of_an_encoded_type_says_that_there_is_no_room, X, rings)
{
    auto [out, in] = full_channel<order, X>({1, "text"});
    BOOST_TEST((code(out.try_claim()) == errc::full));
    BOOST_TEST((code(out.claim_for(1ms)) == errc::timed_out));
    BOOST_TEST((code(out.claim_until(fixture::past())) == errc::timed_out));
}

BOOST_AUTO_TEST_CASE(a_claim_of_an_object_says_that_there_is_no_room)
{
    auto [out, in] = full_channel<order, strait::in_process>({1, "text"});
    BOOST_TEST((code(out.try_claim()) == errc::full));
    BOOST_TEST((code(out.claim_for(1ms)) == errc::timed_out));
    BOOST_TEST((in.receive() == order{1, "text"}));
    BOOST_TEST(out.try_claim().has_value());
}

// Room for the least message is not room for every one.
BOOST_AUTO_TEST_CASE(a_commit_waits_no_longer_than_its_claim_may)
{
    auto [out, in] = strait::channel<order, ring>::make_pair({.capacity = 4096}).split();
    std::uint64_t sent = 0;
    while (out.try_send({sent, std::string(600, 'x')}))
        ++sent;
    auto polled = out.try_claim();
    BOOST_TEST_REQUIRE(polled.has_value());
    **polled = {sent, std::string(600, 'x')};
    BOOST_TEST((thrown_by([&] { polled->commit(); }) == errc::full));
    BOOST_TEST((code(polled->try_commit()) == errc::full));
    BOOST_TEST((code(polled->commit_for(1ms)) == errc::timed_out));
    BOOST_TEST((in.receive() == order{0, std::string(600, 'x')}));
    BOOST_TEST((in.receive() == order{1, std::string(600, 'x')}));
    polled->commit();  // it was still there
    BOOST_TEST((code(polled->try_commit()) == errc::not_open));
    while (out.try_send({++sent, std::string(600, 'x')})) {}
    auto timed = out.claim_for(1ms);
    BOOST_TEST_REQUIRE(timed.has_value());
    **timed = {sent, std::string(600, 'x')};
    BOOST_TEST((thrown_by([&] { timed->commit(); }) == errc::timed_out));
    for (std::uint64_t i = 2; i != sent; ++i)
        BOOST_TEST((in.receive() == order{i, std::string(600, 'x')}));
    timed->commit();
    BOOST_TEST((in.receive() == order{sent, std::string(600, 'x')}));
}

TYPED_CASE(the_earliest_moment_of_a_clock_is_past, X, mechanisms)
{
    auto [out, in] = full_channel<std::uint64_t, X>(1);
    std::vector<std::uint64_t> batch(2);
    auto empty = strait::channel<std::uint64_t, X>::make_pair().split();
    auto const check = [&]<class Moment>(Moment const& past, auto& full, auto& none) {
        BOOST_TEST((code(full.send_until(1, past)) == errc::timed_out));
        BOOST_TEST((code(none.receive_until(past)) == errc::timed_out));
        BOOST_TEST((code(none.receive_batch_until(batch, past)) == errc::timed_out));
        BOOST_TEST((code(none.borrow_until(past)) == errc::timed_out));
    };
    check(std::chrono::system_clock::time_point::min(), out, empty.second);
    check(std::chrono::steady_clock::time_point::min(), out, empty.second);
    check(std::chrono::time_point<std::chrono::system_clock, std::chrono::hours>::min(), out, empty.second);
    check(std::chrono::time_point<std::chrono::steady_clock, std::chrono::hours>::min(), out, empty.second);
}

TYPED_CASE(batches_of_a_type_of_one_size_that_is_encoded, X, mechanisms)
{
    using message = std::pair<std::int32_t, std::int64_t>;  // 12 bytes, without the padding of the object
    auto [out, in] = strait::channel<message, X>::make_pair({.capacity = X::guarantees.zero_copy ? 4096U : 16U}).split();
    std::vector<message> const sent{{1, -1}, {2, -2}, {3, -3}};
    BOOST_TEST(out.send_batch(sent) == 3U);
    std::vector<message> got(3);
    for (std::size_t n = 0; n != 3;)
        n += in.receive_batch(std::span(got).subspan(n));
    BOOST_TEST((got == sent));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace channel_forms
