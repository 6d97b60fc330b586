// Distributed under the Boost Software License, Version 1.0.

#include "rings.hpp"

#include <rings/ends_of.hpp>

using namespace rings;

template <>
std::span<maker const> rings::makers<memories::line_in_file>()
{
    return makers_for<memories::line_in_file, layout_of<support::probe>, layout_of<std::string>>();
}

template <>
std::span<maker const> rings::makers<memories::lanes_in_file>()
{
    return makers_for<memories::lanes_in_file, layout_of<std::string>>();
}

template <>
std::span<maker const> rings::makers<memories::line_in_segment>()
{
    return makers_for<memories::line_in_segment, layout_of<support::probe>, layout_of<std::string>>();
}

template <>
std::span<maker const> rings::makers<memories::lanes_in_segment>()
{
    return makers_for<memories::lanes_in_segment, layout_of<std::string>>();
}
