// Distributed under the Boost Software License, Version 1.0.
#include <strait/detail/host/leftovers.hpp>
#include <strait/detail/membership/membership.hpp>
#include <strait/detail/membership/nameless_pair.hpp>

#include <support/child.hpp>
#include <support/names.hpp>
#include <support/own_mounts.hpp>
#include <support/residue.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

namespace membership_membership {

using namespace strait;
using namespace strait::detail;

namespace {

// Carries nothing; keeps a word that says whether messages are left.
struct idle_mechanism : no_backing_object {
    error_code create(participant const&, location const&) { return created; }
    bool unread(participant const& c, location const&) { return c.block().mechanism[0].load() != 0; }

    error_code created;
};

using idle_membership = membership<idle_mechanism>;

struct fixture {
    static channel_traits traits(std::uint64_t fingerprint = 1)
    {
        channel_traits t;
        t.transport = "idle";
        static strait::message_type const number("number");
        t.type = &number;
        t.fingerprint = fingerprint;
        t.element_size = 8;
        t.capacity = 16;
        t.size = 8192;
        t.retained = true;
        return t;
    }

    location where(std::string const& text) const
    {
        location l;
        BOOST_TEST_REQUIRE(!location::find(endpoint(text), access_mode::owner, l));
        return l;
    }
    location where() const { return where(name); }

    result<participant> join(role r, channel_traits const& t = traits(), ::off_t most = 1)
    {
        participant joined;
        location place = where();
        if (error_code const e = idle_membership::join(place, t, r, most, mechanism, joined))
            return e;
        joined.count_in();
        return joined;
    }

    void leave(participant& c)
    {
        location place = where();
        while (place.open_directory() == error_code(ENOENT, boost::system::system_category())) {}  // removed by hand just now
        idle_membership::leave(c, place, mechanism, deadline::never());
    }

    bool exists() const { return !support::files_of(name).empty(); }

    std::string file() const { return where().path(control_file_suffix); }

