// Distributed under the Boost Software License, Version 1.0.
#include "display.hpp"

#include <cstdio>

#include <unistd.h>

namespace tour {

display::display() : terminal_(isatty(STDERR_FILENO) == 1) {}

void display::begin(std::string_view transport)
{
    transport_ = transport;
    shown_ = clock::now();
    if (terminal_)
        std::fprintf(stderr, "\r\033[K  %s ...", transport_.c_str());
    else
        std::fprintf(stderr, "%s ...\n", transport_.c_str());
}

void display::progress(std::uint64_t bytes, std::uint64_t total)
{
    auto const now = clock::now();
    if (now - shown_ < (terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(5000)))
        return;
    shown_ = now;
    int const percent =
        total == 0 ? 100 : static_cast<int>(100.0 * static_cast<double>(bytes) / static_cast<double>(total));
    if (terminal_)
        std::fprintf(stderr, "\r\033[K  %-12s %3d %%  [%-50.*s]", transport_.c_str(), percent, percent / 2,
                     "##################################################");
    else
        std::fprintf(stderr, "%s %d %%\n", transport_.c_str(), percent);
}

void display::note(std::string_view text)
{
    std::fprintf(stderr, "%s%s: %.*s\n", terminal_ ? "\r\033[K" : "", transport_.c_str(), static_cast<int>(text.size()),
                 text.data());
}

void display::end()
{
    if (terminal_)
        std::fputs("\r\033[K", stderr);
}

std::string grouped(std::uint64_t number)
{
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3;)
        digits.insert(at -= 3, 1, ',');
    return digits;
}

void print_table(std::vector<outcome> const& outcomes)
{
    std::printf("%-22s %12s %9s %12s  %s\n", "transport", "messages", "MB/s", "ns/message", "verified");
    for (outcome const& o : outcomes) {
        auto const name = static_cast<int>(o.transport.size());
        if (o.messages == 0 || o.nanoseconds == 0) {
            std::printf("%-22.*s %12s %9s %12s  %s\n", name, o.transport.data(), "-", "-", "-", o.verdict.c_str());
            continue;
        }
        double const seconds = static_cast<double>(o.nanoseconds) / 1e9;
        std::printf("%-22.*s %12s %9.1f %12.0f  %s\n", name, o.transport.data(), grouped(o.messages).c_str(),
                    static_cast<double>(o.bytes) / 1e6 / seconds,
                    static_cast<double>(o.nanoseconds) / static_cast<double>(o.messages), o.verdict.c_str());
    }
}

}  // namespace tour
