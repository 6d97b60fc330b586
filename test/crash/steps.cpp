// Distributed under the Boost Software License, Version 1.0.

#include "steps.hpp"

#include <iostream>

namespace crash_steps {

BOOST_AUTO_TEST_SUITE(crash_steps)

BOOST_AUTO_TEST_CASE(operations_were_stepped_where_the_kernel_allows_it,
                     *boost::unit_test::depends_on("crash_steps_spsc") * boost::unit_test::depends_on("crash_steps_mpmc"))
{
    auto const& done = crash::stepping::all();
    if (!crash::can_step()) {
        std::cout << "single steps: SKIPPED, this kernel refuses ptrace(2) to us" << std::endl;
        return;
    }
    BOOST_TEST(done.operations != 0U);
    std::cout << "single steps: " << done.operations << " operations of " << done.instructions << " instructions, "
              << done.sum.kills << " kills between two of them\n"
              << "  checked: " << done.sum.checked << '\n'
              << "  a sleeping peer went on:      " << done.sum.waiting << '\n'
              << "  a successor's messages came:  " << done.sum.successors << std::endl;
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace crash_steps
