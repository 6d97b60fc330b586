// Distributed under the Boost Software License, Version 1.0.
#include <strait/endpoint.hpp>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

namespace unit_endpoint {

using strait::endpoint;
using namespace std::string_view_literals;

BOOST_AUTO_TEST_SUITE(endpoint_)

BOOST_AUTO_TEST_CASE(a_name_is_a_name)
{
    for (auto const text : {"trades"sv, "A-Z_a.9"sv, "x"sv, "9"sv, "-"sv}) {
        auto const e = endpoint::parse(text);
        BOOST_TEST_REQUIRE(e.has_value(), text);
        BOOST_TEST((e->what() == endpoint::kind::name));
        BOOST_TEST(e->text() == text);
    }
    BOOST_TEST(endpoint::parse(std::string(endpoint::max_name, 'n')).has_value());
}

BOOST_AUTO_TEST_CASE(a_path_is_absolute_and_ends_in_a_name)
{
    auto const e = endpoint::parse("/srv/feed of mine/trades");
    BOOST_TEST_REQUIRE(e.has_value());
    BOOST_TEST((e->what() == endpoint::kind::path));
    BOOST_TEST(e->text() == "/srv/feed of mine/trades");
}

BOOST_AUTO_TEST_CASE(an_address_has_a_host_and_a_port)
{
    endpoint const v4("127.0.0.1:80"), v6("[::1]:65535"), any(":0"), named("feed.example:1234");
    for (auto const& e : {v4, v6, any, named})
        BOOST_TEST(e.is_address());
    BOOST_TEST(v4.host() == "127.0.0.1");
    BOOST_TEST(v4.port() == 80);
    BOOST_TEST(v6.host() == "::1");
    BOOST_TEST(v6.port() == 65535);
    BOOST_TEST(any.host().empty());
    BOOST_TEST(any.port() == 0);
    BOOST_TEST(named.host() == "feed.example");
}

BOOST_AUTO_TEST_CASE(what_is_none_of_them_is_refused)
{
    std::string const long_name(endpoint::max_name + 1, 'n');
    for (auto const text :
         {""sv, "."sv, ".."sv, ".hidden"sv, "a/b"sv, "../etc"sv, "/"sv, "/a/"sv, "/a/.b"sv, "/a/.."sv, "na me"sv, "na\nme"sv,
          "na\0me"sv, "/a\0b/c"sv, "caf\xc3\xa9"sv, "host:"sv, "host:x"sv, "host:65536"sv, "host:-1"sv, "host:1 "sv, "::1:80"sv,
          "[::1:80"sv, "ho st:80"sv, "a/b:80"sv, std::string_view(long_name)}) {
        auto const e = endpoint::parse(text);
        BOOST_TEST(!e.has_value(), "accepted: " << text);
        BOOST_TEST((e.has_error() && e.error() == strait::errc::invalid_endpoint));
    }
}

BOOST_AUTO_TEST_CASE(the_constructor_throws_what_parse_returns)
{
    BOOST_CHECK_EXCEPTION(endpoint("../etc"), boost::system::system_error,
                          [](auto const& e) { return e.code() == strait::errc::invalid_endpoint; });
    endpoint const from_string = std::string("trades");
    BOOST_TEST((from_string == endpoint("trades")));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace unit_endpoint
