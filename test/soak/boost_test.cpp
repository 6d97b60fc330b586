// Distributed under the Boost Software License, Version 1.0.
// The ends over every transport are compiled with what all tests include, so that the linker looks for Boost.Test.
// Nothing here uses it.

#define BOOST_TEST_NO_MAIN
#include <boost/test/included/unit_test.hpp>
