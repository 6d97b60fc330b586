// Distributed under the Boost Software License, Version 1.0.
#ifndef TOUR_SAMPLED_HPP
#define TOUR_SAMPLED_HPP

#include "line.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace tour {

/// What a transport that may lose messages has brought: looks up each line in the files that it must come from, which the
/// producer sends in the same order, and counts those between.
class sampled {
public:
    explicit sampled(std::vector<file> originals) : files_(std::move(originals)) { begin(0); }

    void add(line const& l)
    {
        std::size_t found = at_;
        while (found != files_.size() && files_[found].path != l.file)
            ++found;
        if (found == files_.size()) {
            ++strange_;
            return;
        }
        while (at_ != found)
            leave_file();
        std::uint64_t between = 0;
        for (splitter ahead = *lines_; ahead.next(next_); ++between)
            if (next_.number == l.number && next_.continued == l.continued && next_.text == l.text) {
                lost_ += between;
                lines_.emplace(ahead);
                return;
            }
        ++strange_;
    }

    /// The stream is over; so many gaps has the receiver counted.
    void finish(std::uint64_t counted)
    {
        counted_ = counted;
        while (at_ != files_.size())
            leave_file();
    }

    std::uint64_t lost() const noexcept { return lost_; }
    std::uint64_t counted() const noexcept { return counted_; }
    std::uint64_t strange() const noexcept { return strange_; }  ///< in none of the files, or not in their order

private:
    void begin(std::size_t file)
    {
        at_ = file;
        if (at_ != files_.size())
            lines_.emplace(files_[at_]);
    }

    void leave_file()
    {
        while (lines_->next(next_))
            ++lost_;
        begin(at_ + 1);
    }

    std::vector<file> files_;
    std::size_t at_ = 0;
    std::optional<splitter> lines_;
    line next_;
    std::uint64_t lost_ = 0;
    std::uint64_t counted_ = 0;
    std::uint64_t strange_ = 0;
};

}  // namespace tour

#endif
