// Distributed under the Boost Software License, Version 1.0.
#include <strait/detail/signal/numbers.hpp>
#include <strait/detail/signal/protocol.hpp>
#include <strait/detail/signal/target.hpp>

#include <cerrno>
#include <filesystem>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <realtime_signal/fixture.hpp>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace signals::hostile {
namespace {

using strait::detail::signal_address;
using strait::detail::signal_frame;
using strait::detail::signal_target;

// A channel's control file, to be looked at and written to.
class control_file {
public:
    explicit control_file(std::string const& name)
        : file_(::open((support::channel_directory() + '/' + name + ".channel").c_str(), O_RDWR | O_CLOEXEC))
    {
    }

    std::uint64_t word(std::size_t i) const
    {
        std::uint64_t value = 0;
        BOOST_REQUIRE_EQUAL(::pread(file_.get(), &value, sizeof value, at(i)), 8);
        return value;
    }
    void set(std::size_t i, std::uint64_t value) const
    {
        BOOST_REQUIRE_EQUAL(::pwrite(file_.get(), &value, sizeof value, at(i)), 8);
    }
    signal_address address() const { return {word(0), word(1), word(2)}; }

private:
    static ::off_t at(std::size_t i)
    {
        return static_cast<::off_t>(offsetof(strait::detail::control_block, mechanism) + 8 * i);
    }

    strait::detail::descriptor file_;
};

::pid_t this_thread() { return static_cast<::pid_t>(::syscall(SYS_gettid)); }

// Any signal, as a stranger may send it.
void send_raw(int number, signal_frame const& f)
{
    ::siginfo_t info = f.info(number);
    BOOST_REQUIRE_EQUAL(::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), this_thread(), number, &info), 0);
}

