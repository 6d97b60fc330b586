// Distributed under the Boost Software License, Version 1.0.
#ifndef SHM_MEMORY_RINGS_HPP
#define SHM_MEMORY_RINGS_HPP

#include <rings/raw_ends.hpp>
#include <rings/random_words.hpp>
#include <support/child.hpp>
#include <support/segments.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <strait/transport/huge_pages.hpp>
#include <strait/transport/mapped_file.hpp>
#include <strait/transport/prefaulted.hpp>
#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/sysv_memory.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>

// Rings in other memory than that of the host, without the typed facade.
namespace memories {

using raw::deadline;
using raw::errc;
using raw::receive;
using raw::send;

template <class Topology, class Memory>
using ring = strait::shm_ring<Topology, strait::adaptive, Memory>;

using lossy = strait::broadcast<strait::lossy>;
using lossless = strait::broadcast<strait::lossless>;

template <class X, class T>
auto sender(std::string const& where, strait::channel_options const& how = {})
{
    return raw::sender<T, X>::open(where, how, "test");
}
template <class X, class T>
auto receiver(std::string const& where, strait::channel_options const& how = {})
{
    return raw::receiver<T, X>::open(where, how, "test");
}

template <class X, class T>
strait::error_code why_no_sender(std::string const& where, strait::channel_options const& how = {})
{
    auto const s = sender<X, T>(where, how);
    return s ? strait::error_code() : s.error();
}

// A sender that has sent so many messages and left.
template <class X, class T>
void leave_behind(std::string const& where, std::uint64_t count, strait::channel_options const& how = {})
{
    auto s = sender<X, T>(where, how).value();
    for (std::uint64_t i = 0; i != count; ++i)
        send(s, support::make_message<T>(i, 7)).value();
}

// How many of these messages are there, in order; the first wrong one ends it.
template <class X, class T>
std::uint64_t found(std::string const& where)
{
    auto r = receiver<X, T>(where).value();
    std::uint64_t n = 0;
    for (auto m = receive<T>(r, deadline::poll()); m && *m == support::make_message<T>(n, 7); m = receive<T>(r, deadline::poll()))
        ++n;
    return n;
}

// Through a ring that is small, several times round its end.
template <class X, class T>
void go_round()
{
    std::string const where = support::unique_name();
    strait::channel_options const small{.capacity = std::is_same_v<T, std::string> ? 4096U : 16U};
    auto r = receiver<X, T>(where, small).value();
    auto s = sender<X, T>(where, small).value();
    for (std::uint64_t i = 0; i != 500; ++i) {
        BOOST_TEST_REQUIRE(send(s, support::make_message<T>(i, 7)).has_value());
        BOOST_TEST_REQUIRE((receive<T>(r) == support::make_message<T>(i, 7)));
    }
}

template <class Memory>
void go_round_everywhere()
{
    go_round<ring<strait::spsc, Memory>, support::probe>();
    go_round<ring<strait::spsc, Memory>, std::string>();
    go_round<ring<strait::mpmc, Memory>, std::string>();
    go_round<ring<lossy, Memory>, support::probe>();
    go_round<ring<lossy, Memory>, std::string>();
    go_round<ring<lossless, Memory>, std::string>();
}

// A directory of our own.
class directory {
public:
    directory()
    {
        char name[] = "/var/tmp/strait-test-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    directory(directory const&) = delete;
    directory& operator=(directory const&) = delete;
    ~directory() { std::filesystem::remove_all(path_); }
    std::string const& path() const noexcept { return path_; }
    std::string operator/(std::string const& name) const { return path_ + '/' + name; }

private:
    std::string path_;
};

// Rings of those memories into which random words are written.
using line_in_file = ring<strait::spsc, strait::mapped_file>;
using lanes_in_file = ring<strait::mpsc, strait::mapped_file>;
using line_in_segment = ring<strait::spsc, strait::sysv_memory>;
using lanes_in_segment = ring<strait::mpsc, strait::sysv_memory>;

}  // namespace memories

namespace rings {

template <>
std::span<maker const> makers<memories::line_in_file>();
template <>
std::span<maker const> makers<memories::lanes_in_file>();
template <>
std::span<maker const> makers<memories::line_in_segment>();
template <>
std::span<maker const> makers<memories::lanes_in_segment>();

}  // namespace rings

#endif
