// Distributed under the Boost Software License, Version 1.0.
#ifndef TOUR_LINE_HPP
#define TOUR_LINE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tour {

/// What travels: a line of a file, or a piece of a long one.
struct line {
    std::string file;        ///< its path below the directory
    std::uint64_t number{};  ///< from 1
    std::string text;        ///< any bytes, without the newline
    bool continued{};        ///< no newline follows: the next piece does, or the file ends here
};

/// Eight bytes of it, for a transport that carries no more (FNV-1a).
inline std::uint64_t digest(line const& l)
{
    std::uint64_t h = 0xcbf29ce484222325U;
    auto const add = [&h](char const* bytes, std::size_t size) {
        for (std::size_t i = 0; i != size; ++i)
            h = (h ^ static_cast<unsigned char>(bytes[i])) * 0x100000001b3U;
    };
    add(l.file.data(), l.file.size());
    add(reinterpret_cast<char const*>(&l.number), sizeof l.number);
    add(l.text.data(), l.text.size());
    return l.continued ? ~h : h;
}

// A FIFO takes 4,096 bytes a message, whole or not at all; so longer lines travel in pieces.
inline constexpr std::size_t longest_text = 2048;
inline constexpr std::size_t longest_path = 1500;

struct file {
    std::string path;
    std::string content;
};

/// Gives the lines of a file one after the other. An empty file has one piece, of no text.
class splitter {
public:
    explicit splitter(file const& f) : file_(f), rest_(f.content) {}

    bool next(line& l)
    {
        if (rest_.empty() && piece_ != 0)
            return false;
        auto const newline = rest_.substr(0, longest_text + 1).find('\n');
        l.continued = newline == rest_.npos;
        std::size_t const size = l.continued ? std::min(rest_.size(), longest_text) : newline;
        l.file = file_.path;
        l.number = number_;
        l.text = rest_.substr(0, size);
        rest_.remove_prefix(size + (l.continued ? 0 : 1));
        number_ += l.continued ? 0 : 1;
        ++piece_;
        return true;
    }

private:
    file const& file_;
    std::string_view rest_;
    std::uint64_t number_ = 1;
    std::uint64_t piece_ = 0;
};

}  // namespace tour

#endif
