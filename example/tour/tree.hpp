// Distributed under the Boost Software License, Version 1.0.
#ifndef TOUR_TREE_HPP
#define TOUR_TREE_HPP

#include "line.hpp"
#include "rebuilt.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace tour {

/// Every regular file below a directory, sorted by path. Throws when one cannot be read.
std::vector<file> load(std::filesystem::path const& directory);

/// What is not as it should be, one sentence for each file: missing, additional, or of another SHA-256 than the
/// original, which is read here once more, file by file.
std::vector<std::string> differences(rebuilt const& copies, std::filesystem::path const& directory);

}  // namespace tour

#endif
