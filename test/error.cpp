// Distributed under the Boost Software License, Version 1.0.
#include <strait/error.hpp>

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

namespace unit_error {

BOOST_AUTO_TEST_SUITE(error)

BOOST_AUTO_TEST_CASE(every_value_has_a_sentence_of_its_own)
{
    std::set<std::string> sentences;
    for (int value = static_cast<int>(strait::errc::full); value <= static_cast<int>(strait::errc::not_open); ++value) {
        auto const text = strait::make_error_code(static_cast<strait::errc>(value)).message();
        BOOST_TEST(text.back() == '.');
        BOOST_TEST(text.find("not an error of strait") == text.npos);
        BOOST_TEST(sentences.insert(text).second, text);
    }
    BOOST_TEST(strait::make_error_code(static_cast<strait::errc>(9999)).message().find("not an error of strait") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_category_compares_by_its_id)
{
    strait::detail::category const other;  // as in another shared library
    BOOST_TEST((boost::system::error_code(1, other) == strait::errc::full));
    BOOST_TEST(std::string(strait::error_category().name()) == "strait");
}

BOOST_AUTO_TEST_CASE(values_map_onto_the_conditions_of_boost_and_std)
{
    using strait::errc;
    namespace b = boost::system::errc;
    BOOST_TEST((strait::make_error_code(errc::full) == b::resource_unavailable_try_again));
    BOOST_TEST((strait::make_error_code(errc::empty) == b::resource_unavailable_try_again));
    BOOST_TEST((strait::make_error_code(errc::timed_out) == b::timed_out));
    BOOST_TEST((strait::make_error_code(errc::no_receiver) == b::broken_pipe));
    BOOST_TEST((strait::make_error_code(errc::malformed_message) == b::bad_message));
    std::error_code const standard = strait::make_error_code(errc::timed_out);
    BOOST_TEST((standard == std::errc::timed_out));
}

BOOST_AUTO_TEST_CASE(an_error_converts_into_a_result)
{
    auto const f = []() -> strait::result<int> { return strait::errc::empty; };
    BOOST_TEST((f().error() == strait::errc::empty));
    BOOST_CHECK_THROW(f().value(), boost::system::system_error);
}

BOOST_AUTO_TEST_CASE(an_uncaught_error_shows_its_sentence_first)
{
    // What terminate() prints when a peer of another type was met and nobody caught it.
    auto const says = [](boost::system::system_error const& e) {
        return std::string(e.what()).starts_with("The channel carries another message type, or the same with another layout: "
                                                 "use the same definition at both ends, or remove()");
    };
    BOOST_CHECK_EXCEPTION(strait::detail::raise(strait::errc::type_mismatch), boost::system::system_error, says);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace unit_error
