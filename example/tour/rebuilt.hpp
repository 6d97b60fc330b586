// Distributed under the Boost Software License, Version 1.0.
#ifndef TOUR_REBUILT_HPP
#define TOUR_REBUILT_HPP

#include "line.hpp"

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>

namespace tour {

/// The files that the lines received make up, in memory.
class rebuilt {
public:
    struct entry {
        std::string content;
        std::uint64_t due = 1;  // the number of the next line
    };

    void add(line const& l)
    {
        if (at_ == files_.end() || at_->first != l.file)
            at_ = files_.try_emplace(l.file).first;
        entry& e = at_->second;
        if (l.number != e.due)
            throw std::runtime_error(l.file + ": line " + std::to_string(l.number) + " came where " +
                                     std::to_string(e.due) + " was due");
        e.content += l.text;
        if (!l.continued) {
            e.content += '\n';
            ++e.due;
        }
    }

    std::map<std::string, entry> const& files() const noexcept { return files_; }

private:
    std::map<std::string, entry> files_;
    std::map<std::string, entry>::iterator at_ = files_.end();
};

}  // namespace tour

#endif
