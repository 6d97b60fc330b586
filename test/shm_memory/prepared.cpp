// Distributed under the Boost Software License, Version 1.0.

#include "rings.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <string>

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace shm_memory_prepared {

namespace {

using namespace memories;
using strait::huge_pages;
using strait::mapped_file;
using strait::posix_memory;
using strait::prefaulted;
using strait::sysv_memory;

constexpr std::uint64_t lap = 1024;  // messages of 4 KiB and a few bytes

struct large {
    std::uint64_t words[512];
};

// Page faults of this thread while it fills a ring that is open, from a fresh process.
template <class X>
std::uint64_t faults_of_the_first_round()
{
    std::string const where = support::unique_name();
    support::shared_page page;
    support::child one([&] {
        strait::channel_options const how{.capacity = lap};
        auto s = sender<X, large>(where, how).value();
        auto r = receiver<X, large>(where, how).value();
        large message{};
        auto const faults = [] {
            ::rusage u{};
            ::getrusage(RUSAGE_THREAD, &u);
            return static_cast<std::uint64_t>(u.ru_minflt + u.ru_majflt);
        };
        send(s, message).value();
        std::uint64_t const before = faults();
        for (std::uint64_t i = 1; i != lap; ++i)
            send(s, message).value();
        page->done = faults() - before;
        X::remove(where).value();
    });
    BOOST_TEST(one.wait() == 0);
    return page->done;
}

template <class Topology, class Memory>
void expect_no_faults()
{
    std::uint64_t const lazy = faults_of_the_first_round<ring<Topology, Memory>>();
    std::uint64_t const prepared = faults_of_the_first_round<ring<Topology, prefaulted<Memory>>>();
    std::cout << ring<Topology, prefaulted<Memory>>::guarantees.name << ": " << prepared << " page faults in the first round of " << lap
              << " pages, without it " << lazy << std::endl;
    BOOST_TEST(prepared < lap / 4);  // a sanitizer has shadows of these pages
    BOOST_TEST(lazy > lap / 2);
}

// What opening a ring of 32 MiB says in a process that locks what it maps and may lock 4 MiB. Privileged users have no such
// limit, so this is a user of its own.
template <class X>
strait::error_code why_none_when_memory_is_locked()
{
    constexpr ::uid_t user = 54330;
    support::shared_page page;
    support::child guest([&] {
        ::rlimit limit{};
        ::getrlimit(RLIMIT_MEMLOCK, &limit);
        limit.rlim_cur = std::min<::rlim_t>(limit.rlim_max, 4 << 20);
        if (support::sanitized || ::setrlimit(RLIMIT_MEMLOCK, &limit) != 0 || ::setgid(user) != 0 || ::setuid(user) != 0 || ::mlockall(MCL_FUTURE) != 0)
            return 77;
        auto const why = why_no_sender<X, large>(support::unique_name(), {.capacity = 8192});
        page->done = why.category() == strait::error_category() ? static_cast<std::uint64_t>(why.value()) : 0;
        return 0;
    });
    int const status = guest.wait();
    BOOST_TEST((status == 0 || status == 77));
    if (status == 77)
        std::cout << "SKIPPED: locking memory as another user is not allowed here" << std::endl;
    for (std::string const root : {"/dev/shm/", "/var/tmp/"})  // the failed opening made it, and has removed it
        BOOST_TEST(!std::filesystem::exists(root + "strait-" + std::to_string(user)));
    return status == 77 ? errc::locked_memory_limit : static_cast<errc>(page->done.load());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_memory_prepared, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(the_first_round_through_a_prefaulted_ring_takes_no_fault)
{
    expect_no_faults<strait::spsc, posix_memory>();
    expect_no_faults<strait::mpsc, posix_memory>();
    expect_no_faults<strait::spsc, sysv_memory>();
    expect_no_faults<strait::mpsc, sysv_memory>();
    expect_no_faults<strait::spsc, mapped_file>();
}

BOOST_AUTO_TEST_CASE(prefaulted_rings_are_those_of_their_memory)
{
    go_round_everywhere<prefaulted<posix_memory>>();
    go_round_everywhere<prefaulted<sysv_memory>>();
    go_round<ring<strait::mpsc, prefaulted<posix_memory>>, std::string>();
    go_round<ring<strait::mpsc, prefaulted<sysv_memory>>, std::string>();
    std::string const where = support::unique_name();
    auto s = sender<ring<strait::spsc, prefaulted<posix_memory>>, std::uint64_t>(where).value();
    auto r = receiver<strait::shm_ring<>, std::uint64_t>(where).value();
    BOOST_TEST(send(s, std::uint64_t{1}).has_value());
    BOOST_TEST((receive<std::uint64_t>(r) == 1U));
    auto [a, b] = raw::make_ends<std::string, ring<strait::spsc, prefaulted<posix_memory>>>();
    BOOST_TEST(send(a, std::string("pair")).has_value());
    BOOST_TEST((receive<std::string>(b) == std::string("pair")));
}

BOOST_AUTO_TEST_CASE(advice_on_huge_pages_changes_nothing_else)
{
    go_round_everywhere<huge_pages<posix_memory>>();
    go_round_everywhere<prefaulted<huge_pages<posix_memory>>>();
}

BOOST_AUTO_TEST_CASE(a_segment_of_huge_pages_is_made_or_their_lack_is_an_error)
{
    using huge = ring<strait::spsc, huge_pages<sysv_memory>>;
    std::string const where = support::unique_name();
    auto const lack = why_no_sender<huge, support::probe>(where);
    if (!lack) {
        go_round<huge, support::probe>();
        go_round<huge, std::string>();
        go_round<ring<lossless, prefaulted<huge_pages<sysv_memory>>>, std::string>();
    } else {
        std::cout << "this host has no huge pages to spare: only their lack was seen" << std::endl;
        BOOST_TEST((lack == errc::huge_page_limit));
    }
    BOOST_TEST(support::files_of(where).empty());
    BOOST_TEST(support::segments_left() == 0U);
}

BOOST_AUTO_TEST_CASE(a_limit_of_locked_memory_is_an_error_that_says_so)
{
    using strait::spsc;
    BOOST_TEST((why_none_when_memory_is_locked<ring<spsc, posix_memory>>() == errc::locked_memory_limit));
    BOOST_TEST((why_none_when_memory_is_locked<ring<spsc, mapped_file>>() == errc::locked_memory_limit));
    BOOST_TEST((why_none_when_memory_is_locked<ring<spsc, sysv_memory>>() == errc::locked_memory_limit));
    BOOST_TEST((why_none_when_memory_is_locked<ring<lossless, posix_memory>>() == errc::locked_memory_limit));
    BOOST_TEST((why_none_when_memory_is_locked<ring<strait::mpmc, posix_memory>>() == errc::locked_memory_limit));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace shm_memory_prepared
