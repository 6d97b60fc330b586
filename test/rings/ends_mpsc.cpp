// Distributed under the Boost Software License, Version 1.0.

#include "ends_of.hpp"
#include "types.hpp"

template <>
std::span<rings::maker const> rings::makers<rings::mpsc>()
{
    return makers_for<mpsc, also_pairs<layout_of<int>>, also_pairs<layout_of<std::uint64_t>>,
                      also_pairs<layout_of<support::probe>>, also_pairs<layout_of<std::string>>,
                      also_pairs<layout_of<seven_words>>, also_pairs<layout_of<large>>,
                      by_name<layout_of<tagged>>, by_name<layout_of<char>>, by_name<layout_of<lined>>,
                      by_name<layout_of<paged>>, by_name<message_layout{24, 16, 1}>,
                      by_name<message_layout{0, 64, 1}>, by_name<message_layout{0, 4096, 1}>>();
}
