// Distributed under the Boost Software License, Version 1.0.

#include <conformance/subjects/of.hpp>

std::vector<conformance::subject> conformance::part_2()
{
    return part<2>();
}
