// Distributed under the Boost Software License, Version 1.0.

// The runner of every test executable, compiled once. System errors are not caught: a crash is reported by CTest and
// the sanitizers, and no handler of the runner hides a signal that a channel should not have raised.
#define BOOST_TEST_DEFAULTS_TO_CORE_DUMP
#define BOOST_TEST_MODULE strait
#include <boost/test/included/unit_test.hpp>

#include "support/queue_memory.hpp"

using support::queue_limit;
BOOST_TEST_GLOBAL_FIXTURE(queue_limit);
