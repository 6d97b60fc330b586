// Distributed under the Boost Software License, Version 1.0.
#include <strait/acceptor.hpp>
#include <strait/connection.hpp>
#include <strait/select.hpp>
#include <strait/transport/unix_stream.hpp>

#include <chrono>
#include <type_traits>

using client = strait::connection<int, long, strait::unix_stream>;
using server = strait::acceptor<long, int, strait::unix_stream>;

static_assert(std::is_same_v<server::connection_type, strait::connection<long, int, strait::unix_stream>>);
static_assert(!std::is_base_of_v<client::sender_type, client> && !std::is_base_of_v<client::receiver_type, client>);

std::uint64_t use(client& c)
{
    using namespace std::chrono_literals;
    c.send(1);
    (void)c.try_send(2);
    (void)c.send_for(3, 1s);
    (void)c.send_until(4, std::chrono::system_clock::now() + 1s);
    for (long const m : c)
        (void)m;
    (void)strait::select(strait::deadline::poll(), c);
    strait::selector all;
    all.add(c);
    client const& constant = c;
    (void)c.peer();
    return constant.out().stats().messages + constant.in().stats().messages;
}