    // Written by hand, as a faulty or hostile program might.
    void plant(void const* content, std::size_t size, ::mode_t mode = 0600) const
    {
        int const fd = ::open(file().c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        BOOST_TEST_REQUIRE(fd >= 0);
        BOOST_TEST(::write(fd, content, size) == static_cast<::ssize_t>(size));
        ::fchmod(fd, mode);
        ::close(fd);
    }

    support::watchdog watchdog;
    idle_mechanism mechanism;
    std::string name = support::unique_name();
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(participant_, fixture)

BOOST_AUTO_TEST_CASE(the_last_to_leave_removes_the_name)
{
    auto s = join(role::sender).value();
    auto r = join(role::receiver).value();
    BOOST_TEST(exists());
    leave(s);
    BOOST_TEST(exists());
    leave(r);
    BOOST_TEST(!exists());
    leave(r);  // idempotent
}

BOOST_AUTO_TEST_CASE(unread_messages_keep_the_name_and_a_reader_takes_it_along)
{
    auto s = join(role::sender).value();
    s.block().mechanism[0] = 1;
    leave(s);
    BOOST_TEST(exists());
    auto r = join(role::receiver).value();
    BOOST_TEST((r.senders_gone() == end_reason::left));
    r.block().mechanism[0] = 0;
    leave(r);
    BOOST_TEST(!exists());
}

BOOST_AUTO_TEST_CASE(a_kept_channel_stays_and_starts_its_counts_afresh)
{
    auto t = traits();
    t.keep = true;
    auto s = join(role::sender, t).value();
    leave(s);
    BOOST_TEST(exists());
    auto r = join(role::receiver, t).value();
    BOOST_TEST((r.senders_gone() == end_reason::none));
    leave(r);
    BOOST_TEST(idle_membership::remove(name).has_value());
    BOOST_TEST(!exists());
}

BOOST_AUTO_TEST_CASE(a_place_is_taken_once)
{
    auto first = join(role::sender).value();
    BOOST_TEST((join(role::sender).error() == errc::busy));
    leave(first);
    auto second = join(role::sender).value();
    leave(second);
    BOOST_TEST(!exists());
}

BOOST_AUTO_TEST_CASE(many_places_are_taken_in_turn)
{
    std::vector<participant> senders;
    for (int i = 0; i < 40; ++i)
        senders.push_back(join(role::sender, traits(), 64).value());
    auto r = join(role::receiver).value();
    for (auto& s : senders) {
        BOOST_TEST((r.senders_gone() == end_reason::none));
        leave(s);
    }
    BOOST_TEST((r.senders_gone() == end_reason::left));
    leave(r);
}

BOOST_AUTO_TEST_CASE(another_type_transport_or_version_is_refused_while_somebody_is_there)
{
    auto s = join(role::sender).value();
    BOOST_TEST((join(role::receiver, traits(2)).error() == errc::type_mismatch));
    auto t = traits();
    t.element_size = 16;
    BOOST_TEST((join(role::receiver, t).error() == errc::type_mismatch));
    t = traits();
    t.transport = "other";
    BOOST_TEST((join(role::receiver, t).error() == errc::transport_mismatch));
    ++s.block().version;
    BOOST_TEST((join(role::receiver).error() == errc::incompatible_peer));
    --s.block().version;
    ++s.block().size;
    BOOST_TEST((join(role::receiver).error() == errc::peer_corrupt));
    --s.block().size;
    BOOST_TEST(join(role::receiver).has_value());
    leave(s);
}

BOOST_AUTO_TEST_CASE(a_stale_channel_of_another_type_gives_way_unless_it_holds_messages)
{
    support::child([&] { std::move(join(role::sender)).value(), ::raise(SIGKILL); }).wait();
    BOOST_TEST(exists());
    auto r = join(role::receiver, traits(2)).value();
    leave(r);
    BOOST_TEST(!exists());

    support::child([&] { join(role::sender).value().block().mechanism[0] = 1, ::raise(SIGKILL); }).wait();
    BOOST_TEST((join(role::receiver, traits(2)).error() == errc::type_mismatch));
    auto same = join(role::receiver).value();
    BOOST_TEST((same.senders_gone() == end_reason::died));
    same.block().mechanism[0] = 0;
    leave(same);
    BOOST_TEST(!exists());
}

BOOST_AUTO_TEST_CASE(a_stale_channel_takes_along_what_another_transport_left)
{
    support::held_directory const held;
    auto t = traits();
    t.transport = "other";
    t.retained = false;
    support::child([&] { std::move(join(role::sender, t)).value(), ::raise(SIGKILL); }).wait();
    BOOST_TEST(::mkfifo(where().path(".fifo").c_str(), 0600) == 0);
    auto s = join(role::sender).value();
    BOOST_TEST(::access(where().path(".fifo").c_str(), F_OK) != 0);
    leave(s);
    BOOST_TEST(!exists());
}

BOOST_AUTO_TEST_CASE(a_death_is_told_once)
{
    auto r = join(role::receiver).value();
    support::child([&] { std::move(join(role::sender)).value(), ::raise(SIGKILL); }).wait();
    BOOST_TEST((r.senders_gone() == end_reason::died));
    BOOST_TEST((r.senders_gone() == end_reason::died));
    auto s = join(role::sender).value();
    BOOST_TEST((r.senders_gone() == end_reason::none));
    leave(s);
    BOOST_TEST((r.senders_gone() == end_reason::left));
    leave(r);
}

BOOST_AUTO_TEST_CASE(one_that_was_never_counted_in_ends_no_stream)
{
    auto r = join(role::receiver).value();
    participant opening;
    location at = where();
    BOOST_TEST_REQUIRE(!idle_membership::join(at, traits(), role::sender, 1, mechanism, opening));
    BOOST_TEST((r.senders_gone() == end_reason::none));
    leave(opening);
    BOOST_TEST((r.senders_gone() == end_reason::none));
    support::child([&] { (void)idle_membership::join(at, traits(), role::sender, 1, mechanism, opening), ::raise(SIGKILL); }).wait();
    BOOST_TEST((r.senders_gone() == end_reason::none));
    leave(r);
}

// It has the file, and waits for the set-up lock, when the file loses its name.
BOOST_AUTO_TEST_CASE(an_opener_does_not_go_on_with_a_file_that_has_lost_its_name)
{
    support::held_directory const held;
    auto const opens = [&](support::child const& c) {
        std::error_code e;
        for (auto const& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(c.pid()) + "/fd", e))
            if (std::filesystem::read_symlink(entry.path(), e) == file())
                return true;
        return false;
    };
    for (int i = 0; i != support::rounds(5); ++i) {
        support::shared_page page;
        support::child opener([&] {
            page->await(page->proceed, 1);
            auto const r = join(role::receiver);
            page->done.store(r ? 1 : 2);
            ::pause();  // it is there until it is killed
        });
        auto s = join(role::sender).value();
        descriptor other(::open(file().c_str(), O_RDWR | O_CLOEXEC));
        BOOST_TEST_REQUIRE(try_lock_byte(other.get(), lock_bytes::setup).has_value());
        page->proceed.store(1);
        while (!opens(opener) || !support::is_asleep(opener.pid()))  // it sleeps nowhere else than at the lock
            std::this_thread::yield();
        BOOST_TEST(::unlink(file().c_str()) == 0);
        other.reset();
        page->await(page->done, 1);
        BOOST_TEST(page->done == 1U);
        BOOST_TEST(exists());  // the channel that it has made instead
        opener.kill();
        leave(s);
        BOOST_TEST(idle_membership::remove(name).has_value());
    }
}

// A wrong "no" would let an opener repair what others use.
BOOST_AUTO_TEST_CASE(locks_of_which_the_kernel_does_not_say_whether_they_are_held_count_as_held)
{
    BOOST_TEST(any_locked(-1, 0, 1));
    auto s = join(role::sender).value();
    BOOST_TEST(!any_locked(s.fd(), lock_bytes::participants, 2 * lock_bytes::most));  // ours alone: those of others count
    leave(s);
}

BOOST_AUTO_TEST_CASE(a_mechanism_that_cannot_be_made_leaves_nothing)
{
    mechanism.created = errc::queue_limit;
    BOOST_TEST((join(role::sender).error() == errc::queue_limit));
    BOOST_TEST(!exists());
}

BOOST_AUTO_TEST_CASE(what_lies_under_the_name_must_be_what_we_would_have_made)
{
    support::held_directory const held;
    char const text[] = "not a channel";
    plant(text, sizeof text, 0644);
    BOOST_TEST((join(role::sender).error() == errc::untrusted_object));
    ::unlink(file().c_str());

    BOOST_TEST(::symlink("/etc/passwd", file().c_str()) == 0);
    BOOST_TEST((join(role::sender).error() == errc::untrusted_object));
    ::unlink(file().c_str());

    BOOST_TEST(::mkfifo(file().c_str(), 0600) == 0);
    BOOST_TEST((join(role::sender).error() == errc::untrusted_object));
    ::unlink(file().c_str());

    BOOST_TEST(::mkdir(file().c_str(), 0700) == 0);
    BOOST_TEST((join(role::sender).error() == errc::untrusted_object));
    ::rmdir(file().c_str());

    auto s = join(role::sender).value();
    std::string const second = file() + "2";
    BOOST_TEST(::link(file().c_str(), second.c_str()) == 0);
    BOOST_TEST((join(role::receiver).error() == errc::untrusted_object));
    ::unlink(second.c_str());
    leave(s);

    std::string const page(8192, 'x');
    plant(page.data(), page.size());
    BOOST_TEST((join(role::sender).error() == errc::untrusted_object));
    BOOST_TEST(idle_membership::remove(name).has_value());
    BOOST_TEST(!exists());
}

BOOST_AUTO_TEST_CASE(a_channel_that_was_truncated_is_told_or_replaced)
{
    support::held_directory const held;
    auto s = join(role::sender).value();
    BOOST_TEST(::truncate(file().c_str(), 4096) == 0);
    BOOST_TEST((join(role::receiver).error() == errc::peer_corrupt));
    BOOST_TEST(::truncate(file().c_str(), 8192) == 0);
    leave(s);

    plant("", 0);  // nobody is there: starts afresh
    auto again = join(role::sender).value();
    leave(again);
    BOOST_TEST(!exists());
}

// Where channels of files lie the kernel says something else than where those of memory do.
BOOST_AUTO_TEST_CASE(a_directory_that_was_removed_is_told_as_such)
{
    for (std::string const root : {"/dev/shm", "/var/tmp"}) {
        std::string path = root + "/strait-removed-XXXXXX";
        BOOST_TEST_REQUIRE(::mkdtemp(path.data()) != nullptr);
        descriptor const dir{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        ::rmdir(path.c_str());
        descriptor made;
        std::string temporary;
        error_code e = make_control_file(dir.get(), where(), traits(), made, temporary);
        if (!e)
            e = give_name(dir.get(), made.get(), temporary, "channel").error();
        BOOST_TEST(vanished(e), root << ": " << e.message());
    }
}

BOOST_AUTO_TEST_CASE(too_much_memory_is_refused_and_leaves_nothing)
{
    auto t = traits();
    t.size = std::uint64_t{1} << 50;
    BOOST_TEST((join(role::sender, t).error() == errc::out_of_memory));
    BOOST_TEST(!exists());
}

// The kernel would give 128 MiB of files in memory one page after the other, and kill processes in the end.
BOOST_AUTO_TEST_CASE(memory_that_the_host_does_not_have_is_not_asked_for)
{
    int const status = support::with_own_mounts({}, [] {
        std::string const said = "/dev/shm/strait-meminfo-" + std::to_string(::getpid());
        std::ofstream(said) << "MemTotal:       204800 kB\nMemAvailable:   102400 kB\n";
        bool const mounted = ::mount(said.c_str(), "/proc/meminfo", nullptr, MS_BIND, nullptr) == 0;
        ::unlink(said.c_str());
        descriptor const file(::memfd_create("strait-test", MFD_CLOEXEC));
        if (!mounted)
            return support::no_own_mounts;
        if (available_memory() != std::uint64_t{100} << 20)
            return 1;
        if (allocate(file.get(), std::uint64_t{128} << 20).error() != errc::out_of_memory)
            return 2;
        return allocate(file.get(), std::uint64_t{1} << 20) ? 0 : 3;
    });
    if (status == support::no_own_mounts)
        BOOST_TEST_MESSAGE("SKIPPED: no mounts are allowed here");
    else
        BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_CASE(the_limit_of_descriptors_is_told_and_passes)
{
    ::rlimit before = {};
    ::getrlimit(RLIMIT_NOFILE, &before);
    ::rlimit none = before;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
    auto const refused = join(role::sender);
    ::setrlimit(RLIMIT_NOFILE, &before);
    BOOST_TEST((refused.error() == errc::descriptor_limit));
    auto s = join(role::sender).value();
    leave(s);
    BOOST_TEST(!exists());
}

BOOST_AUTO_TEST_CASE(objects_are_private_whatever_the_umask)
{
    auto const before = ::umask(0777);
    auto s = join(role::sender);
    ::umask(before);
    BOOST_TEST_REQUIRE(s.has_value());
    struct ::stat found = {};
    ::stat(file().c_str(), &found);
    BOOST_TEST((found.st_mode & 07777) == 0600u);
    ::stat(support::channel_directory().c_str(), &found);
    BOOST_TEST((found.st_mode & 07777) == 0700u);
    leave(*s);
}

BOOST_AUTO_TEST_CASE(removing_under_living_ends_makes_room_for_a_new_channel)
{
    auto old = join(role::sender).value();
    BOOST_TEST(idle_membership::remove(name).has_value());
    auto fresh = join(role::sender, traits(7)).value();
    leave(old);  // must not take the new one along
    BOOST_TEST(exists());
    leave(fresh);
    BOOST_TEST(!exists());
}

BOOST_AUTO_TEST_CASE(a_stopped_holder_of_the_set_up_lock_costs_time_and_no_more)
{
    auto s = join(role::sender).value();
    support::shared_page page;
    support::child holder([&] {
        int const fd = ::open(file().c_str(), O_RDWR | O_CLOEXEC);
        page->stage = try_lock_byte(fd, lock_bytes::setup).has_value() ? 1 : 2;
        ::pause();
    });
    page->await(page->stage, 1);
    BOOST_TEST(page->stage.load() == 1u);
    auto const late = join(role::receiver);
    BOOST_TEST((late.error() == errc::timed_out));
    holder.kill();
    auto r = join(role::receiver).value();
    leave(r);
    leave(s);
    BOOST_TEST(!exists());
}

BOOST_AUTO_TEST_CASE(openers_that_race_end_in_one_channel)
{
    for (int round = support::rounds(30); round > 0; --round) {
        support::shared_page page;
        {
            std::vector<support::child> children;
            for (int i = 0; i < 4; ++i)
                children.emplace_back([&, i] {
                    page->await(page->proceed, 1);
                    auto c = join(i % 2 ? role::sender : role::receiver, traits(), 8).value();
                    c.block().mechanism[1].fetch_add(1);
                    page->done.fetch_add(1);
                    page->await(page->done, 4);
                    if (c.block().mechanism[1].load() != 4)
                        page->wrong.fetch_add(1);
                    leave(c);
                });
            page->proceed = 1;
            for (auto& c : children)
                BOOST_TEST(c.wait() == 0);
        }
        BOOST_TEST(page->wrong.load() == 0u);
        BOOST_TEST(!exists());
    }
}

// Kills at random moments of opening and leaving; whatever is left behind must not keep the next one from starting.
BOOST_AUTO_TEST_CASE(a_kill_while_opening_or_leaving_blocks_nobody)
{
    std::mt19937 random(20240607);
    for (int round = support::rounds(150); round > 0; --round) {
        support::shared_page page;
        support::child victim([&] {
            for (;;) {
                auto c = join(role::sender).value();
                page->done.fetch_add(1);
                leave(c);
            }
        });
        page->await(page->done, 1);
        ::timespec const pause{0, static_cast<long>(random() % 300'000)};
        ::nanosleep(&pause, nullptr);
        victim.kill();
        auto c = join(role::sender);
        BOOST_TEST_REQUIRE(c.has_value(), c.error().message());
        leave(*c);
        BOOST_TEST_REQUIRE(!exists());
    }
}

BOOST_AUTO_TEST_CASE(a_child_of_fork_holds_nothing_of_its_parents)
{
    auto s = join(role::sender).value();
    auto r = join(role::receiver).value();
    support::shared_page page;
    support::child bystander([&] {
        page->wrong = s.is_member() || s.missing() != errc::inherited_handle || s.block().magic != 0;
        leave(s);
        page->stage = 1;
        ::pause();
    });
    page->await(page->stage, 1);
    BOOST_TEST(page->wrong.load() == 0u);
    BOOST_TEST((r.senders_gone() == end_reason::none));
    leave(s);
    BOOST_TEST((r.senders_gone() == end_reason::left));  // though the child lives
    leave(r);
    BOOST_TEST(!exists());
}

static nameless_pair make_pair(std::uint64_t mirrored)
{
    nameless_pair p;
    BOOST_TEST_REQUIRE(!nameless_pair::make(fixture::traits(), mirrored, p));
    return p;
}

static participant take(nameless_pair p, role r)
{
    participant c;
    if (std::move(p).take(r, c))
        return {};
    c.count_in();
    return c;
}

static std::pair<participant, participant> split(nameless_pair p)
{
    participant s;
    participant r;
    BOOST_TEST_REQUIRE(!std::move(p).split(s, r));
    s.count_in();
    r.count_in();
    return {std::move(s), std::move(r)};
}

BOOST_AUTO_TEST_CASE(a_pair_waits_for_whoever_may_still_take_the_other_end)
{
    auto pair = make_pair(0);
    support::shared_page page;
    support::child taker([&] {
        page->await(page->proceed, 1);
        auto s = take(std::move(pair), role::sender);
        page->stage = 1;
        page->await(page->proceed, 2);
        s.leave_nameless();
        page->stage = 2;
        ::pause();
    });
    auto r = take(std::move(pair), role::receiver);
    BOOST_TEST((r.senders_gone() == end_reason::none));
    page->proceed = 1;
    page->await(page->stage, 1);
    BOOST_TEST((r.senders_gone() == end_reason::none));
    page->proceed = 2;
    page->await(page->stage, 2);
    BOOST_TEST((r.senders_gone() == end_reason::left));
}

BOOST_AUTO_TEST_CASE(a_pairs_holder_killed_before_it_took_its_end_counts_as_dead)
{
    auto pair = make_pair(0);
    support::child holder([&] { ::pause(); });
    auto r = take(std::move(pair), role::receiver);
    BOOST_TEST((r.senders_gone() == end_reason::none));
    holder.kill();
    BOOST_TEST((r.senders_gone() == end_reason::died));
}

BOOST_AUTO_TEST_CASE(a_pair_split_for_threads_is_one_mapping)
{
    auto [s, r] = split(make_pair(4096));
    BOOST_TEST(s.memory().get() == r.memory().get());
    BOOST_TEST((r.senders_gone() == end_reason::none));
    s.memory()->data()[4096 + 7] = std::byte{9};
    BOOST_TEST((s.memory()->data()[8192 + 7] == std::byte{9}));  // the mirror
    s.leave_nameless();
    BOOST_TEST((r.senders_gone() == end_reason::left));
}

BOOST_AUTO_TEST_CASE(a_mirrored_mapping_leaves_no_hole_behind)
{
    auto const before = support::open_descriptors();
    for (int i = 0; i < 100; ++i) {
        auto both = split(make_pair(4096));
        both.first.leave_nameless();
        both.second.leave_nameless();
    }
    BOOST_TEST(support::open_descriptors() == before);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace membership_membership
