// Distributed under the Boost Software License, Version 1.0.

#include <conformance/subject.hpp>

#include <algorithm>
#include <iterator>
#include <vector>

namespace conformance {

std::vector<subject> part_0();
std::vector<subject> part_1();
std::vector<subject> part_2();
std::vector<subject> part_3();

std::span<subject const> all_subjects()
{
    static std::vector<subject> const all = [] {
        std::vector<subject> made;
        for (auto const make : {part_0, part_1, part_2, part_3})
            std::ranges::move(make(), std::back_inserter(made));
        std::ranges::sort(made, {}, &subject::index);
        return made;
    }();
    return all;
}

}  // namespace conformance
