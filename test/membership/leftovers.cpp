// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/receiver.hpp>
#include <strait/sender.hpp>
#include <strait/transport/named_pipe.hpp>
#include <strait/transport/posix_mqueue.hpp>
#include <strait/transport/realtime_signal.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/sysv_memory.hpp>
#include <strait/transport/sysv_mqueue.hpp>
#include <strait/transport/tcp.hpp>
#include <strait/transport/unix_datagram.hpp>
#include <strait/transport/unix_stream.hpp>

#include <support/child.hpp>
#include <support/names.hpp>
#include <support/residue.hpp>
#include <support/segments.hpp>
#include <support/shared_page.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <tuple>

#include <fcntl.h>
#include <mqueue.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <unistd.h>

namespace membership_leftovers {

using namespace strait;

namespace {

struct fixture {
    ~fixture()
    {
        for (auto const& left : support::leftovers())
            BOOST_ERROR("left behind: " + left);
        BOOST_TEST(support::segments_left() == segments);
        support::names_given().clear();
    }

    // What a receiver over X leaves that is killed. No sender has come, so nothing is unread.
    template <class X>
    void leave_dead() const
    {
        support::shared_page page;
        support::child victim([&] {
            auto const opened = receiver<std::uint64_t, X>::open(endpoint(name));
            page->stage = opened ? 1 : 2;
            for (;;)
                ::pause();
        });
        page->await(page->stage, 1);
        BOOST_TEST_REQUIRE(page->stage.load() == 1u);
    }

    // What a receiver leaves that is killed after it has bound its socket and before it has given it its name.
    void leave_half_made_socket() const
    {
        leave_dead<unix_stream>();
        auto const path = support::channel_directory() + "/" + name;
        std::filesystem::rename(path + ".sock", path + ".new~");
    }

    support::watchdog watchdog;
    std::size_t segments = support::segments_left();
    std::string name = support::unique_name();
};

using segment_ring = shm_ring<spsc, adaptive, sysv_memory>;
using makers = std::tuple<shm_ring<>, named_pipe, unix_stream, posix_mqueue, sysv_mqueue, segment_ring>;
using removers = std::tuple<shm_ring<>, named_pipe, unix_datagram, posix_mqueue, sysv_mqueue, realtime_signal, tcp, segment_ring>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(leftovers, fixture)

TYPED_CASE(any_transport_removes_what_a_dead_receiver_of_any_other_has_left, X, removers)
{
    auto const remove = [&] {
        BOOST_TEST(!support::leftovers().empty());
        BOOST_TEST((channel<std::uint64_t, X>::remove(endpoint(name)).has_value()));
        BOOST_TEST(support::leftovers().empty());
        BOOST_TEST(support::segments_left() == segments);
    };
    leave_dead<named_pipe>();
    remove();
    leave_dead<unix_stream>();
    remove();
    leave_half_made_socket();
    remove();
    leave_dead<posix_mqueue>();
    remove();
    leave_dead<sysv_mqueue>();
    remove();
    leave_dead<segment_ring>();
    remove();
}

TYPED_CASE(an_opener_over_any_transport_clears_away_what_a_dead_receiver_of_any_other_has_left, X, removers)
{
    auto const open = [&] {
        BOOST_TEST(!support::leftovers().empty());
        { sender<std::uint64_t, X> s{endpoint(name)}; }
        BOOST_TEST(support::leftovers().empty());
        BOOST_TEST(support::segments_left() == segments);
    };
    leave_dead<named_pipe>();
    open();
    leave_dead<unix_stream>();
    open();
    leave_half_made_socket();
    open();
    leave_dead<posix_mqueue>();
    open();
    leave_dead<sysv_mqueue>();
    open();
    leave_dead<segment_ring>();
    open();
}

// What a faulty or hostile peer writes does not hide an object: its name or key follows from the channel's name, or from the
// control file's inode.
TYPED_CASE(a_scribbled_control_file_hides_no_object_from_remove, X, makers)
{
    std::mt19937_64 random{5};
    auto const file = support::channel_directory() + "/" + name + ".channel";
    for (int round = 0; round != 60; ++round) {
        leave_dead<X>();
        {
            int const fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
            BOOST_TEST_REQUIRE(fd >= 0);
            if (round % 10 == 9)
                BOOST_TEST(::ftruncate(fd, static_cast<::off_t>(random() % 600)) == 0);
            for (std::size_t words = 1 + random() % (round % 2 == 0 ? 2 : 72); round % 10 != 9 && words != 0; --words) {
                std::uint64_t const word = round % 3 == 0 ? random() : round % 3 == 1 ? random() % 40 : 0;
                auto const at = static_cast<::off_t>(round % 2 == 0 ? 192 + random() % 8 * 8 : random() % 72 * 8);
                BOOST_TEST(::pwrite(fd, &word, sizeof word, at) == static_cast<::ssize_t>(sizeof word));
            }
            ::close(fd);
        }
        if (round % 2 == 0) {
            BOOST_TEST((channel<std::uint64_t, X>::remove(endpoint(name)).has_value()));
        } else {  // an opener refuses it, or starts afresh and is the last to leave
            (void)sender<std::uint64_t, X>::open(endpoint(name));
            BOOST_TEST((channel<std::uint64_t, shm_ring<>>::remove(endpoint(name)).has_value()));
        }
        BOOST_TEST(support::leftovers().empty(), "round " << round);
        BOOST_TEST(support::segments_left() == segments, "round " << round);
    }
}

// Users of the tests, who need not exist.
constexpr ::uid_t one_user = 54321;
constexpr ::uid_t other_user = 54322;

// Calls `body` in a process of that user; the exit status is what it returns.
template <class Body>
int as_user(::uid_t user, Body body)
{
    support::child apart([&] { return ::setgid(user) != 0 || ::setuid(user) != 0 ? 99 : body(); });
    return apart.wait();
}

struct path_for_all {
    path_for_all()
    {
        BOOST_REQUIRE(::mkdtemp(directory));
        ::chmod(directory, 01777);
    }
    ~path_for_all() { std::filesystem::remove_all(directory); }
    std::string channel() const { return std::string(directory) + "/channel"; }

