// Distributed under the Boost Software License, Version 1.0.

#include "ends_of.hpp"
#include "types.hpp"

template <>
std::span<rings::maker const> rings::makers<rings::spsc>()
{
    return makers_for<spsc, layout_of<int>, layout_of<std::uint64_t>, layout_of<support::probe>, layout_of<std::string>,
                      layout_of<char>, layout_of<lined>, layout_of<paged>, layout_of<large>,
                      message_layout{24, 16, 1}, message_layout{0, 64, 1}, message_layout{0, 4096, 1}>();
}
