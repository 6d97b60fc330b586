// Distributed under the Boost Software License, Version 1.0.
// One publisher, many subscribers: each of them gets every quote.
#include "../support/over.hpp"
#include "../support/process.hpp"

#include <strait.hpp>

struct quote {
    std::uint64_t number;
    double bid;
    double ask;
};

// From a subscriber to the publisher: first that it listens, then what it has seen.
struct report {
    int subscriber;
    std::uint64_t received;
    std::uint64_t missed;
    quote last;
};

using reports = strait::channel<report, strait::shm_ring<strait::mpsc>>;

// Where a message goes to one receiver only, each subscriber has a channel of its own.
template <strait::transport X>
constexpr bool broadcasts = X::guarantees.delivery == strait::delivery_mode::each_to_all;

template <strait::transport X>
std::string channel_of(int subscriber, std::string const& market)
{
    return broadcasts<X> ? market : market + "." + std::to_string(subscriber);
}

template <strait::transport X>
void publish(support::command const& command, int subscribers, std::uint64_t quotes)
{
    std::string const market = support::unique_name("market");
    reports::receiver heard{market + ".reports"};
    std::vector<support::process> children;
    for (int i = 0; i < subscribers; ++i)
        children.emplace_back(command, std::vector{std::string("subscribe"), market, std::to_string(i)});
    for (int i = 0; i < subscribers; ++i)
        (void)heard.receive();  // a broadcast is for those who are there

    {
        std::vector<strait::sender<quote, X>> out;
        for (int i = 0; i < (broadcasts<X> ? 1 : subscribers); ++i)
            out.emplace_back(channel_of<X>(i, market));
        for (std::uint64_t n = 1; n <= quotes; ++n)
            for (auto& o : out)
                o.send({n, 100 + static_cast<double>(n % 100) / 4, 100.25 + static_cast<double>(n % 100) / 4});
    }

    std::vector<report> reported(static_cast<std::size_t>(subscribers));
    for (report const& r : heard)  // until the last subscriber has left
        reported[static_cast<std::size_t>(r.subscriber)] = r;
    for (report const& r : reported)
        std::cout << "subscriber " << r.subscriber << " knows of " << r.received + r.missed << " quotes, last seen: "
                  << r.last.number << " at " << r.last.bid << '/' << r.last.ask << '\n';
}

template <strait::transport X>
void subscribe(std::string const& market, int me)
{
    strait::receiver<quote, X> in{channel_of<X>(me, market)};
    reports::sender tell{market + ".reports"};
    report r{me, 0, 0, {}};
    tell.send(r);
    for (quote const& q : in) {
        ++r.received;
        r.last = q;
    }
    r.missed = in.stats().dropped;  // by one that was too slow, over lossy or latest
    tell.send(r);
}

int main(int argc, char** argv)
{
    using namespace strait;
    return support::over<shm_ring<broadcast<lossless>>, shm_ring<broadcast<lossy>>, shm_ring<broadcast<latest>>, shm_ring<>,
                         named_pipe, posix_mqueue, unix_stream, tcp>(argc, argv, []<transport X>(support::command const& c) {
        if (c.word(0) == "subscribe")
            subscribe<X>(c.word(1), std::stoi(c.word(2)));
        else
            publish<X>(c, std::stoi(c.word(0, "3")), std::stoull(c.word(1, "10000")));
        return 0;
    });
}
