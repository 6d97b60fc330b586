// Distributed under the Boost Software License, Version 1.0.

#include "ends_of.hpp"
#include "types.hpp"

template <>
std::span<rings::maker const> rings::makers<rings::latest>()
{
    return makers_for<latest, also_pairs<layout_of<int>>, also_pairs<layout_of<std::uint64_t>>,
                      also_pairs<layout_of<support::probe>>, also_pairs<layout_of<std::string>>>();
}
