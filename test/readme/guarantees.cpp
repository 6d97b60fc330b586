// Distributed under the Boost Software License, Version 1.0.
// What README says of the transports must be what the code says.
#include <strait.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace readme_guarantees {

namespace {

std::string readme()
{
    auto const path = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() / "README.md";
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

constexpr char const* yes(bool b) { return b ? "yes" : "no"; }
constexpr char const* count(strait::multiplicity m) { return m == strait::multiplicity::one ? "one" : "many"; }

constexpr char const* moment(strait::commit_point c)
{
    switch (c) {
    case strait::commit_point::stored: return "stored";
    case strait::commit_point::call_returned: return "call returned";
    case strait::commit_point::acknowledged: return "acknowledged";
    case strait::commit_point::never: return "never";
    }
    return "?";
}

template <class X>
std::string row()
{
    constexpr auto g = X::guarantees;
    std::string line = std::string("| `") + g.name + "` |";
    for (std::string const& cell :
         {std::string(count(g.senders)), std::string(count(g.receivers)), std::string(yes(g.retained)),
          g.max_message_size ? std::to_string(g.max_message_size) : "memory", std::string(yes(g.zero_copy)),
          std::string(yes(g.pollable)), std::string(yes(g.nameless)), std::string(yes(g.crosses_hosts)),
          std::string(moment(g.committed_when))})
        line += " " + cell + " |";
    return line;
}

template <class... X>
void check_rows()
{
    std::string const text = readme();
    std::size_t rows = 0;
    for (std::string const& line : {row<X>()...}) {
        BOOST_TEST(text.find(line + "\n") != text.npos, "README has not this row:\n" << line);
        ++rows;
    }
    std::size_t listed = 0;
    for (auto at = text.find("\n| `"); at != text.npos; at = text.find("\n| `", at + 1))
        ++listed;
    BOOST_TEST(listed == rows);
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_table_of_transports_is_that_of_the_code)
{
    check_rows<strait::in_process, strait::shm_ring<>, strait::shm_ring<strait::mpsc>, strait::shm_ring<strait::mpmc>,
               strait::shm_ring<strait::broadcast<strait::lossy>>, strait::shm_ring<strait::broadcast<strait::latest>>,
               strait::shm_ring<strait::broadcast<strait::lossless>>,
               strait::shm_ring<strait::spsc, strait::adaptive, strait::mapped_file>,
               strait::shm_ring<strait::spsc, strait::adaptive, strait::sysv_memory>, strait::sealed_memory, strait::anonymous_pipe,
               strait::named_pipe, strait::posix_mqueue, strait::sysv_mqueue, strait::prioritized<strait::sysv_mqueue>,
               strait::realtime_signal, strait::unix_datagram, strait::unix_seqpacket, strait::unix_stream, strait::tcp, strait::acknowledged<strait::tcp>, strait::udp>();
}

template <class... X>
std::string those_that_pass_descriptors()
{
    std::string list;
    ((list += X::guarantees.passes_handles ? std::string("`") + X::guarantees.name + "` " : ""), ...);
    return list;
}

BOOST_AUTO_TEST_CASE(the_transports_that_pass_descriptors_are_named)
{
    BOOST_TEST((those_that_pass_descriptors<strait::in_process, strait::shm_ring<>, strait::anonymous_pipe, strait::named_pipe,
                                            strait::posix_mqueue, strait::sysv_mqueue, strait::unix_datagram,
                                            strait::unix_seqpacket, strait::unix_stream, strait::tcp>() ==
                "`in_process` `unix_seqpacket` `unix_stream` "));
    BOOST_TEST(readme().find("over `in_process`,\n`unix_seqpacket` and `unix_stream`;") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_program_in_the_text_is_the_example_that_is_compiled)
{
    auto const path = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() / "example/hello/hello.cpp";
    std::ifstream file(path);
    std::string program{std::istreambuf_iterator<char>(file), {}};
    program.erase(0, program.find("#include"));
    BOOST_TEST(readme().find("```cpp\n" + program + "```") != std::string::npos);
}

}  // namespace readme_guarantees
