// Distributed under the Boost Software License, Version 1.0.

#include "random_words.hpp"
#include <support/typed_case.hpp>

namespace rings_random_words {

using namespace rings;

BOOST_AUTO_TEST_SUITE(rings_random_words, *boost::unit_test::fixture<support::watchdog>())

TYPED_CASE(random_words_all_over_do_no_harm_to_messages_of_one_size, X, all_topologies)
{
    survive_random_words<X, support::probe>();
}

TYPED_CASE(random_words_all_over_do_no_harm_to_messages_that_vary, X, all_topologies)
{
    survive_random_words<X, std::string>();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_random_words
