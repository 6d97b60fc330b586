// Distributed under the Boost Software License, Version 1.0.

#include "ends_of.hpp"
#include "types.hpp"

template <>
std::span<rings::maker const> rings::makers<rings::lossy>()
{
    return makers_for<lossy, layout_of<int>, layout_of<std::uint64_t>, layout_of<support::probe>, layout_of<std::string>,
                      layout_of<char>, layout_of<paged>, message_layout{24, 16, 1}, message_layout{2000, 8, 1},
                      message_layout{0, 16, 1}, message_layout{0, 64, 1}, message_layout{0, 4096, 1}>();
}
