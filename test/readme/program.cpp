// Distributed under the Boost Software License, Version 1.0.
// The README shows the program that example/hello builds and runs.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace {

std::string text_of(char const* name)
{
    std::ifstream file(std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() / name);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(readme)

BOOST_AUTO_TEST_CASE(the_first_program_is_that_of_the_example)
{
    std::string const page = text_of("README.md");
    std::string program = text_of("example/hello/hello.cpp");
    program.erase(0, program.find('\n') + 1);  // the licence
    std::string const fence = "```cpp\n";
    auto const begin = page.find(fence);
    BOOST_REQUIRE(begin != page.npos);
    BOOST_TEST(page.substr(begin + fence.size(), program.size() + 3) == program + "```");
}

BOOST_AUTO_TEST_CASE(it_has_fewer_than_200_lines)
{
    std::string const page = text_of("README.md");
    BOOST_TEST(!page.empty());
    BOOST_TEST(std::count(page.begin(), page.end(), '\n') < 200);
}

BOOST_AUTO_TEST_SUITE_END()
