// Distributed under the Boost Software License, Version 1.0.
// A control file that was scribbled over: whoever opens the channel, uses it and removes it makes a bounded number of turns. What a
// ring holds is damaged in crash/steps_of_damage.cpp.

#include "counted.hpp"

#include <strait/channel.hpp>
#include <strait/transport/acknowledged.hpp>
#include <strait/transport/named_pipe.hpp>
#include <strait/transport/posix_mqueue.hpp>
#include <strait/transport/realtime_signal.hpp>
#include <strait/transport/sysv_mqueue.hpp>
#include <strait/transport/udp.hpp>
#include <strait/transport/unix_datagram.hpp>
#include <strait/transport/unix_stream.hpp>

#include <support/clean_host.hpp>
#include <support/typed_case.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <tuple>

#include <fcntl.h>
#include <unistd.h>

namespace steps_damage {

using namespace std::chrono_literals;
using steps::count_each_form;
using steps::counted;
using strait::deadline;

namespace {

constexpr strait::message_layout numbers{8, 8, 1};

using transports = std::tuple<strait::named_pipe, strait::posix_mqueue, strait::sysv_mqueue, strait::realtime_signal,
                              strait::unix_stream, strait::unix_datagram, strait::udp, strait::acknowledged<strait::tcp>>;

/// Writes words of every magnitude into the channel's control file, behind what is only read at opening in most rounds.
void scribble(std::string const& name, std::mt19937_64& random)
{
    strait::detail::descriptor const file(
        ::open((support::channel_directory() + "/" + name + ".channel").c_str(), O_RDWR | O_CLOEXEC));
    for (std::uint64_t n = 1 + random() % 20; n != 0; --n) {
        std::uint64_t const word = random() >> random() % 64;
        std::uint64_t const at = (random() % 8 == 0 ? random() % 16 : 16 + random() % (random() % 2 == 0 ? 16 : 300)) * 8;
        (void)!::pwrite(file.get(), &word, sizeof word, static_cast<::off_t>(at));
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(steps_of_damaged_control_files, *boost::unit_test::fixture<support::watchdog>())

TYPED_CASE(opening_using_and_removing, X, transports)
{
    std::mt19937_64 random(5);
    typename X::options how;
    how.linger = 0s;
    how.connect_timeout = 1ms;
    for (int round = 0; round != support::rounds(15); ++round) {
        support::clean_host const clean;
        using receiver_end = typename X::template receiver_end<numbers>;
        using sender_end = typename X::template sender_end<numbers>;
        std::optional<receiver_end> in(receiver_end::open(clean.name, how, "test").value());
        std::optional<sender_end> out(sender_end::open(clean.name, how, "test").value());
        scribble(clean.name, random);
        for (int i = 0; i != 3; ++i) {
            count_each_form([&](deadline d) {
                if (out->reserve(8, d)) {
                    out->commit(8);
                    (void)out->flush(d);
                }
            });
            count_each_form([&](deadline d) {
                if (in->peek(d))
                    in->release();
            });
            (void)counted(deadline::poll(), [&](deadline) { (void)in->stats(); });
        }
        (void)counted(deadline::poll(), [&](deadline) { (void)sender_end::open(clean.name, how, "test"); });
        count_each_form([&](deadline d) { (void)in->close(d); });
        (void)counted(deadline::poll(), [&](deadline) { in.reset(); });
        scribble(clean.name, random);
        (void)counted(deadline::poll(), [&](deadline) { (void)receiver_end::open(clean.name, how, "test"); });
        count_each_form([&](deadline d) { (void)out->close(d); });
        (void)counted(deadline::poll(), [&](deadline) { out.reset(); });
        scribble(clean.name, random);
        (void)counted(deadline::poll(), [&](deadline) { (void)receiver_end::open(clean.name, how, "test"); });
        (void)counted(deadline::poll(), [&](deadline) { X::remove(clean.name).value(); });
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace steps_damage
