// Distributed under the Boost Software License, Version 1.0.

#include "rings.hpp"

#include <rings/ends_of.hpp>

namespace rings {

template <>
std::span<maker const> makers<memories::line_in_file>()
{
    return makers_for<memories::line_in_file, by_name<layout_of<support::probe>>, by_name<layout_of<std::string>>>();
}

template <>
std::span<maker const> makers<memories::lanes_in_file>()
{
    return makers_for<memories::lanes_in_file, by_name<layout_of<std::string>>>();
}

template <>
std::span<maker const> makers<memories::line_in_segment>()
{
    return makers_for<memories::line_in_segment, by_name<layout_of<support::probe>>, by_name<layout_of<std::string>>>();
}

template <>
std::span<maker const> makers<memories::lanes_in_segment>()
{
    return makers_for<memories::lanes_in_segment, by_name<layout_of<std::string>>>();
}

}  // namespace rings
