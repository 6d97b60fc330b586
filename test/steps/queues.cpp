// Distributed under the Boost Software License, Version 1.0.
// Others send what is no message into queues, datagrams, pipes and signals, and there is always more: receivers, and ends that
// open and leave, make a bounded number of turns.

#include "counted.hpp"

#include <strait/channel.hpp>
#include <strait/select.hpp>
#include <strait/transport/named_pipe.hpp>
#include <strait/transport/packed.hpp>
#include <strait/transport/posix_mqueue.hpp>
#include <strait/transport/realtime_signal.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/sysv_mqueue.hpp>
#include <strait/transport/udp.hpp>
#include <strait/transport/unix_datagram.hpp>

#include <support/clean_host.hpp>
#include <support/raw_peer.hpp>
#include <support/typed_case.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <tuple>

#include <fcntl.h>
#include <mqueue.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

namespace steps_queues {

using namespace std::chrono_literals;
using steps::count_each_form;
using steps::counted;
using strait::deadline;

namespace {

constexpr strait::message_layout numbers{8, 8, 1};

template <class End>
void receive(End& in)
{
    for (int i = 0; i != 8; ++i)
        count_each_form([&](deadline d) {
            if (in.peek(d))
                in.release();
        });
}

int socket_to(std::string const& path)
{
    int const s = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ::sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    (void)::connect(s, reinterpret_cast<::sockaddr*>(&to), sizeof to);
    return s;
}

// Noise ends an operation with malformed_message; ends of streams are read on behind, and later there is nothing else.
std::string datagram_of(std::uint64_t round)
{
    return round % 3 != 0 || round > 20 ? support::frame_of(0, "", strait::detail::stream_frame::end) : support::noise_of(round);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(steps_of_queues, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(datagrams_that_are_none_of_ours)
{
    support::clean_host const clean;
    auto in = strait::unix_datagram::receiver_end<numbers>::open(clean.name, {}, "test").value();
    int const s = socket_to(support::channel_directory() + "/" + clean.name + ".sock");
    std::uint64_t round = 0;
    {
        steps::in_each_turn const flood([&] {
            std::string const d = datagram_of(++round);
            (void)!::send(s, d.data(), d.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        });
        receive(in);
    }
    ::close(s);
}

BOOST_AUTO_TEST_CASE(datagrams_of_the_network_that_are_none_of_ours)
{
    support::clean_host const clean;
    auto in = strait::udp::receiver_end<numbers>::open("127.0.0.1:0", {}, "test").value();
    auto const to = strait::detail::inet_address::loopback(AF_INET, in.port());
    strait::detail::descriptor const s(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::uint64_t round = 0;
    {
        steps::in_each_turn const flood([&] {
            std::string const d = datagram_of(++round);
            (void)!::sendto(s.get(), d.data(), d.size(), MSG_NOSIGNAL | MSG_DONTWAIT, to.get(), to.size);
        });
        receive(in);
    }
}

BOOST_AUTO_TEST_CASE(bytes_in_a_pipe_that_are_no_messages)
{
    constexpr strait::message_layout texts{0, 1, 3};
    support::clean_host const clean;
    auto in = strait::named_pipe::receiver_end<texts>::open(clean.name, {}, "test").value();
    std::string const path = support::channel_directory() + "/" + clean.name + ".fifo";
    std::uint64_t round = 0;
    {
        strait::detail::descriptor const pipe(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
        steps::in_each_turn const flood([&] {
            std::string const d = support::noise_of(++round);
            (void)!::write(pipe.get(), d.data(), d.size());
        });
        receive(in);
    }
}

// Hints are empty messages of a higher priority. Whoever opens or leaves looks behind them for messages.
BOOST_AUTO_TEST_CASE(hints_in_a_queue_of_posix)
{
    support::clean_host const clean;
    strait::posix_mqueue::options how;
    how.capacity = 8;
    how.keep = false;
    auto in = strait::posix_mqueue::receiver_end<numbers>::open(clean.name, how, "test").value();
    {
        std::string const object = "/strait-" + std::to_string(::geteuid()) + "-" + clean.name;
        strait::detail::descriptor const queue(::mq_open(object.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
        steps::in_each_turn const flood([&] {
            (void)::mq_send(queue.get(), "", 0, 1);
        });
        receive(in);
        for (int i = 0; i != 20; ++i) {
            count_each_form([&](deadline d) { (void)in.close(d); });
            (void)counted(deadline::poll(), [&](deadline) {
                if (auto again = strait::posix_mqueue::receiver_end<numbers>::open(clean.name, how, "test"))
                    in = std::move(*again);
            });
        }
    }
    (void)in.close(deadline::after(1s));
    strait::posix_mqueue::remove(clean.name).value();
}

BOOST_AUTO_TEST_CASE(hints_in_a_queue_of_system_v)
{
    support::clean_host const clean;
    auto in = strait::sysv_mqueue::receiver_end<numbers>::open(clean.name, {}, "test").value();
    strait::detail::location where;
    BOOST_TEST_REQUIRE(!strait::detail::location::find(clean.name, strait::access_mode::owner, where));
    int queue = -1;
    for (std::uint64_t attempt = 0; queue < 0 && attempt != strait::detail::sysv_attempts_by_name; ++attempt)
        queue = ::msgget(strait::detail::sysv_key(where, attempt), 0);
    BOOST_TEST_REQUIRE(queue >= 0);
    struct {
        long type;
        char text[16];
    } message{};
    {
        steps::in_each_turn const flood([&] {
            message.type = 1 + message.type % 4;
            (void)::msgsnd(queue, &message, static_cast<std::size_t>(message.type * 3 % 16), IPC_NOWAIT);
        });
        receive(in);
    }
    (void)in.close(deadline::after(1s));
    strait::sysv_mqueue::remove(clean.name).value();
}

// Each of them finds the channel's signal pending; an end that opens reads away what came for the one before.
BOOST_AUTO_TEST_CASE(signals_that_are_no_messages)
{
    support::clean_host const clean;
    using X = strait::realtime_signal;
    auto in = X::receiver_end<numbers>::open(clean.name, {}, "test").value();
    ::sigset_t blocked;
    ::sigprocmask(SIG_SETMASK, nullptr, &blocked);
    int number = SIGRTMAX;
    while (number > SIGRTMIN && ::sigismember(&blocked, number) != 1)
        --number;
    ::pid_t const here = ::getpid();
    {
        steps::in_each_turn const flood([&] {
            ::siginfo_t info{};
            info.si_code = SI_QUEUE;
            info.si_signo = number;
            (void)::syscall(SYS_rt_tgsigqueueinfo, here, here, number, &info);
        });
        receive(in);
        for (int i = 0; i != 8; ++i) {
            count_each_form([&](deadline d) { (void)in.close(d); });
            (void)counted(deadline::poll(), [&](deadline) {
                in = X::receiver_end<numbers>::open(clean.name, {}, "test").value();
            });
        }
    }
}

// Processes that read bytes of control files ring the doorbells of a selector.
BOOST_AUTO_TEST_CASE(doorbells_of_a_selector)
{
    support::clean_host const clean;
    using X = strait::shm_ring<strait::spsc>;
    std::string const other = support::unique_name();
    strait::receiver<std::uint64_t, X> first(clean.name);
    strait::receiver<std::uint64_t, X> second(other);
    strait::selector all;
    all.add(first);
    all.add(second);
    auto const waits = [&](deadline d) { (void)all.wait(d); };
    counted(deadline::after(1ms), waits);
    {
        auto const control_file = [](std::string const& name) {
            return strait::detail::descriptor(
                ::open((support::channel_directory() + "/" + name + ".channel").c_str(), O_RDONLY | O_CLOEXEC));
        };
        strait::detail::descriptor const files[] = {control_file(clean.name), control_file(other)};
        steps::in_each_turn const flood([&] {
            char byte = 0;
            for (int i = 0; i != 300; ++i)  // more than the selector reads at once
                (void)!::pread(files[i % 2].get(), &byte, 1, 0);
        });
        for (int i = 0; i != 3; ++i)
            count_each_form(waits);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace steps_queues
