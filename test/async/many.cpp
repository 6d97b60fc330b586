// Distributed under the Boost Software License, Version 1.0.

#include <array>
#include <tuple>
#include <vector>

#include <strait.hpp>

#include <async/fixture.hpp>
#include <sys/resource.h>

namespace async::many {
namespace {

// One of each five: two rings, and three mechanisms of the kernel.
template <class X>
struct many {
    std::vector<std::unique_ptr<strait::async_receiver<message, X>>> in;
    std::vector<strait::sender<message, X>> out;
};

template <class X>
void open(many<X>& m, asio::io_context& context, int count)
{
    for (int i = 0; i != count; ++i) {
        typename X::options how;
        how.capacity = X::guarantees.bounded && X::guarantees.zero_copy ? 8 : 0;
        auto const where = support::unique_name();
        m.in.push_back(std::make_unique<strait::async_receiver<message, X>>(context, where, how));
        m.out.emplace_back(where, how);
    }
}

template <class In>
asio::awaitable<void> sum_up(In& in, message& sum, int& ended)
{
    while (auto const m = co_await in.async_receive(asio::use_awaitable))
        sum += *m;
    ++ended;
}

BOOST_AUTO_TEST_CASE(a_thousand_channels_of_five_mechanisms_are_awaited_in_one_context)
{
    clean_host const host;
    ::rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    auto const before = files;
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    int const each = files.rlim_cur >= 12'000 ? 200 : 20;
    if (each != 200)
        BOOST_TEST_MESSAGE("only 100 channels: the limit of descriptors is " << files.rlim_cur);
    asio::io_context context;
    std::tuple<many<strait::shm_ring<>>, many<strait::shm_ring<strait::mpmc>>, many<strait::unix_stream>,
               many<strait::named_pipe>, many<strait::in_process>>
        all;
    std::apply([&](auto&... m) { (open(m, context, each), ...); }, all);
    message sum = 0;
    int ended = 0;
    std::apply(
        [&](auto&... m) {
            auto const begin = [&](auto& of) {
                for (auto& in : of.in)
                    asio::co_spawn(context, sum_up(*in, sum, ended), asio::detached);
            };
            (begin(m), ...);
        },
        all);
    message sent = 0;
    auto const send = [&](auto& of) {
        for (auto& out : of.out)
            out.send(++sent);
    };
    for (int round = 0; round != 3; ++round) {
        std::apply([&](auto&... m) { (send(m), ...); }, all);
        while (sum != sent * (sent + 1) / 2)
            context.run_one();
    }
    BOOST_TEST(ended == 0);
    std::apply([&](auto&... m) { (m.out.clear(), ...); }, all);
    context.run();
    BOOST_TEST(ended == 5 * each);
    ::setrlimit(RLIMIT_NOFILE, &before);
}

// However the race ends, each message is received by somebody.
BOOST_AUTO_TEST_CASE(a_race_over_three_channels_loses_nothing)
{
    clean_host const host;
    asio::io_context context;
    auto [ring_out, ring] = strait::channel<message, strait::shm_ring<>>::make_pair().split();
    auto [pipe_out, pipe] = strait::channel<message, strait::anonymous_pipe>::make_pair().split();
    auto [socket_out, socket] = strait::channel<message, strait::unix_stream>::make_pair().split();
    strait::async_receiver<message, strait::shm_ring<>> a{context, std::move(ring)};
    strait::async_receiver<message, strait::anonymous_pipe> b{context, std::move(pipe)};
    strait::async_receiver<message, strait::unix_stream> c{context, std::move(socket)};
    int const races = support::rounds(support::sanitized ? 5'000 : 100'000);
    std::array<message, 3> sent{};
    std::array<message, 3> received{};
    auto const send = [&, &o1 = ring_out, &o2 = pipe_out, &o3 = socket_out](std::uint64_t which) {
        if (which % 3 == 0)
            o1.send(sent[0]++);
        else if (which % 3 == 1)
            o2.send(sent[1]++);
        else
            o3.send(sent[2]++);
    };
    auto const total = [](std::array<message, 3> const& n) { return n[0] + n[1] + n[2]; };
    run(context, [&, &o1 = ring_out, &o2 = pipe_out, &o3 = socket_out]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        for (int i = 0; i != races; ++i) {
            auto const random = support::mixed(static_cast<std::uint64_t>(i));
            // Ready before, or while all wait; one or two at a time.
            for (std::uint64_t n = random % 2; n != 2; ++n) {
                auto const which = random >> (8 * n);
                if (total(sent) - total(received) > 8)
                    continue;
                if (random / 2 % 2 == 0 || total(sent) != total(received))
                    send(which);
                else
                    asio::post(context,
                               [&send, &context, which] { asio::post(context, [&send, which] { send(which); }); });
            }
            std::size_t at = 0;
            std::optional<message> got;
            if (i % 3 == 0) {
                auto const [order, e0, m0, e1, m1, e2, m2] =
                    co_await asio::experimental::make_parallel_group(a.async_receive(asio::deferred),
                                                                     b.async_receive(asio::deferred),
                                                                     c.async_receive(asio::deferred))
                        .async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
                at = order[0];
                got = at == 0 ? m0 : at == 1 ? m1 : m2;
                BOOST_TEST_REQUIRE(!m0.has_value() + !m1.has_value() + !m2.has_value() == 2);
            } else if (i % 3 == 1) {
                at = co_await strait::async_select(std::tie(a, b, c), asio::use_awaitable);
                got = at == 0   ? a.next_layer().try_receive().value()
                      : at == 1 ? b.next_layer().try_receive().value()
                                : c.next_layer().try_receive().value();
            } else {
                if (sent[0] == received[0] && sent[1] == received[1]) {
                    send(0);
                    send(1);
                }
                auto const first =
                    co_await (a.async_receive(asio::use_awaitable) || b.async_receive(asio::use_awaitable));
                at = first.index();
                got = at == 0 ? std::get<0>(first) : std::get<1>(first);
            }
            BOOST_TEST_REQUIRE((got == received[at]++));
        }
        o1.close().value();
        o2.close().value();
        o3.close().value();
        auto const drain = [&](auto& in, std::size_t at) -> asio::awaitable<void> {
            while (auto const m = co_await in.async_receive(asio::use_awaitable))
                BOOST_TEST_REQUIRE((*m == received[at]++));
        };
        co_await drain(a, 0);
        co_await drain(b, 1);
        co_await drain(c, 2);
    });
    BOOST_TEST(total(sent) >= static_cast<message>(races));
    BOOST_TEST(sent == received, boost::test_tools::per_element());
}

}  // namespace
}  // namespace async::many
