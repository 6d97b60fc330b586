// Distributed under the Boost Software License, Version 1.0.
#ifndef TOUR_TRANSPORTS_HPP
#define TOUR_TRANSPORTS_HPP

#include "line.hpp"
#include "meter.hpp"
#include "rebuilt.hpp"
#include "sampled.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tour {

/// The two functions of stream.hpp over one transport.
struct mechanism {
    std::string_view name;
    bool within_a_process;  ///< both ends are threads of one process
    void (*produce)(std::string const& channel, std::vector<file> const& files);
    rebuilt (*consume)(std::string const& channel, meter& progress);
    void (*remove)(std::string const& channel);
    /// Instead of consume, if it may lose messages.
    sampled (*sample)(std::string const& channel, std::vector<file> originals, meter& progress) = nullptr;
    /// Instead of consume, if it carries digests only.
    void (*compare)(std::string const& channel, std::vector<file> const& originals, meter& progress) = nullptr;
};

std::span<mechanism const> mechanisms();

}  // namespace tour

#endif
