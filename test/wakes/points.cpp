// Distributed under the Boost Software License, Version 1.0.

#include "fibers.hpp"
#include "points.hpp"

#include <support/messages.hpp>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <ctime>

#include <dlfcn.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr std::int64_t usual_slice = 60'000'000;     // nanoseconds, and a little more
constexpr std::int64_t long_slice = 3'000'000'000;

std::atomic<std::uint64_t> all_missed{0};
std::atomic<std::uint64_t> seeds{0};

thread_local std::uint64_t fences_made = 0;
thread_local bool ran_out = false;  // a long slice, and nothing has been looked for in vain since
thread_local std::uint64_t dice = 0;

bool is_ours(int operation) noexcept { return operation == FUTEX_WAIT_BITSET; }  // the C++ library's are private ones

std::int64_t now() noexcept
{
    ::timespec t;
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * std::int64_t{1'000'000'000} + t.tv_nsec;
}

}  // namespace

void wakes::passed(std::string_view point) noexcept
{
    if (auto* const all = fibers::active())
        return all->point();
    if (point == "wait: looked in vain")
        ran_out = false;
    if (dice == 0)
        dice = support::mixed(seeds.fetch_add(1));
    dice = support::mixed(dice);
    if (dice % 16 == 0)
        stay(dice / 16, 60'000);
    else if (dice % 2 == 0)
        stay(dice / 16, 2'000);
}

void wakes::stay(std::uint64_t random, std::uint64_t longest) noexcept
{
    auto const time = static_cast<std::int64_t>(random % longest);
    if (time > 20'000) {
        ::timespec const t{0, static_cast<long>(time)};
        ::nanosleep(&t, nullptr);
    } else {
        for (std::int64_t const end = now() + time; now() < end;) {}
    }
}

std::uint64_t wakes::missed() noexcept { return all_missed; }
std::uint64_t wakes::fences() noexcept { return fences_made; }

void wakes::note() noexcept
{
    if (ran_out)
        ++all_missed;
    ran_out = false;
}

void wakes::begin(std::uint64_t seed) noexcept
{
    all_missed = 0;
    seeds = seed << 32;
}

/// Instead of that of the C library, by which the library reaches futex(2). Like that one it reads six arguments, also where
/// the caller gave fewer; they are passed on and not looked at, so that AddressSanitizer has to leave this function alone.
extern "C" __attribute__((no_sanitize("address"))) long syscall(long number, ...) noexcept
{
    using function = long (*)(long, ...);
    static auto const real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "syscall"));
    long a[6];
    va_list rest;
    va_start(rest, number);
    for (long& each : a)
        each = va_arg(rest, long);
    va_end(rest);
    if (auto* const all = wakes::fibers::active(); all && number == SYS_futex) {
        int const operation = static_cast<int>(a[1]);
        if (operation == FUTEX_WAKE) {
            all->wake();
            return 0;
        }
        if (is_ours(operation)) {
            if (all->sleep(reinterpret_cast<std::uint32_t const*>(a[0]), static_cast<std::uint32_t>(a[2])))
                return 0;
            errno = EAGAIN;
            return -1;
        }
    }
    ::timespec until;
    bool const longer = number == SYS_futex && is_ours(static_cast<int>(a[1])) && a[3] != 0 && all_missed == 0;
    if (longer) {
        auto const& asked = *reinterpret_cast<::timespec const*>(a[3]);
        std::int64_t const left = asked.tv_sec * std::int64_t{1'000'000'000} + asked.tv_nsec - now();
        if (left > usual_slice)
            return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        std::int64_t const later = now() + long_slice;
        until = {later / 1'000'000'000, later % 1'000'000'000};
        a[3] = reinterpret_cast<long>(&until);
    }
    if (number == SYS_membarrier)
        ++fences_made;
    long const done = real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (longer && done != 0 && errno == ETIMEDOUT)
        ran_out = true;
    return done;
}
