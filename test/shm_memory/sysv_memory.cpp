// Distributed under the Boost Software License, Version 1.0.

#include "rings.hpp"

#include <strait/transport/named_pipe.hpp>

#include <fstream>
#include <optional>
#include <vector>

#include <sched.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/stat.h>

namespace shm_memory_sysv_memory {

namespace {

using namespace memories;

using strait::sysv_memory;
using line = line_in_segment;
using lanes = lanes_in_segment;
using crowd = ring<strait::mpmc, sysv_memory>;
using plain = strait::shm_ring<>;

// The segment of this channel as ipcs(1) lists it.
std::optional<support::segment_line> segment_of(std::string const& file)
{
    int const fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    int const id = fd < 0 ? -1 : strait::detail::segment_note::read(fd).find();
    ::close(fd);
    for (auto const& s : support::segments())
        if (s.id == id)
            return s;
    return {};
}

std::optional<support::segment_line> segment_called(std::string const& name) { return segment_of(raw::file_of(name)); }

bool exists(support::segment_line const& s)
{
    struct ::shmid_ds now = {};
    return ::shmctl(s.id, IPC_STAT, &now) == 0;
}

// A segment of another program, of which the library knows nothing.
class bystander {
public:
    bystander(::key_t key, std::size_t size) : id_(::shmget(key, size, IPC_CREAT | IPC_EXCL | 0600)) {}
    bystander(bystander const&) = delete;
    bystander& operator=(bystander const&) = delete;
    ~bystander() { ::shmctl(id_, IPC_RMID, nullptr); }
    bool is_there() const
    {
        struct ::shmid_ds now = {};
        return ::shmctl(id_, IPC_STAT, &now) == 0;
    }

private:
    int id_;
};

// Writes a limit of our own IPC namespace. False: the machine's must not be touched, or cannot.
bool limit(char const* name, unsigned long value)
{
    std::ofstream file(std::string("/proc/sys/kernel/") + name);
    return support::has_own_ipc && (file << value << std::flush).good();
}

template <class X, class T>
void outlive_all_ends()
{
    std::string const where = support::unique_name();
    leave_behind<X, T>(where, 20);
    auto const segment = segment_called(where);
    BOOST_TEST_REQUIRE(segment.has_value());
    BOOST_TEST((found<X, T>(where) == 20U));
    BOOST_TEST(!exists(*segment));
    BOOST_TEST(support::files_of(where).empty());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_memory_sysv, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(messages_lie_in_a_segment_that_ipcs_lists)
{
    std::string const where = support::unique_name();
    auto s = sender<line, std::uint64_t>(where, {.capacity = 64}).value();
    auto const segment = segment_called(where);
    BOOST_TEST_REQUIRE(segment.has_value());
    BOOST_TEST(segment->mode == 0600U);
    BOOST_TEST(segment->uid == ::geteuid());
    BOOST_TEST(segment->size == 64U * 16);
    BOOST_TEST(segment->attached == 1U);
    BOOST_TEST(send(s, std::uint64_t{0x1234567890}).has_value());
    auto const* const memory = static_cast<std::uint64_t const*>(::shmat(segment->id, nullptr, SHM_RDONLY));
    BOOST_TEST(memory[1] == 0x1234567890U);
    ::shmdt(memory);
    BOOST_TEST(line::remove(where).has_value());
}

BOOST_AUTO_TEST_CASE(what_is_unread_outlives_all_ends)
{
    outlive_all_ends<line, support::probe>();
    outlive_all_ends<line, std::string>();
    outlive_all_ends<lanes, support::probe>();
    outlive_all_ends<lanes, std::string>();
    outlive_all_ends<crowd, support::probe>();
    outlive_all_ends<crowd, std::string>();
}

BOOST_AUTO_TEST_CASE(messages_go_round_the_end_of_the_segment)
{
    go_round_everywhere<sysv_memory>();
    go_round<lanes, support::probe>();
    go_round<lanes, std::string>();
}

BOOST_AUTO_TEST_CASE(remove_of_any_transport_takes_the_segment_along)
{
    std::string const where = support::unique_name();
    for (auto const& remove : {&line::remove, &plain::remove, &strait::named_pipe::remove}) {
        auto s = sender<line, std::uint64_t>(where).value();
        auto const segment = segment_called(where);
        BOOST_TEST_REQUIRE(segment.has_value());
        BOOST_TEST(remove(where).has_value());
        BOOST_TEST(!segment_called(where).has_value());
        BOOST_TEST(send(s, std::uint64_t{1}).has_value());  // a living end goes on with what it has
        auto fresh = receiver<line, std::uint64_t>(where).value();
        BOOST_TEST((fresh.peek(deadline::poll()).error() == errc::empty));
        BOOST_TEST(s.close(deadline::poll()).has_value());
        BOOST_TEST(!exists(*segment));
        BOOST_TEST(segment_called(where).has_value());  // that of the fresh one
    }
}

BOOST_AUTO_TEST_CASE(the_segment_has_the_modes_and_the_group_of_the_file)
{
    directory const place;
    if (::geteuid() == 0) {
        BOOST_TEST(::chown(place.path().c_str(), 0, 54321) == 0);
        ::chmod(place.path().c_str(), 02770);
    }
    for (auto const& [access, mode] : {std::pair(strait::access_mode::owner, 0600U), {strait::access_mode::group, 0660U},
                                       {strait::access_mode::everyone, 0666U}}) {
        if (access == strait::access_mode::owner && ::geteuid() == 0)
            continue;  // such a directory is no place for it
        auto const tight = ::umask(0777);
        auto s = sender<line, std::uint64_t>(place / "channel", {.access = access});
        ::umask(tight);
        BOOST_TEST_REQUIRE(s.has_value());
        auto const segment = segment_of(place / "channel.channel");
        struct ::stat file = {};
        BOOST_TEST(::stat((place / "channel.channel").c_str(), &file) == 0);
        BOOST_TEST_REQUIRE(segment.has_value());
        BOOST_TEST(segment->mode == mode);
        BOOST_TEST(segment->gid == file.st_gid);
    }
}

BOOST_AUTO_TEST_CASE(another_user_can_use_a_shared_channel_and_leaves_what_is_not_its_own)
{
    if (::geteuid() != 0) {
        std::cout << "SKIPPED: only root can become another user" << std::endl;
        return;
    }
    directory const place;
    ::chmod(place.path().c_str(), 0777);
    strait::channel_options const shared{.access = strait::access_mode::everyone};
    std::string const where = place / "channel";
    {
        auto s = sender<line, std::uint64_t>(where, shared).value();
        support::child guest([&] {
            if (::setgid(54321) != 0 || ::setuid(54321) != 0)
                return 1;
            auto r = receiver<line, std::uint64_t>(where, shared);
            if (!r || receive<std::uint64_t>(*r) != std::uint64_t{1})
                return 2;
            r->close(deadline::never()).value();
            return 0;
        });
        BOOST_TEST(send(s, std::uint64_t{1}).has_value());
        BOOST_TEST(guest.wait() == 0);
        support::shared_page page;
        support::child last([&] {
            if (::setgid(54321) != 0 || ::setuid(54321) != 0)
                return 1;
            auto r = receiver<line, std::uint64_t>(where, shared);
            page->stage = 1;
            support::notes::await(page->proceed, 1);
            r->close(deadline::never()).value();
            return receiver<line, std::uint64_t>(where, shared) ? 0 : 2;  // what it cannot remove it goes on with
        });
        support::notes::await(page->stage, 1);
        s.close(deadline::never()).value();
        page->proceed = 1;
        BOOST_TEST(last.wait() == 0);
    }
    auto const segment = segment_of(place / "channel.channel");
    BOOST_TEST_REQUIRE(segment.has_value());
    BOOST_TEST(line::remove(where).has_value());
    BOOST_TEST(!exists(*segment));
}

BOOST_AUTO_TEST_CASE(each_limit_of_the_kernel_has_an_error_and_leaves_nothing)
{
    std::string const where = support::unique_name();
    unsigned long const most = 1UL << 40;
    if (!limit("shmmax", 4096)) {
        std::cout << "SKIPPED: the limits of System V segments cannot be lowered here" << std::endl;
        return;
    }
    BOOST_TEST((why_no_sender<line, std::uint64_t>(where) == errc::segment_size_limit));
    BOOST_TEST(limit("shmmax", most));
    BOOST_TEST(limit("shmall", 4));
    BOOST_TEST((why_no_sender<line, std::uint64_t>(where) == errc::segment_memory_limit));
    BOOST_TEST(limit("shmall", most));
    {
        auto one = sender<line, std::uint64_t>(where + "-1").value();
        BOOST_TEST(limit("shmmni", 1));
        BOOST_TEST((why_no_sender<line, std::uint64_t>(where) == errc::segment_count_limit));
        BOOST_TEST(limit("shmmni", 4096));
    }
    BOOST_TEST(support::files_of(where).empty());
    BOOST_TEST(support::segments_left() == 0U);
}

BOOST_AUTO_TEST_CASE(a_segment_that_has_the_key_by_chance_is_left_alone)
{
    // The inode that the next file here gets is not known, so all the keys of the one that is there are taken.
    std::string const where = support::unique_name();
    auto s = sender<line, std::uint64_t>(where, {.capacity = 64}).value();
    struct ::stat file = {};
    BOOST_TEST(::stat(raw::file_of(where).c_str(), &file) == 0);
    std::optional<bystander> other(std::in_place, strait::detail::segment_key(file, 2), 100);
    raw::segment const memory(where);
    for (std::uint64_t const wrong : {2UL, 3UL, 16UL, 17UL, 1UL << 63, ~0UL}) {
        memory.word(192).store(wrong);
        BOOST_TEST((receiver<line, std::uint64_t>(where).error() == errc::peer_corrupt));
    }
    memory.word(192).store(2);
    BOOST_TEST(line::remove(where).has_value());
    BOOST_TEST(other->is_there());  // whatever the control file said
    for (auto const& left : support::segments())
        BOOST_TEST(left.key != strait::detail::segment_key(file, 1));  // it was found although nothing named it
}

BOOST_AUTO_TEST_CASE(a_segment_that_ipcrm_took_serves_those_who_have_it)
{
    std::string const where = support::unique_name();
    auto s = sender<line, std::uint64_t>(where).value();
    auto r = std::optional(receiver<line, std::uint64_t>(where).value());
    BOOST_TEST(::shmctl(segment_called(where)->id, IPC_RMID, nullptr) == 0);
    BOOST_TEST(send(s, std::uint64_t{1}).has_value());
    BOOST_TEST((receive<std::uint64_t>(*r) == 1U));
    r.reset();
    BOOST_TEST((receiver<line, std::uint64_t>(where).error() == errc::peer_corrupt));
    BOOST_TEST(send(s, std::uint64_t{2}).has_value());
    BOOST_TEST(s.close(deadline::poll()).has_value());
    auto fresh = receiver<line, std::uint64_t>(where);  // what was unread is gone with the segment
    BOOST_TEST_REQUIRE(fresh.has_value());
    BOOST_TEST((fresh->peek(deadline::poll()).error() == errc::empty));
}

BOOST_AUTO_TEST_CASE(an_end_of_other_memory_is_refused_and_drops_nothing)
{
    std::string const where = support::unique_name();
    leave_behind<line, support::probe>(where, 3);
    BOOST_TEST((why_no_sender<plain, support::probe>(where) == errc::transport_mismatch));
    BOOST_TEST((why_no_sender<lanes, support::probe>(where) == errc::transport_mismatch));
    BOOST_TEST((why_no_sender<ring<strait::spsc, strait::huge_pages<sysv_memory>>, support::probe>(where) == errc::transport_mismatch));
    BOOST_TEST((why_no_sender<line, std::uint64_t>(where) == errc::type_mismatch));
    BOOST_TEST((found<line, support::probe>(where) == 3U));
}

BOOST_AUTO_TEST_CASE(a_truncated_control_file_or_a_lying_size_is_refused_while_an_end_uses_it_and_replaced_afterwards)
{
    support::shared_page page;
    for (::off_t const size : {-1, 0, 100, 4096, 5000, 12288}) {
        std::string const where = support::unique_name();
        page->stage = 0;
        support::child holder([&] {
            auto s = sender<line, std::uint64_t>(where, {.capacity = 8});
            page->stage = 1;
            for (;;)
                ::pause();
        });
        support::notes::await(page->stage, 1);
        auto const segment = segment_called(where);
        if (size < 0)
            raw::segment(where).word(72).fetch_add(4096);
        else
            BOOST_TEST(::truncate(raw::file_of(where).c_str(), size) == 0);
        BOOST_TEST((why_no_sender<line, std::uint64_t>(where) == errc::peer_corrupt));
        holder.kill();
        auto r = receiver<line, std::uint64_t>(where);
        BOOST_TEST_REQUIRE(r.has_value());
        BOOST_TEST((r->peek(deadline::poll()).error() == errc::empty));
        BOOST_TEST(!(segment && exists(*segment)));  // although the control file did not name it any more
    }
    BOOST_TEST(support::segments_left() == 0U);
}

BOOST_AUTO_TEST_CASE(random_words_all_over_do_no_harm)
{
    rings::survive_random_words<line, support::probe>();
    rings::survive_random_words<line, std::string>();
    rings::survive_random_words<lanes, std::string>();
    BOOST_TEST(support::segments_left() == 0U);  // whatever the control files said at last
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace shm_memory_sysv_memory
