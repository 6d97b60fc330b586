// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>
#include <support/child.hpp>
#include <support/shared_page.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace conformance {

// A directory of our own, for paths; nobody else can write into it.
class directory {
public:
    directory()
    {
        char name[] = "/tmp/strait-test-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    directory(directory const&) = delete;
    directory& operator=(directory const&) = delete;
    ~directory() { std::filesystem::remove_all(path_); }
    std::string operator/(std::string const& name) const { return path_ + '/' + name; }

private:
    std::string path_;
};

namespace {

using support::child;
using support::notes;
using support::shared_page;

struct stat status_of(std::string const& path)
{
    struct stat found = {};
    BOOST_CHECK_EQUAL(::lstat(path.c_str(), &found), 0);
    return found;
}

// What open says of a channel whose files have been changed by `damage`. An end of the channel lives meanwhile, so it is
// not simply replaced.
template <class Damage>
strait::error_code after(subject const& x, Damage damage)
{
    auto const where = x.where();
    support::held_directory const held(x.directory());
    receiver in{x, where};
    auto const files = support::files_of(where.text());
    BOOST_REQUIRE(!files.empty());
    for (auto const& file : files)
        damage(file);
    auto const told = code(sender::open(x, where));
    (void)in.close();
    (void)x.probes.remove(where);
    for (auto const& file : support::files_of(where.text()))
        std::filesystem::remove_all(file);
    for (auto const& s : support::segments())  // of which a file told that is not there any more
        if (support::has_own_ipc)
            ::shmctl(s.id, IPC_RMID, nullptr);
    return told;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(trust)

CONFORMANCE_CASE(objects_are_private_to_their_owner, x, any_named)
{
    if (x.has_objects()) {
        auto const loose = ::umask(0);
        auto const where = x.where();
        receiver in{x, where};
        sender out{x, where};
        ::umask(loose);
        exchange_one(out, in);
        auto const dir = status_of(x.directory());
        BOOST_CHECK_EQUAL(dir.st_mode & 07777, 0700U);
        BOOST_CHECK_EQUAL(dir.st_uid, ::geteuid());
        auto const files = support::files_of(where.text());
        BOOST_CHECK(!files.empty());
        for (auto const& file : files) {
            BOOST_CHECK_EQUAL(status_of(file).st_mode & 07777, 0600U);
            BOOST_CHECK_EQUAL(status_of(file).st_uid, ::geteuid());
        }
    }
}

CONFORMANCE_CASE(a_tight_umask_takes_nothing_from_the_modes, x, any_named)
{
    if (x.takes_paths()) {
        directory const d;
        auto const tight = ::umask(0777);
        auto shared = x.options;
        shared.access = strait::access_mode::group;
        auto in = receiver::open(x, d / "channel", shared);
        auto out = sender::open(x, d / "channel", shared);
        ::umask(tight);
        BOOST_REQUIRE_EQUAL(code(in), strait::error_code());
        BOOST_REQUIRE_EQUAL(code(out), strait::error_code());
        exchange_one(*out, *in);
        for (auto const& entry : std::filesystem::directory_iterator(d / ""))
            BOOST_CHECK_EQUAL(status_of(entry.path()).st_mode & 07777, 0660U);
    }
}

CONFORMANCE_CASE(the_environment_moves_nothing, x, any_named)
{
    if (x.has_objects()) {
        for (char const* const variable : {"HOME", "TMPDIR", "XDG_RUNTIME_DIR", "USER"})
            ::setenv(variable, "/nonexistent", 1);
        auto const where = x.where();
        receiver in{x, where};
        BOOST_CHECK(!support::files_of(where.text()).empty());
    }
}

CONFORMANCE_CASE(a_path_is_a_channel_too, x, any_named)
{
    if (x.takes_paths()) {
        directory const d;
        {
            strait::endpoint const where(d / "channel");
            receiver in{x, where};
            sender out{x, where};
            exchange_one(out, in);
        }
        BOOST_CHECK(std::filesystem::is_empty(d / ""));
    }
}

CONFORMANCE_CASE(wider_modes_are_refused, x, any_named)
{
    if (x.has_objects()) {
        BOOST_CHECK_EQUAL(after(x, [](std::string const& file) { ::chmod(file.c_str(), 0666); }), errc::untrusted_object);
        BOOST_CHECK_EQUAL(after(x, [](std::string const& file) { ::chmod(file.c_str(), 0640); }), errc::untrusted_object);
        BOOST_CHECK_EQUAL(after(x, [](std::string const& file) { ::chmod(file.c_str(), 04600); }), errc::untrusted_object);
    }
}

CONFORMANCE_CASE(a_symbolic_link_is_refused, x, any_named)
{
    if (x.has_objects())
        BOOST_CHECK_EQUAL(after(x, [](std::string const& file) {
            std::filesystem::rename(file, file + ".moved");
            std::filesystem::create_symlink(file + ".moved", file);
        }), errc::untrusted_object);
}

CONFORMANCE_CASE(a_second_name_is_refused, x, any_named)
{
    if (x.has_objects())
        BOOST_CHECK_EQUAL(after(x, [](std::string const& file) {
            std::filesystem::create_hard_link(file, file + ".second");
        }), errc::untrusted_object);
}

CONFORMANCE_CASE(an_object_of_another_kind_is_refused, x, any_named)
{
    if (x.has_objects()) {
        for (mode_t const kind : {mode_t{S_IFIFO}, mode_t{S_IFSOCK}, mode_t{S_IFDIR}})
            BOOST_CHECK_EQUAL(after(x, [&](std::string const& file) {
                std::filesystem::remove(file);
                if (kind == S_IFDIR)
                    ::mkdir(file.c_str(), 0600);
                else
                    ::mknod(file.c_str(), kind | 0600, 0);
            }), errc::untrusted_object);
    }
}

CONFORMANCE_CASE(a_file_with_foreign_content_is_refused_or_replaced, x, any_named)
{
    if (x.has_objects()) {
        auto const where = x.where();
        support::held_directory const held(x.directory());
        std::string const planted = x.directory() + '/' + where.text() + ".channel";
        { std::ofstream(planted) << std::string(8192, 'x'); }
        ::chmod(planted.c_str(), 0600);
        auto const told = code(receiver::open(x, where));
        BOOST_CHECK(told == errc::untrusted_object || told == errc::peer_corrupt);
        BOOST_CHECK(x.probes.remove(where));
        receiver in{x, where};
        sender out{x, where};
        exchange_one(out, in);
    }
}

CONFORMANCE_CASE(a_directory_that_others_can_write_to_is_refused, x, any_named)
{
    if (x.takes_paths()) {
        directory const d;
        ::chmod((d / "").c_str(), 0777);
        BOOST_CHECK_EQUAL(code(receiver::open(x, d / "channel")), errc::untrusted_directory);
        ::chmod((d / "").c_str(), 0700);
        BOOST_CHECK(receiver::open(x, d / "channel"));
    }
}

CONFORMANCE_CASE(an_object_of_another_user_is_refused, x, any_named)
{
    if (x.has_objects()) {
        if (::geteuid() != 0)
            return;  // only root can make such objects
        BOOST_CHECK_EQUAL(after(x, [](std::string const& file) {
            BOOST_CHECK_EQUAL(::lchown(file.c_str(), 65534, 65534), 0);
        }), errc::untrusted_object);
        // Their directory under our name, made by somebody who came first.
        constexpr uid_t somebody = 54321;
        std::string const squatted =
            std::filesystem::path(x.directory()).parent_path() / ("strait-" + std::to_string(somebody));
        for (auto const& [owner, mode] : {std::pair<uid_t, mode_t>{65534, 0700}, {65534, 0777}, {somebody, 0777}, {somebody, 0750}}) {
            ::mkdir(squatted.c_str(), mode);
            ::chmod(squatted.c_str(), mode);
            BOOST_CHECK_EQUAL(::chown(squatted.c_str(), owner, 0), 0);
            child victim([&] {
                if (::setgid(somebody) != 0 || ::setuid(somebody) != 0)
                    return 1;
                auto const told = code(receiver::open(x, "name"));
                return told == errc::untrusted_directory ? 0 : 2;
            });
            BOOST_CHECK_EQUAL(victim.wait(), 0);
            ::rmdir(squatted.c_str());
        }
        ::symlink("/tmp", squatted.c_str());
        child victim([&] {
            if (::setgid(somebody) != 0 || ::setuid(somebody) != 0)
                return 1;
            return code(receiver::open(x, "name")) == errc::untrusted_directory ? 0 : 2;
        });
        BOOST_CHECK_EQUAL(victim.wait(), 0);
        ::unlink(squatted.c_str());
    }
}

CONFORMANCE_CASE(users_of_one_group_can_share_a_path, x, any_size)
{
    if (x.takes_paths()) {
        if (::geteuid() != 0)
            return;
        directory const d;
        ::chmod((d / "").c_str(), 0770);
        ::chown((d / "").c_str(), 0, 54321);
        auto shared = x.options;
        shared.access = strait::access_mode::everyone;
        receiver in{x, d / "channel", shared};
        child producer([&] {
            if (::setgid(54321) != 0 || ::setuid(54321) != 0)
                return 1;
            sender out{x, d / "channel", shared};
            out.send(make_probe(1));
            return 0;
        });
        BOOST_CHECK(in.receive() == make_probe(1));
        BOOST_CHECK_EQUAL(producer.wait(), 0);
        in.close().value();
        (void)x.probes.remove(d / "channel");
    }
}

// Such a directory gives its group to the files in it: Kubernetes makes one for a volume of a pod with an fsGroup.
CONFORMANCE_CASE(a_set_group_id_directory_gives_its_group_to_every_object, x, any_size)
{
    if (x.takes_paths()) {
        if (::geteuid() != 0)
            return;
        constexpr gid_t group = 54321;
        directory const d;
        BOOST_REQUIRE_EQUAL(::chown((d / "").c_str(), 0, group), 0);
        BOOST_REQUIRE_EQUAL(::chmod((d / "").c_str(), 02770), 0);
        auto shared = x.options;
        shared.access = strait::access_mode::group;
        auto const as = [group](uid_t user) { return ::setgroups(1, &group) == 0 && ::setgid(user) == 0 && ::setuid(user) == 0; };
        support::shared_page page;
        child consumer([&] {
            if (!as(54322))
                return 1;
            receiver in{x, d / "channel", shared};
            page->stage = 1;
            return in.receive() == make_probe(1) && !in.receive() ? 0 : 2;
        });
        page->await(page->stage, 1);
        child producer([&] {
            if (!as(54323))
                return 1;
            sender out{x, d / "channel", shared};
            out.send(make_probe(1));
            return 0;
        });
        BOOST_CHECK_EQUAL(producer.wait(), 0);
        if (producer.wait() != 0)
            consumer.kill();  // it would wait for another sender
        BOOST_CHECK_EQUAL(consumer.wait(), 0);
        (void)x.probes.remove(d / "channel");
    }
}

// As in /tmp: only the user who made a file there may remove it. That user leaves first, and the channel stays; both users
// must be able to open it again and again.
CONFORMANCE_CASE(two_users_share_a_path_in_a_sticky_directory_whichever_leaves_last, x, any_size)
{
    if (!x.takes_paths() || ::geteuid() != 0)
        return;
    constexpr uid_t maker = 54321;
    constexpr uid_t other = 54322;
    directory const d;
    ::chmod((d / "").c_str(), 01777);
    auto const where = d / "channel";
    auto shared = x.options;
    shared.access = strait::access_mode::everyone;
    shared_page page;
    auto const as = [](uid_t user, auto body) {
        return child([=] {
            bool const became = ::setgroups(0, nullptr) == 0 && ::setresgid(user, user, user) == 0 && ::setresuid(user, user, user) == 0;
            return became ? body() : 98;
        });
    };
    auto const live_twice = [&x, where, shared] {
        for (std::uint64_t life = 0; life != 2; ++life) {
            receiver in{x, where, shared};
            sender out{x, where, shared};
            out.send(make_probe(life));
            if (in.receive() != make_probe(life))
                return 1;
        }
        return 0;
    };
    auto making = as(maker, [&] {
        receiver in{x, where, shared};
        page->stage = 1;
        return in.receive() == make_probe(7) ? 0 : 1;
    });
    notes::await(page->stage, 1);
    auto joining = as(other, [&] {
        sender out{x, where, shared};
        out.send(make_probe(7));
        notes::await(page->proceed, 1);
        (void)out.close();
        return 0;
    });
    BOOST_CHECK_EQUAL(making.wait(), 0);
    page->proceed = 1;
    BOOST_CHECK_EQUAL(joining.wait(), 0);
    BOOST_CHECK_EQUAL(as(other, live_twice).wait(), 0);
    auto refused = as(other, [&] {
        return code(text_receiver::open(x, where, shared)) == errc::foreign_object && code(x.probes.remove(where)) == errc::foreign_object ? 0 : 1;
    });
    BOOST_CHECK_EQUAL(refused.wait(), 0);
    BOOST_CHECK_EQUAL(as(maker, live_twice).wait(), 0);
    BOOST_CHECK(std::filesystem::is_empty((d / "").c_str()));
}

// Containers often share a directory and nothing else. A sender in another name space either meets the receiver, or is told
// why not, and then ends no stream.
CONFORMANCE_CASE(a_sender_in_another_container_is_met_or_told_what_it_lacks, x, any_named)
{
    if (!x.has_objects())
        return;
    enum outcome { met, told, skipped, neither };
    int refusals = 0;
    for (int const space : {CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET})
        BOOST_TEST_CONTEXT(space)
        {
            auto const where = x.where();
            receiver in{x, where};
            child elsewhere([&] {
                if (::unshare(space) != 0)
                    return skipped;
                pid_t const inside = ::fork();  // only a child is in a new name space of processes
                if (inside == 0) {
                    auto out = sender::open(x, where);
                    if (!out)
                        ::_exit(out.error() == errc::other_kernel_space ? told : neither);
                    out->send(make_probe(5));
                    (void)out->close();
                    ::_exit(met);
                }
                int status = 0;
                while (::waitpid(inside, &status, 0) != inside) {}
                return WIFEXITED(status) ? static_cast<outcome>(WEXITSTATUS(status)) : neither;
            });
            int const how = elsewhere.wait();
            BOOST_CHECK_NE(how, neither);
            if (how == met)
                BOOST_CHECK(in.receive() == make_probe(5));
            else
                BOOST_CHECK_EQUAL(code(in.receive_for(1ms)), errc::timed_out);
            if (how == skipped)
                BOOST_TEST_MESSAGE("SKIPPED: no name space of this kind can be made here");
            refusals += how == told ? 1 : 0;
        }
    BOOST_CHECK_LE(refusals, 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
