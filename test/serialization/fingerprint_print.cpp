// Distributed under the Boost Software License, Version 1.0.
#include "samples.hpp"

#include <strait/schema.hpp>

#include <cinttypes>
#include <cstdio>

// Prints the fingerprints and schemas of many types. The output of every compiler must be the same.
namespace {

using namespace samples;

template <class T>
void print(char const* name)
{
    constexpr strait::message_layout layout = strait::detail::codec<T>::layout;
    std::printf("%-28s %5zu %2zu %016" PRIx64 "\n%s\n", name, layout.fixed_size, layout.alignment, layout.fingerprint,
                strait::schema::of<T>().text().c_str());
}

}  // namespace

int main()
{
    print<bool>("bool");
    print<char>("char");
    print<wchar_t>("wchar_t");
    print<char8_t>("char8_t");
    print<std::int8_t>("int8");
    print<std::uint16_t>("uint16");
    print<int>("int");
    print<long>("long");
    print<unsigned long long>("unsigned long long");
    print<float>("float");
    print<double>("double");
    print<long double>("long double");
    print<std::byte>("byte");
    print<side>("enumeration");
    print<flag>("enumeration of bool");
    print<std::chrono::nanoseconds>("nanoseconds");
    print<std::chrono::system_clock::time_point>("system_clock");
    print<std::chrono::steady_clock::time_point>("steady_clock");
    print<std::complex<double>>("complex");
    print<empty>("empty");
    print<trade>("trade");
    print<checked>("checked");
    print<with_arrays>("with_arrays");
    print<std::array<trade, 7>>("array");
    print<std::string>("string");
    print<std::u32string>("u32string");
    print<std::vector<trade>>("vector of trade");
    print<std::vector<bool>>("vector of bool");
    print<std::vector<std::string>>("vector of string");
    print<std::list<int>>("list");
    print<std::optional<int>>("optional");
    print<std::variant<std::monostate, std::string, int>>("variant");
    print<std::pair<std::int8_t, double>>("pair");
    print<std::tuple<int, std::string>>("tuple");
    print<std::map<std::string, int>>("map");
    print<std::unordered_multimap<std::string, int>>("unordered_multimap");
    print<std::set<std::string>>("set");
    print<named_arrays>("named_arrays");
    print<node>("node");
    print<json>("json");
    print<everything>("everything");
}
