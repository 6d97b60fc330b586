// Distributed under the Boost Software License, Version 1.0.

#include "rings.hpp"

#include <support/own_mounts.hpp>

#include <csignal>
#include <vector>

#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

namespace shm_memory_mapped_file {

namespace {

using namespace memories;

using strait::mapped_file;
using line = line_in_file;
using lanes = lanes_in_file;
using crowd = ring<strait::mpmc, mapped_file>;
using plain = strait::shm_ring<>;

std::string file_of(std::string const& name) { return raw::file_of(name, "/var/tmp"); }

// Drops the file from the page cache, as a reboot does. False when some of it was not yet on the disk.
bool is_all_on_the_disk(std::string const& file)
{
    int const fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    bool const dropped = ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0;
    std::size_t const size = std::filesystem::file_size(file);
    void* const p = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    std::vector<unsigned char> cached((size + 4095) / 4096);
    ::mincore(p, size, cached.data());
    ::munmap(p, size);
    ::close(fd);
    // Dirty pages stay in the cache. The second page may be dirty: it has the futex words, which the last end wakes when it leaves.
    bool none = true;
    for (std::size_t i = 0; i != cached.size(); ++i)
        none = none && ((cached[i] & 1) == 0 || i == 1);
    return dropped && none;
}

template <class X, class T>
void outlive_all_ends()
{
    std::string const where = support::unique_name();
    leave_behind<X, T>(where, 20);
    BOOST_TEST(std::filesystem::exists(file_of(where)));
    BOOST_TEST((found<X, T>(where) == 20U));
    BOOST_TEST(!std::filesystem::exists(file_of(where)));
}

template <class X, class T>
void move_the_file()
{
    directory const elsewhere;
    std::string const where = support::unique_name();
    leave_behind<X, T>(where, 20);
    std::filesystem::copy_file(file_of(where), elsewhere / "other.channel");
    BOOST_TEST(X::remove(where).has_value());
    BOOST_TEST((found<X, T>(elsewhere / "other") == 20U));
    BOOST_TEST(std::filesystem::is_empty(elsewhere.path()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_memory_mapped_file, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(what_is_unread_outlives_all_ends)
{
    outlive_all_ends<line, support::probe>();
    outlive_all_ends<line, std::string>();
    outlive_all_ends<lanes, support::probe>();
    outlive_all_ends<lanes, std::string>();
    outlive_all_ends<crowd, support::probe>();
    outlive_all_ends<crowd, std::string>();
}

BOOST_AUTO_TEST_CASE(what_the_killed_left_unread_is_found_as_after_a_reboot)
{
    std::string const where = support::unique_name();
    support::shared_page page;
    support::child victim([&] {
        auto s = sender<line, support::probe>(where).value();
        for (std::uint64_t i = 0; i != 20; ++i)
            send(s, support::make_message<support::probe>(i, 7)).value();
        page->stage = 1;
        for (;;)
            ::pause();
    });
    support::notes::await(page->stage, 1);
    victim.kill();
    BOOST_TEST(line::sync(where).has_value());
    BOOST_TEST(is_all_on_the_disk(file_of(where)));
    BOOST_TEST((found<line, support::probe>(where) == 20U));
}

BOOST_AUTO_TEST_CASE(the_last_to_leave_writes_it_out)
{
    std::string const where = support::unique_name();
    leave_behind<line, support::probe>(where, 20);
    BOOST_TEST(is_all_on_the_disk(file_of(where)));
    BOOST_TEST((found<line, support::probe>(where) == 20U));
    BOOST_TEST((line::sync(where).error() == strait::error_code(ENOENT, boost::system::system_category())));
}

BOOST_AUTO_TEST_CASE(a_copy_of_the_file_is_the_channel_elsewhere)
{
    move_the_file<line, support::probe>();
    move_the_file<line, std::string>();
    move_the_file<lanes, std::string>();
    move_the_file<crowd, support::probe>();
}

BOOST_AUTO_TEST_CASE(messages_go_round_the_end_of_the_file) { go_round_everywhere<mapped_file>(); go_round<lanes, std::string>(); }

BOOST_AUTO_TEST_CASE(a_full_file_system_is_an_error_and_nothing_is_left)
{
    directory const place;
    support::child guest([&] {
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("none", place.path().c_str(), "tmpfs", 0, "size=400k,mode=0700") != 0)
            return 77;
        std::string const where = place / "channel";
        if (why_no_sender<line, support::probe>(where) != errc::out_of_memory || !std::filesystem::is_empty(place.path()))
            return 1;
        // The lanes of later senders have no blocks yet.
        strait::channel_options const how{.capacity = 4096};
        auto first = sender<lanes, std::uint64_t>(where, how);
        if (!first)
            return 2;
        std::vector<raw::sender<std::uint64_t, lanes>> more;
        for (;;) {
            auto next = sender<lanes, std::uint64_t>(where, how);
            if (!next && next.error() != errc::out_of_memory)
                return 3;
            if (!next)
                break;
            more.push_back(std::move(*next));
        }
        auto r = receiver<lanes, std::uint64_t>(where);
        for (auto& s : more)
            for (std::uint64_t i = 0; i != 4096; ++i)
                if (!send(s, i, deadline::poll()))
                    return 4;
        for (std::size_t n = more.size() * 4096; n != 0; --n)
            if (!receive<std::uint64_t>(*r, deadline::poll()))
                return 5;
        return 0;
    });
    int const status = guest.wait();
    if (status == 77)
        std::cout << "SKIPPED: mounting a file system is not allowed here" << std::endl;
    else
        BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_CASE(a_full_file_system_leaves_no_directory_of_names_either)
{
    int const status = support::with_own_mounts({}, [] {
        for (char const* const root : {"/dev/shm", "/var/tmp"})
            if (::mount("none", root, "tmpfs", 0, "size=64k,mode=1777") != 0)
                return support::no_own_mounts;
        std::string const where = support::unique_name();
        if (why_no_sender<line, support::probe>(where) != errc::out_of_memory || !std::filesystem::is_empty("/var/tmp"))
            return 1;
        using in_memory = ring<strait::spsc, strait::posix_memory>;
        if (why_no_sender<in_memory, support::probe>(where) != errc::out_of_memory || !std::filesystem::is_empty("/dev/shm"))
            return 2;
        return 0;
    });
    if (status == support::no_own_mounts)
        std::cout << "SKIPPED: mounting a file system is not allowed here" << std::endl;
    else
        BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_CASE(a_limit_of_the_size_of_files_is_an_error_and_no_signal)
{
    std::string const where = support::unique_name();
    support::child limited([&] {
        ::signal(SIGXFSZ, SIG_DFL);
        ::rlimit const small{64 << 10, 64 << 10};
        if (::setrlimit(RLIMIT_FSIZE, &small) != 0)
            return 1;
        if (why_no_sender<line, support::probe>(where) != errc::file_size_limit ||
            why_no_sender<lanes, support::probe>(where) != errc::file_size_limit ||
            why_no_sender<plain, support::probe>(where) != errc::file_size_limit)
            return 2;
        return sender<line, support::probe>(where, {.capacity = 16}) ? 0 : 3;
    });
    BOOST_TEST(limited.wait() == 0);
    BOOST_TEST(support::files_of(where).empty());
}

BOOST_AUTO_TEST_CASE(names_in_memory_and_on_the_disk_lie_apart)
{
    std::string const where = support::unique_name();
    std::string const queue = "/strait-" + std::to_string(::geteuid()) + "-" + where;
    ::mqd_t const q = ::mq_open(queue.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600, nullptr);
    auto in_memory = sender<plain, std::uint64_t>(where).value();
    auto on_disk = sender<line, std::uint64_t>(where).value();
    BOOST_TEST(send(on_disk, std::uint64_t{1}).has_value());
    BOOST_TEST(line::remove(where).has_value());
    BOOST_TEST(support::has_queue(where));
    BOOST_TEST(std::filesystem::exists(raw::file_of(where)));
    if (q != -1)
        ::mq_close(q);
    ::mq_unlink(queue.c_str());
}

BOOST_AUTO_TEST_CASE(an_end_of_other_memory_is_refused_and_drops_nothing)
{
    directory const place;
    std::string const where = place / "channel";
    leave_behind<line, support::probe>(where, 3);
    BOOST_TEST((why_no_sender<plain, support::probe>(where) == errc::transport_mismatch));
    BOOST_TEST((why_no_sender<lanes, support::probe>(where) == errc::transport_mismatch));
    BOOST_TEST((why_no_sender<line, std::uint64_t>(where) == errc::type_mismatch));
    BOOST_TEST((found<line, support::probe>(where) == 3U));
}

BOOST_AUTO_TEST_CASE(another_version_is_refused_and_drops_nothing)
{
    std::string const where = support::unique_name();
    leave_behind<line, support::probe>(where, 3);
    {
        raw::segment const memory(where, "/var/tmp");
        std::uint64_t const right = memory.word(8).load();
        memory.word(8).store(right + 1);
        BOOST_TEST((why_no_sender<line, support::probe>(where) == errc::incompatible_peer));
        memory.word(8).store(right);
    }
    BOOST_TEST((found<line, support::probe>(where) == 3U));
}

BOOST_AUTO_TEST_CASE(a_truncated_or_longer_file_is_refused_while_an_end_uses_it_and_replaced_afterwards)
{
    support::shared_page page;
    for (::off_t const size : {0, 100, 4096, 5000, 8192, 1 << 20}) {
        std::string const where = support::unique_name();
        page->stage = 0;
        support::child holder([&] {
            auto s = sender<line, std::uint64_t>(where, {.capacity = 8});
            page->stage = 1;
            for (;;)
                ::pause();
        });
        support::notes::await(page->stage, 1);
        BOOST_TEST(::truncate(file_of(where).c_str(), size) == 0);
        BOOST_TEST((why_no_sender<line, std::uint64_t>(where) == errc::peer_corrupt));
        holder.kill();
        auto r = receiver<line, std::uint64_t>(where);
        BOOST_TEST_REQUIRE(r.has_value());
        BOOST_TEST((r->peek(deadline::poll()).error() == errc::empty));
    }
}

BOOST_AUTO_TEST_CASE(random_words_all_over_the_file_do_no_harm)
{
    rings::survive_random_words<line, support::probe>("/var/tmp");
    rings::survive_random_words<line, std::string>("/var/tmp");
    rings::survive_random_words<lanes, std::string>("/var/tmp");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace shm_memory_mapped_file
