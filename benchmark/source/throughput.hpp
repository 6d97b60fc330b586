// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_THROUGHPUT_HPP
#define STRAIT_BENCHMARK_THROUGHPUT_HPP

#include "clock.hpp"
#include "contestant.hpp"
#include "meeting.hpp"
#include "shared.hpp"
#include "tally.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <sched.h>

namespace benchmark {

namespace detail {

struct throughput_result {
    struct receiver {
        std::uint64_t received, sum, counted;
        std::int64_t began, ended;
    };

    throughput_result(unsigned senders, unsigned receivers)
        : opened(senders + receivers), finished(senders + receivers), senders_left(senders)
    {
    }

    meeting opened;
    meeting finished;
    std::atomic<unsigned> senders_left;
    std::atomic<std::uint64_t> sent{0};
    std::atomic<std::uint64_t> sum{0};
    std::array<receiver, tally::most_senders> receivers{};
    alignas(64) std::atomic<std::uint64_t> taken{0};  // by the receiver, where the sender has a window
};

// What a receiver with a window has taken; told now and then, more often than the least window needs.
class progress {
public:
    explicit progress(std::atomic<std::uint64_t>& taken) : taken_(taken) {}
    void one_more()
    {
        if (++count_ % 8 == 0)
            taken_.store(count_, std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t>& taken_;
    std::uint64_t count_ = 0;
};

// Sends for a time. The clock is read about every 20 us, by a count that adapts, so that it costs nothing.
template <class Sender>
class pump {
public:
    pump(Sender& out, std::size_t batch, unsigned sender, std::size_t window, std::atomic<std::uint64_t> const& taken)
        : out_(out), batch_(batch), next_(sequence::first_of(sender)), window_(window), taken_(taken)
    {
    }

    void send_until(std::int64_t end)
    {
        for (std::int64_t time = now(); time < end;) {
            send_calls();
            std::int64_t const after = now();
            if (after - time < 20'000)
                calls_ *= 2;
            else if (after - time > 200'000 && calls_ > 1)
                calls_ /= 2;
            time = after;
        }
    }

    void send_marked(std::uint64_t mark) { out_.send(next_++ | mark); }

    std::uint64_t sent() const noexcept { return next_ & ~sequence::first_of(0xff); }

private:
    // The count in a register: what a message is copied to might be this object, for all the compiler knows.
    void send_calls()
    {
        std::uint64_t next = next_;
        if (window_ != 0)
            for (std::uint64_t i = 0; i != calls_; ++i, next += batch_) {
                if (batch_ == 1)
                    out_.send(next);
                else
                    send_batch(out_, next, batch_);
                while ((next & ~sequence::first_of(0xff)) + batch_ - taken_.load(std::memory_order_relaxed) >= window_)
                    ::sched_yield();
            }
        else if (batch_ == 1)
            for (std::uint64_t const end = next + calls_; next != end; ++next)
                out_.send(next);
        else
            for (std::uint64_t i = 0; i != calls_; ++i, next += batch_)
                send_batch(out_, next, batch_);
        next_ = next;
    }

    Sender& out_;
    std::size_t batch_;
    std::uint64_t next_;
    std::uint64_t calls_ = 1;
    std::size_t window_;
    std::atomic<std::uint64_t> const& taken_;
};

template <contestant C>
void produce(typename C::line& line, std::size_t batch, unsigned index, request const& r, throughput_result& result)
{
    typename C::sender out(line);
    pump<typename C::sender> stream(out, batch, index, window_of<C>(r.size, batch), result.taken);
    result.opened.arrive_and_wait();
    auto const begin = now();
    auto const nanoseconds = r.seconds * 1e9;
    stream.send_until(begin + static_cast<std::int64_t>(nanoseconds * 0.1));
    stream.send_marked(sequence::begin);
    stream.send_until(begin + static_cast<std::int64_t>(nanoseconds));
    // A single receiver waits for the stop of each sender. Several take one each, and one that has taken one leaves:
    // the sender that finishes last stops them all.
    bool const last = result.senders_left.fetch_sub(1) == 1;
    unsigned const stops = r.receivers == 1 ? 1 : last ? r.receivers : 0;
    for (unsigned i = 0; i != stops; ++i)
        stream.send_marked(sequence::stop);
    flush(out);
    result.sent += stream.sent();
    result.sum += tally::sum_of(sequence::first_of(index), stream.sent());
    result.finished.arrive_and_wait();
}

template <contestant C>
void consume(typename C::line& line, std::size_t batch, request const& r, throughput_result& all,
             throughput_result::receiver& result)
{
    typename C::receiver in(line);
    tally seen(r.senders, r.receivers == 1);
    all.opened.arrive_and_wait();
    bool go_on = seen.take(in.receive());
    seen.first_has_come();
    progress told(all.taken);
    told.one_more();
    bool const has_window = window_of<C>(r.size, batch) != 0;
    auto const stream = [&](auto take) {
        if (has_window && batch == 1)
            for (; go_on; told.one_more())
                go_on = take(in.receive());
        else if (has_window)
            while (go_on)
                receive_batch(in, [&](std::uint64_t s) {
                    go_on = take(s) && go_on;
                    told.one_more();
                });
        else if (batch == 1)
            while (go_on)
                go_on = take(in.receive());
        else
            while (go_on)
                receive_batch(in, [&](std::uint64_t s) { go_on = take(s) && go_on; });
    };
    if (r.senders == 1 && r.receivers == 1)
        stream([&seen, expected = seen.next()](std::uint64_t s) mutable {
            if (s == expected) [[likely]] {
                ++expected;
                return true;
            }
            seen.skip_to(expected);
            bool const more = seen.take(s);
            expected = seen.next();
            return more;
        });
    else
        stream([&seen](std::uint64_t s) { return seen.take(s); });
    result = {seen.received(), seen.sum(), seen.counted(), seen.began(), seen.ended()};
    all.finished.arrive_and_wait();
}

}  // namespace detail

/// The throughput of a contestant between as many ends as were asked for.
template <contestant C>
outcome throughput(request const& r)
{
    // A batch takes at most 8 MiB, so that the largest messages fit into memory; with a window, half of that.
    std::size_t const window = r.batch == 1 ? 0 : window_of<C>(r.size, r.batch);
    std::size_t const most = window != 0 ? window / 2 : (std::size_t{8} << 20) / r.size;
    std::size_t const batch = std::min(r.batch, std::max<std::size_t>(1, most));
    typename C::line line(setup{r.size, batch, r.senders, r.receivers, 0});
    shared<detail::throughput_result> result(r.senders, r.receivers);
    std::vector<end_body> ends;
    for (unsigned i = 0; i != r.senders; ++i)
        ends.push_back([&, i] { detail::produce<C>(line, batch, i, r, *result); });
    for (unsigned i = 0; i != r.receivers; ++i)
        ends.push_back([&, i] { detail::consume<C>(line, batch, r, *result, result->receivers[i]); });
    run_ends<C>(ends, r);

    outcome o;
    std::uint64_t received = 0;
    std::uint64_t sum = 0;
    auto const receivers = std::span(result->receivers).first(r.receivers);
    for (auto const& end : receivers) {
        received += end.received;
        sum += end.sum;
        o.messages += end.counted;
    }
    if (received != result->sent)
        throw broken_channel(std::to_string(result->sent) + " messages were sent and " + std::to_string(received) +
                             " received");
    if (r.receivers > 1 && sum != result->sum)
        throw broken_channel("as many messages as were sent have been received, but not the same ones");
    auto const began = std::ranges::min(receivers, {}, &detail::throughput_result::receiver::began).began;
    auto const ended = std::ranges::max(receivers, {}, &detail::throughput_result::receiver::ended).ended;
    o.seconds = static_cast<double>(ended - began) * 1e-9;
    return o;
}

}  // namespace benchmark

#endif