    char directory[24] = "/tmp/strait-test-XXXXXX";
};

TYPED_CASE(remove_says_when_an_object_is_another_users, X, makers)
{
    if (::geteuid() != 0)
        return;
    path_for_all const place;
    BOOST_TEST(as_user(one_user, [&] {
        sender<std::uint64_t, X> out{place.channel(), {.keep = true, .access = access_mode::everyone}};
        return 0;
    }) == 0);
    BOOST_TEST(as_user(other_user, [&] {
        auto const refused = channel<std::uint64_t, X>::remove(endpoint(place.channel()));
        return refused.has_value() ? 1 : refused.error() != errc::foreign_object ? 2 : 0;
    }) == 0);
    BOOST_TEST(as_user(one_user, [&] {
        return channel<std::uint64_t, X>::remove(endpoint(place.channel())).has_value() ? 0 : 1;
    }) == 0);
    BOOST_TEST(std::filesystem::is_empty(place.directory));
    BOOST_TEST(support::segments_left() == segments);
}

BOOST_AUTO_TEST_CASE(names_and_keys_that_another_user_has_taken_are_passed_over)
{
    if (::geteuid() != 0)
        return;
    std::string const mine = "strait-" + std::to_string(one_user) + "-" + name;
    std::vector<int> keys;
    BOOST_TEST(as_user(other_user, [&] {
        for (std::uint64_t attempt = 0; attempt != detail::sysv_attempts_by_name; ++attempt)
            if (::msgget(detail::sysv_key(mine, attempt), IPC_CREAT | IPC_EXCL | 0600) < 0)
                return 1;
        return ::mq_open(("/" + mine).c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600, nullptr) >= 0 ? 0 : 2;
    }) == 0);
    auto const works = [&](auto transport) {
        using X = decltype(transport);
        return as_user(one_user, [&] {
            {
                sender<std::uint64_t, X> out{name};
                out.send(7);
            }
            receiver<std::uint64_t, X> in{name};
            return in.receive() == 7U && !in.receive() ? 0 : 1;
        });
    };
    BOOST_TEST(works(posix_mqueue()) == 0);
    BOOST_TEST(works(sysv_mqueue()) == 0);
    BOOST_TEST(works(shm_ring<>()) == 0);
    BOOST_TEST(as_user(one_user, [&] {
        std::string const second = "/" + mine + "~1";
        {
            sender<std::uint64_t, posix_mqueue> out{name};
            out.send(7);
            std::filesystem::remove("/dev/shm/strait-" + std::to_string(one_user) + "/" + name + ".channel");
        }
        return ::mq_unlink(second.c_str()) != 0 && errno == ENOENT ? 0 : 1;  // it went with the last end
    }) == 0);
    BOOST_TEST(as_user(one_user, [&] {
        return channel<std::uint64_t, shm_ring<>>::remove(name).has_value() ? 0 : 1;  // the squatter's are not the channel's
    }) == 0);
    for (std::uint64_t attempt = 0; attempt != detail::sysv_attempts_by_name; ++attempt)
        BOOST_TEST(::msgctl(::msgget(detail::sysv_key(mine, attempt), 0), IPC_RMID, nullptr) == 0);
    BOOST_TEST(::mq_unlink(("/" + mine).c_str()) == 0);
    BOOST_TEST(std::filesystem::is_empty("/dev/shm/strait-" + std::to_string(one_user)));
    std::filesystem::remove("/dev/shm/strait-" + std::to_string(one_user));
}

BOOST_AUTO_TEST_CASE(the_directory_of_names_stays_so_that_no_other_user_can_take_its_place)
{
    if (::geteuid() != 0)
        return;
    auto const directory = "/dev/shm/strait-" + std::to_string(one_user);
    BOOST_TEST(as_user(one_user, [&] {
        { sender<std::uint64_t, shm_ring<>> out{name}; }
        return std::filesystem::is_empty(directory) ? 0 : 1;
    }) == 0);
    BOOST_TEST(as_user(other_user, [&] { return ::mkdir(directory.c_str(), 0700) != 0 && errno == EEXIST ? 0 : 1; }) == 0);
    std::filesystem::remove(directory);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace membership_leftovers
