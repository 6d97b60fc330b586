// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>
#include <support/own_mounts.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <sys/mount.h>
#include <unistd.h>

// One place on the host has many paths.
namespace conformance {
namespace {

// 0, or the number of the step that went wrong.
int step_that_fails(subject const& x, std::string const& one, std::string const& other, std::string const& third)
{
    {
        receiver in{x, one};
        sender out{x, other};
        out.send(make_probe(1));
        if (in.receive() != make_probe(1))
            return 1;
        (void)out.close();
        if (in.receive() || in.end_reason() != strait::end_reason::left)
            return 2;
    }
    if (x.guarantees.retained) {
        sender{x, one}.send(make_probe(2));
        if (receiver{x, other}.receive() != make_probe(2))
            return 3;
        sender{x, other}.send(make_probe(3));
        if (!x.probes.remove(third) || code(receiver{x, one}.try_receive()) != errc::empty)
            return 4;
    }
    return 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spellings)

CONFORMANCE_CASE(all_paths_to_a_directory_lead_to_one_channel, x, any_named)
{
    if (x.takes_paths()) {
        char name[] = "/tmp/strait-test-XXXXXX";
        BOOST_REQUIRE(::mkdtemp(name));
        std::string const base = name;
        std::filesystem::create_directories(base + "/real");
        std::filesystem::create_directories(base + "/bound");
        std::filesystem::create_directory_symlink(base + "/real", base + "/link");
        std::array<std::string, 4> const paths{base + "/real/channel", base + "/link/channel", base + "//real/channel",
                                               base + "/./real/../real/channel"};
        for (std::size_t i = 0; i != paths.size(); ++i)
            BOOST_CHECK_EQUAL(step_that_fails(x, paths[i], paths[(i + 1) % paths.size()], paths[(i + 2) % paths.size()]), 0);
        int const status = support::with_own_mounts({}, [&] {
            if (::mount((base + "/real").c_str(), (base + "/bound").c_str(), nullptr, MS_BIND, nullptr) != 0)
                return support::no_own_mounts;
            return step_that_fails(x, paths[0], base + "/bound/channel", paths[1]);
        });
        if (status == support::no_own_mounts)
            BOOST_TEST_MESSAGE("SKIPPED: no mounts of our own are allowed here");
        else
            BOOST_CHECK_EQUAL(status, 0);
        BOOST_CHECK(std::filesystem::is_empty(base + "/real"));
        std::filesystem::remove_all(base);
    }
}

// What a program does that becomes another user, or enters a chroot, once it has its channels.
CONFORMANCE_CASE(an_end_that_has_entered_a_chroot_still_removes_its_channel, x, any_named)
{
    if (x.takes_paths() && ::geteuid() == 0) {
        char name[] = "/tmp/strait-test-XXXXXX";
        BOOST_REQUIRE(::mkdtemp(name));
        std::string const base = name;
        constexpr uid_t user = 54321;
        std::filesystem::create_directories(base + "/closed/channels");
        BOOST_REQUIRE_EQUAL(::chown((base + "/closed/channels").c_str(), user, user), 0);
        BOOST_REQUIRE_EQUAL(::chmod((base + "/closed").c_str(), 0700), 0);
        auto shared = x.options;
        shared.access = strait::access_mode::everyone;
        support::child apart([&] {
            std::string const where = base + "/closed/channels/channel";
            receiver in{x, where, shared};
            sender out{x, where, shared};
            out.send(make_probe(1));
            if (in.receive() != make_probe(1))
                return 1;
            if (::chroot(name) != 0 || ::chdir("/") != 0 || ::setgid(user) != 0 || ::setuid(user) != 0)
                return 2;
            (void)out.close();
            return 0;
        });
        BOOST_CHECK_EQUAL(apart.wait(), 0);
        // Only the user who made a queue or a segment can remove it.
        bool const stays = x.name.find("mqueue") != std::string::npos || x.name.find("sysv") != std::string::npos;
        BOOST_CHECK_EQUAL(std::filesystem::is_empty(base + "/closed/channels"), !stays);
        BOOST_CHECK(x.probes.remove(base + "/closed/channels/channel"));
        BOOST_CHECK(std::filesystem::is_empty(base + "/closed/channels"));
        std::filesystem::remove_all(base);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
