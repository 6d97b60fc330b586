// Distributed under the Boost Software License, Version 1.0.

#include "ends_of.hpp"
#include "types.hpp"

template <>
std::span<rings::maker const> rings::makers<rings::latest>()
{
    return makers_for<latest, layout_of<int>, layout_of<std::uint64_t>, layout_of<support::probe>, layout_of<std::string>>();
}
