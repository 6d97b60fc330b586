// Distributed under the Boost Software License, Version 1.0.
// One program of which each VERSION is built apart: it sends, receives, serves and calls. `check` runs them against each other.
//
//   1 the first version   2 members were appended   3 one of these has another type   4 reordered   5 a first member was removed
#include <strait.hpp>
#include <strait/rpc.hpp>

#include "../../example/support/over.hpp"

#include <chrono>
#include <cstdint>
#include <iostream>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <unistd.h>

namespace versions {

struct leg {
    std::uint32_t number;
    std::string venue;
#if VERSION == 2
    std::optional<double> fee = 0.5;
#elif VERSION == 3
    std::optional<float> fee = 0.5F;
#endif
};

struct order {
#if VERSION == 4
    double price;
    std::uint64_t id;
#else
    std::uint64_t id;
#if VERSION != 5
    double price;
#endif
#endif
    std::vector<leg> legs;
    std::map<std::string, leg> named;
    std::optional<leg> best;
    std::variant<std::string, leg> either;
#if VERSION == 2
    std::uint32_t quantity = 7;
    std::vector<std::string> notes{"none"};
#endif
};

struct query {
    std::string name;
#if VERSION == 2
    int depth = 9;
#endif
};
struct stop {
    int unused;
};

}  // namespace versions

template <>
inline constexpr std::size_t strait::extensible<versions::leg> = 2;
template <>
inline constexpr std::size_t strait::extensible<versions::order> = VERSION == 5 ? 5 : 6;
template <>
inline constexpr std::size_t strait::extensible<versions::query> = 1;

namespace versions {
namespace {

leg make_leg(std::uint32_t number)
{
    leg l{};
    l.number = number;
    l.venue = "venue";
#if VERSION == 2
    l.fee = 1.5;
#endif
    return l;
}

order make_order()
{
    order o{};
    o.id = 1;
#if VERSION != 5
    o.price = 2.5;
#endif
    o.legs = {make_leg(1), make_leg(2)};
    o.named = {{"a", make_leg(3)}, {"b", make_leg(4)}};
    o.best = make_leg(5);
    o.either = make_leg(6);
#if VERSION == 2
    o.quantity = 3;
    o.notes = {"x", "y"};
#endif
    return o;
}

std::ostream& operator<<(std::ostream& to, leg const& l)
{
    to << l.number << ':' << l.venue;
#if VERSION == 2
    to << ':' << l.fee.value_or(-1);
#endif
    return to;
}

std::ostream& operator<<(std::ostream& to, order const& o)
{
    to << o.id;
#if VERSION != 5
    to << ' ' << o.price;
#endif
    for (leg const& l : o.legs)
        to << ' ' << l;
    for (auto const& [name, l] : o.named)
        to << ' ' << name << ' ' << l;
    to << ' ' << o.best.value() << ' ' << std::get<1>(o.either);
#if VERSION == 2
    to << ' ' << o.quantity;
    for (std::string const& note : o.notes)
        to << ' ' << note;
#endif
    return to;
}

// The second version has one request more, and another order.
#if VERSION == 2
struct extra {
    std::string text;
    std::vector<double> numbers;
};
using book = strait::rpc_interface<bool(extra), void(stop), order(query), void(order)>;
#else
using book = strait::rpc_interface<order(query), void(order), void(stop)>;
#endif

template <class X>
constexpr bool is_called = std::is_same_v<X, strait::shm_ring<>> || std::is_same_v<X, strait::unix_stream> || std::is_same_v<X, strait::tcp>;

// Says that it is ready, and then does nothing until its input ends.
void hold()
{
    std::cout << "ready" << std::endl;
    char c;
    (void)!::read(STDIN_FILENO, &c, 1);
}

template <class X>
int run(support::command const& c)
{
    std::string const what = c.word(0);
    std::string const where = c.word(1);
    if (what == "about") {
        std::cout << (X::guarantees.retained ? "retained " : "") << (is_called<X> ? "called" : "") << '\n';
    } else if (what == "send") {
        strait::sender<order, X> out{where};
        out.send(make_order());
    } else if (what == "hold") {
        strait::receiver<order, X> in{where};
        hold();
    } else if (what == "receive") {
        strait::receiver<order, X> in{where};
        std::cout << "ready" << std::endl;
        while (auto const o = in.receive())
            std::cout << *o << std::endl;
    } else if constexpr (is_called<X>) {
        if (what == "serve") {
            strait::rpc_server<book, X> server{where};
            std::cout << "ready" << std::endl;
            std::stop_source stopping;
            server.serve(
                stopping.get_token(),
                [&](query const& q) {
                    std::cout << q.name;
#if VERSION == 2
                    std::cout << ' ' << q.depth;
#endif
                    std::cout << std::endl;
                    return make_order();
                },
#if VERSION == 2
                [&](extra const& e) { return e.numbers.size() == 2; },
#endif
                [&](order const& o) { std::cout << o << std::endl; }, [&](stop const&) { stopping.request_stop(); });
        } else if (what == "call") {
            strait::rpc_client<book, X> client{where};
            query q{};
            q.name = "query";
#if VERSION == 2
            q.depth = 5;
            if (auto const known = client.call_for(extra{"e", {1, 2}}, std::chrono::seconds(10)); known || known.error() != strait::errc::unknown_request)
                std::cout << "extra " << known.value() << std::endl;
            else
                std::cout << client.failure() << std::endl;
#endif
            std::cout << client.call(q) << std::endl;
            client.call(make_order());
            (void)client.call_for(stop{}, std::chrono::seconds(10));  // it may stop before it replies
        }
    }
    return 0;
}

}  // namespace
}  // namespace versions

int main(int argc, char** argv)
{
    using namespace strait;
    auto const with = []<class X>(support::command const& c) { return versions::run<X>(c); };
#if VERSION <= 2
    return support::over<shm_ring<>, shm_ring<mpsc>, shm_ring<mpmc>, shm_ring<broadcast<lossless>>, shm_ring<broadcast<lossy>>,
                         shm_ring<broadcast<latest>>, shm_ring<spsc, adaptive, mapped_file>, shm_ring<spsc, adaptive, sysv_memory>,
                         sealed_memory, named_pipe, posix_mqueue, sysv_mqueue, prioritized<sysv_mqueue>, packed<posix_mqueue>, unix_stream,
                         unix_seqpacket, unix_datagram, tcp, udp, acknowledged<tcp>>(argc, argv, with);
#else
    return support::over<shm_ring<>, unix_stream, tcp>(argc, argv, with);
#endif
}
