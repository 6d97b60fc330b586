// Distributed under the Boost Software License, Version 1.0.
#ifndef TOUR_DISPLAY_HPP
#define TOUR_DISPLAY_HPP

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tour {

/// What came of one transport.
struct outcome {
    std::string_view transport;
    std::string verdict;
    bool verified = false;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::uint64_t nanoseconds = 0;
};

/// Progress on standard error: one line that is rewritten on a terminal, else a new line now and then.
class display {
public:
    display();

    void begin(std::string_view transport);
    void progress(std::uint64_t bytes, std::uint64_t total);
    void note(std::string_view text);
    void end();

private:
    using clock = std::chrono::steady_clock;

    std::string transport_;
    clock::time_point shown_;
    bool terminal_;
};

void print_table(std::vector<outcome> const& outcomes);

/// 1234567 as 1,234,567.
std::string grouped(std::uint64_t number);

}  // namespace tour

#endif
