// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_WATCHDOG_HPP
#define SUPPORT_WATCHDOG_HPP

#include <cstdlib>

#include <unistd.h>

namespace support {

/// How often a randomised test repeats itself: many times more with STRAIT_LONG=1 in the environment.
inline int rounds(int usual)
{
    char const* const wanted = std::getenv("STRAIT_LONG");
    return wanted && *wanted == '1' ? usual * 20 : usual;
}

/// Ends the process by SIGALRM when a test hangs. It bounds hangs only: no test asserts how long something takes;
/// where tests repeat themselves many times more, as many times as patient. A child of fork() has no alarm until it makes
/// a watchdog of its own.
class watchdog {
public:
    static constexpr int patience = 240;

    explicit watchdog(int seconds = patience) { ::alarm(static_cast<unsigned>(rounds(seconds))); }
    watchdog(watchdog const&) = delete;
    watchdog& operator=(watchdog const&) = delete;
    ~watchdog() { ::alarm(0); }
};

/// Under AddressSanitizer a process takes so much longer to begin that tests which begin thousands take a sample.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

}  // namespace support

#endif