signal_address address_of_this_thread(int number)
{
    signal_address a;
    a.thread = signal_address::pair(static_cast<std::uint32_t>(::getpid()), static_cast<std::uint32_t>(this_thread()));
    auto const task = strait::detail::open_task(::getpid(), this_thread());
    a.start = strait::detail::thread_start(task.get());
    a.line = signal_address::pair(static_cast<std::uint32_t>(number), 1);
    return a;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(hostile, support::clean_host)

BOOST_AUTO_TEST_CASE(signals_of_strangers_are_counted_and_not_delivered)
{
    receiver<std::uint64_t> in{name};
    sender<std::uint64_t> out{name};
    out.send(1);
    int const number = control_file(name).address().number();
    ::sigval const value{.sival_ptr = nullptr};
    BOOST_REQUIRE_EQUAL(::pthread_sigqueue(::pthread_self(), number, value), 0);
    BOOST_REQUIRE_EQUAL(::pthread_kill(::pthread_self(), number), 0);
    send_raw(number, {.code = SI_QUEUE, .payload = {}});
    send_raw(number, {.code = SI_ASYNCNL, .payload = {}});
    out.send(2);
    BOOST_CHECK(in.receive() == 1u);
    BOOST_CHECK(in.receive() == 2u);
    BOOST_CHECK_EQUAL(in.stats().messages, 2u);
    BOOST_CHECK_EQUAL(in.stats().dropped, 4u);
    for (int i = 0; i != 500; ++i)
        BOOST_REQUIRE_EQUAL(::pthread_sigqueue(::pthread_self(), number, value), 0);
    BOOST_CHECK_EQUAL(code(in.receive_for(1ms)), errc::timed_out);
    BOOST_CHECK_EQUAL(in.stats().dropped, 504u);
}

BOOST_AUTO_TEST_CASE(signals_of_strangers_without_end_hold_no_operation)
{
    constexpr unsigned sent = 12'000;  // more than one operation takes
    ::rlimit limit{};
    if (::getrlimit(RLIMIT_SIGPENDING, &limit) != 0 || limit.rlim_cur < 2 * sent) {
        BOOST_TEST_MESSAGE("SKIPPED: so many signals cannot be pending here");
        return;
    }
    receiver<std::uint64_t> in{name};
    int const number = control_file(name).address().number();
    for (unsigned i = 0; i != sent; ++i)
        send_raw(number, {.code = SI_QUEUE, .payload = {}});
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    BOOST_CHECK_GT(in.stats().dropped, 0u);
    BOOST_CHECK_LT(in.stats().dropped, sent);
}

BOOST_AUTO_TEST_CASE(what_was_meant_for_an_earlier_receiver_is_nobodys_message)
{
    receiver<std::uint64_t> in{name};
    sender<std::uint64_t> out{name};
    auto const now = control_file(name).address();
    send_raw(now.number(), {.stream = 0x1200, .cookie = now.cookie() + 1, .payload = {}});
    out.send(1);
    BOOST_CHECK(in.receive() == 1u);
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    BOOST_CHECK_EQUAL(in.stats().dropped, 0u);
}

BOOST_AUTO_TEST_CASE(messages_that_something_else_in_the_process_takes_are_counted)
{
    receiver<std::uint64_t> in{name};
    sender<std::uint64_t> out{name};
    for (std::uint64_t i = 0; i != 5; ++i)
        out.send(i);
    ::sigset_t one;
    ::sigemptyset(&one);
    ::sigaddset(&one, control_file(name).address().number());
    for (int i = 0; i != 2; ++i)
        BOOST_REQUIRE_GT(::sigwaitinfo(&one, nullptr), 0);
    for (std::uint64_t i = 2; i != 5; ++i)
        BOOST_CHECK(in.receive() == i);
    BOOST_CHECK_EQUAL(in.stats().dropped, 2u);
    out.send(5);
    BOOST_REQUIRE_GT(::sigwaitinfo(&one, nullptr), 0);
    out.close().value();
    BOOST_CHECK(!in.receive());  // the last word tells of it
    BOOST_CHECK_EQUAL(in.stats().dropped, 3u);
}

BOOST_AUTO_TEST_CASE(any_stream_and_any_sequence_break_nothing)
{
    receiver<std::uint64_t> in{name};
    auto const now = control_file(name).address();
    std::uint64_t n = 0;
    for (std::uint32_t const stream : {0u, 1u, 255u, 256u, 0xffff'ffffu})
        for (std::uint32_t const sequence : {0u, 1u, 0x7fff'ffffu, 0x8000'0000u, 0xffff'ffffu, 0u}) {
            send_raw(now.number(), {.sequence = sequence, .stream = stream, .cookie = now.cookie(), .payload = {}});
            ++n;
        }
    for (std::uint64_t i = 0; i != n; ++i)
        BOOST_CHECK(in.receive() == 0u);
    for (int i = 0; i != 3; ++i)
        send_raw(now.number(),
                 {.code = signal_frame::end, .sequence = 7, .stream = 9, .cookie = now.cookie(), .payload = {}});
    BOOST_CHECK_EQUAL(code(in.receive_for(1ms)), errc::timed_out);  // the control file knows of nobody who has left
    sender<std::uint64_t> out{name};
    out.send(1);
    BOOST_CHECK(in.receive() == 1u);
}

BOOST_AUTO_TEST_CASE(a_channel_that_names_a_thread_which_does_not_block_the_signal_kills_nobody)
{
    support::shared_page page;
    support::child victim([&] {
        ::sigset_t none;
        ::sigemptyset(&none);
        ::pthread_sigmask(SIG_SETMASK, &none, nullptr);  // its parent blocks some
        page->stage = 1;
        ::pause();
    });
    support::notes::await(page->stage, 1);
    receiver<int> in{name};
    sender<int> out{name};
    control_file const file(name);
    auto const right = file.address();
    auto const task = strait::detail::open_task(victim.pid(), victim.pid());
    auto const pid = static_cast<std::uint64_t>(victim.pid());
    file.set(1, strait::detail::thread_start(task.get()));
    file.set(0, signal_address::pair(pid, pid));
    BOOST_CHECK_EQUAL(code(out.try_send(1)), errc::peer_corrupt);
    file.set(2, signal_address::pair(static_cast<std::uint64_t>(SIGKILL), right.cookie()));
    BOOST_CHECK_EQUAL(code(out.try_send(1)), errc::peer_corrupt);
    file.set(2, signal_address::pair(65, right.cookie()));
    BOOST_CHECK_EQUAL(code(out.try_send(1)), errc::peer_corrupt);
    file.set(2, ~std::uint64_t{0});
    file.set(0, ~std::uint64_t{0});
    BOOST_CHECK_EQUAL(code(out.try_send(1)), errc::peer_corrupt);
    BOOST_CHECK_EQUAL(::kill(victim.pid(), 0), 0);
    file.set(0, right.thread);
    file.set(1, right.start);
    file.set(2, right.line);
    out.send(2);
    BOOST_CHECK(in.receive() == 2);
    victim.signal(SIGTERM);
    BOOST_CHECK_EQUAL(victim.wait(), -SIGTERM);
}

BOOST_AUTO_TEST_CASE(a_thread_that_began_at_another_time_is_not_the_one)
{
    receiver<int> in{name};
    sender<int> out{name};
    control_file const file(name);
    auto const right = file.address();
    file.set(1, right.start + 1);
    BOOST_CHECK_EQUAL(code(out.try_send(1)), errc::no_receiver);
    file.set(1, right.start);
    BOOST_CHECK_EQUAL(code(out.try_send(1)), strait::error_code());
    BOOST_CHECK(in.receive() == 1);
}

BOOST_AUTO_TEST_CASE(a_thread_that_has_ended_is_never_signalled_with_or_without_its_descriptor)
{
    receiver<int> const keeps_it_blocked{name};
    int const number = control_file(name).address().number();
    for (bool const by_descriptor : {true, false}) {
        signal_target target;
        strait::error_code opened;
        std::thread other([&] {  // blocks what this thread does
            opened = target.open(address_of_this_thread(number), by_descriptor);
            if (!opened && (!target.is_there() || !target.send({.payload = {}})))
                opened = strait::detail::last_failure();
        });
        other.join();
        BOOST_CHECK_EQUAL(opened, strait::error_code());
        while (target.is_there())
            std::this_thread::yield();  // a thread that was joined may still be on its way out of the kernel
        BOOST_CHECK(!target.send({.payload = {}}));
        BOOST_CHECK_EQUAL(errno, ESRCH);
    }
}

BOOST_AUTO_TEST_CASE(a_count_of_what_was_taken_that_lies_is_told)
{
    strait::channel_options small;
    small.capacity = 2;
    receiver<int> in{name, small};
    sender<int> out{name};
    out.send(0);
    out.send(1);
    strait::detail::descriptor const file(
        ::open((support::channel_directory() + '/' + name + ".channel").c_str(), O_RDWR | O_CLOEXEC));
    std::uint64_t word = 0;
    constexpr auto at =
        static_cast<::off_t>(strait::detail::signal_eventcounts::offset + offsetof(strait::detail::signal_eventcounts, taken));
    BOOST_REQUIRE_EQUAL(::pread(file.get(), &word, sizeof word, at), 8);
    BOOST_CHECK_EQUAL(word & 0xffff'ffffU, 0u);
    for (std::uint64_t const lie : {0xffff'ffffu, 0x8000'0000u, 3u}) {
        std::uint64_t const said = word | lie;
        BOOST_REQUIRE_EQUAL(::pwrite(file.get(), &said, sizeof said, at), 8);
        BOOST_CHECK_EQUAL(code(out.try_send(9)), errc::peer_corrupt);
        BOOST_CHECK_EQUAL(code(out.send_for(9, 10s)), errc::peer_corrupt);
    }
    BOOST_CHECK(in.receive() == 0);  // which says how much it was
    out.send(2);
    BOOST_CHECK(in.receive() == 1);
    BOOST_CHECK(in.receive() == 2);
}

BOOST_AUTO_TEST_CASE(what_is_pending_shows_to_its_own_thread_only)
{
    // Why guarantees.pollable is false.
    receiver<int> in{name};
    sender<int> out{name};
    ::sigset_t one;
    ::sigemptyset(&one);
    ::sigaddset(&one, control_file(name).address().number());
    strait::detail::descriptor const shown(::signalfd(-1, &one, SFD_NONBLOCK | SFD_CLOEXEC));
    out.send(1);
    auto const readable = [&] {
        ::pollfd p{shown.get(), POLLIN, 0};
        return ::poll(&p, 1, 0);
    };
    BOOST_CHECK_EQUAL(readable(), 1);
    int elsewhere = -1;
    std::thread([&] { elsewhere = readable(); }).join();
    BOOST_CHECK_EQUAL(elsewhere, 0);
    BOOST_CHECK(in.receive() == 1);
}

BOOST_AUTO_TEST_CASE(another_user_is_told_by_the_kernel_that_it_may_not)
{
    if (::geteuid() != 0)
        return;
    char path[] = "/tmp/strait-test-XXXXXX";
    BOOST_REQUIRE(::mkdtemp(path));
    ::chmod(path, 0777);
    strait::channel_options shared;
    shared.access = strait::access_mode::everyone;
    std::string const where = std::string(path) + "/channel";
    receiver<int> in{where, shared};
    support::child stranger([&] {
        if (::setgid(54322) != 0 || ::setuid(54322) != 0)
            return 1;
        sender<int> out{where, shared};
        return code(out.send_for(1, 10s)) == strait::error_code(EPERM, boost::system::system_category()) ? 0 : 2;
    });
    BOOST_CHECK_EQUAL(stranger.wait(), 0);
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::closed);
    in.close().value();
    std::filesystem::remove_all(path);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace signals::hostile
