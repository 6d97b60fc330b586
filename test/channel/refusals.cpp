// Distributed under the Boost Software License, Version 1.0.
// What the ends of a channel learn of others that were refused.
#include <support/names.hpp>

#include <strait.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <type_traits>

#include <unistd.h>

namespace channel_refusals {
namespace {

using namespace std::chrono_literals;
using strait::errc;

template <class X>
void tell_who_is_there()
{
    BOOST_TEST_CONTEXT(X::guarantees.name)
    {
        auto const name = support::unique_name();
        strait::receiver<std::uint64_t, X> in{name};
        strait::sender<std::uint64_t, X> out{name};
        BOOST_TEST((in.stats().refused == 0U && in.last_refusal().empty()));
        BOOST_TEST((strait::sender<double, X>::open(name).error() == errc::type_mismatch));
        bool const in_one_process = std::is_same_v<X, strait::in_process>;
        std::string const said = (in_one_process ? "" : "process " + std::to_string(::getpid()) + ": ") +
                                 "it carries unsigned long, and this program asked for double";
        BOOST_TEST(in.stats().refused == 1U);
        BOOST_TEST(in.last_refusal().starts_with(said), in.last_refusal());
        BOOST_TEST((strait::receiver<double, X>::open(name).error() == errc::type_mismatch));
        BOOST_TEST((in.stats().refused == 2U && out.stats().refused == 2U));
        BOOST_TEST(out.last_refusal() == in.last_refusal());
        if constexpr (!std::is_same_v<X, strait::in_process>) {
            using other = std::conditional_t<std::is_same_v<X, strait::named_pipe>, strait::unix_stream, strait::named_pipe>;
            BOOST_TEST((strait::sender<std::uint64_t, other>::open(name).error() == errc::transport_mismatch));
            BOOST_TEST(in.stats().refused == 3U);
            BOOST_TEST((in.last_refusal().find("it runs over ") != std::string::npos), in.last_refusal());
        }
        out.send(1);
        BOOST_TEST((in.receive() == 1U));
    }
}

BOOST_AUTO_TEST_SUITE(refusals)

BOOST_AUTO_TEST_CASE(each_end_learns_that_another_one_was_refused_and_why)
{
    using namespace strait;
    tell_who_is_there<shm_ring<>>();
    tell_who_is_there<shm_ring<mpmc>>();
    tell_who_is_there<named_pipe>();
    tell_who_is_there<posix_mqueue>();
    tell_who_is_there<packed<sysv_mqueue>>();
    tell_who_is_there<unix_stream>();
    tell_who_is_there<unix_datagram>();
    tell_who_is_there<acknowledged<tcp>>();
    tell_who_is_there<in_process>();
}

BOOST_AUTO_TEST_CASE(nobody_is_told_of_what_a_channel_without_ends_refuses)
{
    auto const name = support::unique_name();
    {
        strait::sender<std::uint64_t, strait::shm_ring<>> out{name};
        out.send(1);
    }
    BOOST_TEST((strait::receiver<double, strait::shm_ring<>>::open(name).error() == errc::type_mismatch));
    strait::receiver<std::uint64_t, strait::shm_ring<>> in{name};
    BOOST_TEST(in.stats().refused == 0U);
    BOOST_TEST((in.receive() == 1U));
}

// There an end is refused when it has connected and greets.
template <class X>
void count_senders(std::string const& where, auto const& address_of)
{
    BOOST_TEST_CONTEXT(X::guarantees.name)
    {
        strait::receiver<std::uint64_t, X> in{where};
        for (std::uint64_t n = 1; n != 3; ++n) {
            strait::sender<double, X> out{address_of(in)};
            strait::error_code e;
            while (e != errc::type_mismatch) {
                if (auto const sent = out.send_for(1, 1ms); !sent)
                    e = sent.error();
                (void)in.receive_for(1ms);
            }
            BOOST_TEST(in.stats().refused >= n);  // a sender with acknowledgements may try again
        }
        BOOST_TEST(in.last_refusal() == "a sender of another message type or transport was refused when it connected");
    }
}

BOOST_AUTO_TEST_CASE(a_receiver_counts_senders_that_it_refuses_itself)
{
    auto const at_port = [](auto const& in) { return "127.0.0.1:" + std::to_string(in.port()); };
    count_senders<strait::tcp>("127.0.0.1:0", at_port);
    count_senders<strait::acknowledged<strait::tcp>>("127.0.0.1:0", at_port);
    auto const name = support::unique_name();
    count_senders<strait::sealed_memory>(name, [&](auto const&) { return name; });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace channel_refusals
