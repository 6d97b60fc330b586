// Distributed under the Boost Software License, Version 1.0.
#ifndef TOUR_CHILD_HPP
#define TOUR_CHILD_HPP

#include <string>
#include <vector>

#include <sys/types.h>

namespace tour {

/// This program, executed once more with other arguments. Its standard output is a pipe to us; it dies with us.
class child {
public:
    explicit child(std::vector<std::string> arguments);
    child(child const&) = delete;
    child& operator=(child const&) = delete;
    ~child();  // kills and reaps it if it still lives

    int output() const noexcept { return output_; }

    /// The complete lines that have come; never waits.
    std::vector<std::string> lines();

    /// Whether it has ended; then succeeded() and how_it_ended() tell how.
    bool ended();
    bool succeeded() const noexcept;
    std::string how_it_ended() const;

    void kill();
    bool killed_by_us() const noexcept { return killed_; }

private:
    pid_t pid_ = -1;
    int output_ = -1;
    int status_ = 0;
    bool ended_ = false;
    bool killed_ = false;
    std::string partial_;
};

}  // namespace tour

#endif
