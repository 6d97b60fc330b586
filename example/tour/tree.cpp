// Distributed under the Boost Software License, Version 1.0.
#include "tree.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <openssl/evp.h>

namespace tour {
namespace {

using digest = std::array<unsigned char, 32>;

digest sha256(std::string_view bytes)
{
    digest d;
    if (EVP_Digest(bytes.data(), bytes.size(), d.data(), nullptr, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("libcrypto has no SHA-256");
    return d;
}

std::string read(std::filesystem::path const& path, std::uintmax_t size)
{
    std::ifstream in(path, std::ios::binary);
    std::string content(static_cast<std::size_t>(size), '\0');
    in.read(content.data(), static_cast<std::streamsize>(size));
    if (!in || in.peek() != std::ifstream::traits_type::eof())
        throw std::runtime_error(path.string() + " cannot be read, or changes");
    return content;
}

template <class F>
void for_each_file(std::filesystem::path const& directory, F f)
{
    for (auto const& entry : std::filesystem::recursive_directory_iterator(directory)) {
        if (!entry.is_regular_file())
            continue;
        std::string path = entry.path().lexically_relative(directory).string();
        if (path.size() > longest_path)
            throw std::runtime_error(path + ": a path may have " + std::to_string(longest_path) + " bytes here");
        f(file{std::move(path), read(entry.path(), entry.file_size())});
    }
}

}  // namespace

std::vector<file> load(std::filesystem::path const& directory)
{
    std::vector<file> files;
    for_each_file(directory, [&](file f) { files.push_back(std::move(f)); });
    std::sort(files.begin(), files.end(), [](file const& a, file const& b) { return a.path < b.path; });
    return files;
}

std::vector<std::string> differences(rebuilt const& copies, std::filesystem::path const& directory)
{
    std::vector<std::string> found;
    std::set<std::string> originals;
    for_each_file(directory, [&](file const& original) {
        originals.insert(original.path);
        auto const copy = copies.files().find(original.path);
        if (copy == copies.files().end())
            found.push_back("missing: " + original.path);
        else if (sha256(copy->second.content) != sha256(original.content))
            found.push_back("differs: " + original.path);
    });
    for (auto const& [path, copy] : copies.files())
        if (!originals.contains(path))
            found.push_back("additional: " + path);
    return found;
}

}  // namespace tour
