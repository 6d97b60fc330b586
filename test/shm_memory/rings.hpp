// Distributed under the Boost Software License, Version 1.0.
#ifndef SHM_MEMORY_RINGS_HPP
#define SHM_MEMORY_RINGS_HPP

#include <rings/raw_ends.hpp>
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
#include <random>
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

// Ends at work, while somebody writes words of every magnitude all over what they share.
template <class X, class T>
void survive_scribblers(std::string const& root)
{
    support::shared_page page;
    for (int i = 0; i != support::rounds(4); ++i) {
        std::string const name = support::unique_name();
        page->stage = 0;
        support::child victim([&] {
            strait::channel_options const how{.capacity = 4096, .linger = std::chrono::milliseconds(50), .keep = true};
            for (int round = 0; round != support::rounds(20); ++round) {
                auto s = sender<X, T>(name, how);
                auto r = receiver<X, T>(name, how);
                page->stage = 1;
                for (std::uint64_t k = 0; k != 500; ++k) {
                    auto const until = k % 50 == 0 ? deadline::after(std::chrono::milliseconds(1)) : deadline::poll();
                    if (s)
                        (void)send(*s, support::make_message<T>(k, k), until);
                    if (r && k % 3 != 0)
                        (void)receive<T>(*r, until);
                }
            }
        });
        support::notes::await(page->stage, 1);
        support::child scribbler([&] {
            raw::segment const memory(name, root);
            std::mt19937_64 random(static_cast<unsigned>(i));
            std::size_t const from = i % 2 == 0 ? 0 : 4096;  // with the control block, and without
            for (std::size_t const end = memory.words() * 8;;) {
                bool const header = random() % 2 == 0;
                std::size_t const at = header ? from + random() % ((4608 - from) / 8) * 8 : 4096 + random() % ((end - 4096) / 8) * 8;
                memory.word(at).store(random() >> random() % 64, std::memory_order_relaxed);
            }
        });
        BOOST_TEST(victim.wait() == 0);
        scribbler.kill();
        BOOST_TEST(X::remove(name).has_value());
    }
}

}  // namespace memories

#endif
