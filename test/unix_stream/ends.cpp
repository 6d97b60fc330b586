// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/unix_stream.hpp>

#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/messages.hpp>
#include <support/shared_page.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <sys/un.h>

namespace unix_stream_ends {

using namespace strait;
using namespace std::chrono_literals;

namespace {

struct fixture : support::clean_host {
    std::string socket_path() const { return support::channel_directory() + "/" + name + ".sock"; }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(unix_stream_, fixture)

BOOST_AUTO_TEST_CASE(the_kernel_tells_each_end_who_the_other_is)
{
    receiver<int, unix_stream> in(name);
    sender<int, unix_stream> out(name);
    out.send(1);
    BOOST_TEST(out.peer().value().pid == ::getpid());
    BOOST_TEST((in.receive() == 1));
    BOOST_TEST(in.peer().value().pid == ::getpid());
    BOOST_TEST(in.peer().value().uid == ::geteuid());

    support::child other([&] { sender<int, unix_stream>(name).send(2); });
    auto const pid = other.pid();
    BOOST_TEST((in.receive() == 2));
    BOOST_TEST(in.peer().value().pid == pid);
}

BOOST_AUTO_TEST_CASE(a_sender_without_a_receiver_knows_no_peer)
{
    sender<int, unix_stream> out(name);
    BOOST_TEST((out.peer().error() == errc::no_receiver));
    BOOST_TEST(out.native_handle() == -1);
}

BOOST_AUTO_TEST_CASE(the_socket_is_private_and_goes_with_the_receiver)
{
    auto const before = ::umask(0);
    {
        receiver<int, unix_stream> in(name);
        ::umask(before);
        struct ::stat found = {};
        BOOST_TEST(::lstat(socket_path().c_str(), &found) == 0);
        BOOST_TEST(S_ISSOCK(found.st_mode));
        BOOST_TEST((found.st_mode & 07777) == 0600u);
    }
    BOOST_TEST(support::files_of(name).empty());
}

BOOST_AUTO_TEST_CASE(a_dead_receivers_socket_is_replaced)
{
    sender<int, unix_stream> out(name);
    for (int i = 0; i < 5; ++i) {
        support::shared_page page;
        support::child dead([&] {
            receiver<int, unix_stream> in(name);
            page->stage = 1;
            ::pause();
        });
        page->await(page->stage, 1);
        dead.kill();
        BOOST_TEST(std::filesystem::exists(socket_path()));
    }
    receiver<int, unix_stream> in(name);
    out.send(5);
    BOOST_TEST((in.receive() == 5));
}

BOOST_AUTO_TEST_CASE(what_is_no_socket_of_ours_is_neither_used_nor_removed)
{
    sender<int, unix_stream> out(name);  // makes the directory and the control file
    std::ofstream(socket_path()) << "precious";
    auto const refused = receiver<int, unix_stream>::open(name);
    BOOST_TEST((refused.error() == errc::untrusted_object));
    BOOST_TEST((out.try_send(1).error() == errc::untrusted_object));
    std::string content;
    std::ifstream(socket_path()) >> content;
    BOOST_TEST(content == "precious");
    std::filesystem::remove(socket_path());
    receiver<int, unix_stream> in(name);
    out.send(1);
    BOOST_TEST((in.receive() == 1));
}

BOOST_AUTO_TEST_CASE(a_path_too_long_for_a_socket_is_told_at_once)
{
    auto const directory = std::filesystem::temp_directory_path() / (name + std::string(100, 'd'));
    std::filesystem::create_directory(directory);
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all);
    std::string const where = directory / "trades";
    BOOST_TEST((receiver<int, unix_stream>::open(where).error() == errc::name_too_long));
    BOOST_TEST((sender<int, unix_stream>::open(where).error() == errc::name_too_long));
    BOOST_TEST(std::filesystem::is_empty(directory));
    std::filesystem::remove(directory);
}

BOOST_AUTO_TEST_CASE(a_path_is_an_endpoint_in_a_directory_of_the_users_own)
{
    auto const directory = std::filesystem::temp_directory_path() / name;
    std::filesystem::create_directory(directory);
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all);
    std::string const where = directory / "trades";
    {
        receiver<int, unix_stream> in(where);
        sender<int, unix_stream> out(where);
        out.send(3);
        BOOST_TEST((in.receive() == 3));
    }
    BOOST_TEST(std::filesystem::is_empty(directory));
    std::filesystem::permissions(directory, std::filesystem::perms::all);
    BOOST_TEST((receiver<int, unix_stream>::open(where).error() == errc::untrusted_directory));
    std::filesystem::remove(directory);
}

BOOST_AUTO_TEST_CASE(no_receiver_once_it_has_gone_and_the_next_one_is_found)
{
    sender<int, unix_stream> out(name);
    {
        receiver<int, unix_stream> in(name);
        out.send(1);
        BOOST_TEST((in.receive() == 1));
    }
    error_code said;
    while (!said)
        if (auto const r = out.try_send(2); !r)
            said = r.error();
    BOOST_TEST((said == errc::no_receiver));
    BOOST_TEST((out.try_send(3).error() == errc::no_receiver));
    receiver<int, unix_stream> next(name);
    out.send(4);
    BOOST_TEST((next.receive() == 4));
}

BOOST_AUTO_TEST_CASE(a_sender_killed_in_the_middle_of_a_frame_leaves_no_torn_message)
{
    for (int round = support::rounds(60); round > 0; --round) {
        receiver<std::string, unix_stream> in(name);
        support::shared_page page;
        support::child victim([&] {
            sender<std::string, unix_stream> out(name);
            for (std::uint64_t i = 0;; ++i) {
                out.send(support::make_text(i, 0, 60'000));
                page->done = i + 1;
            }
        });
        page->await(page->done, 1);
        std::uint64_t n = 0;
        auto const take = [&] {
            auto const m = in.receive();
            if (m)
                BOOST_TEST_REQUIRE((*m == support::make_text(n++, 0, 60'000)));
            return m.has_value();
        };
        for (int some = round % 7 * 10; some > 0; --some)
            take();
        victim.kill();
        std::uint64_t const committed = page->done;
        while (take()) {
        }
        BOOST_TEST(n >= committed);  // what send() returned for is in the kernel
        BOOST_TEST((in.end_reason() == end_reason::died));
    }
}

BOOST_AUTO_TEST_CASE(many_senders_keep_their_order_and_lose_nothing)
{
    constexpr std::uint64_t each = 3000;
    receiver<std::string, unix_stream> in(name);
    std::vector<support::child> senders;
    for (std::uint64_t s = 0; s < 5; ++s)
        senders.emplace_back([&, s] {
            sender<std::string, unix_stream> out(name);
            for (std::uint64_t i = 0; i < each; ++i)
                out.send(support::make_text(i, s));
        });
    support::sequence_checker checker;
    bool right = true;
    while (checker.count() < 5 * each)
        right &= checker.see(*in.receive());
    BOOST_TEST(right);
    BOOST_TEST(!in.receive().has_value());
    BOOST_TEST((in.end_reason() == end_reason::left));
}

BOOST_AUTO_TEST_CASE(a_pair_dropped_by_one_side_ends_the_other)
{
    using text = channel<std::string, unix_stream>;
    {
        auto pair = text::make_pair();
        auto in = std::move(pair).receiver();
        BOOST_TEST(!in.receive().has_value());
        BOOST_TEST((in.end_reason() == end_reason::died));
    }
    auto pair = text::make_pair();
    auto out = std::move(pair).sender();
    BOOST_TEST((out.try_send("x").error() == errc::no_receiver));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace unix_stream_ends
