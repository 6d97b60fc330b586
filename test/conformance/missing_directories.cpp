// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>
#include <support/own_mounts.hpp>

#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

// Serverless hosts, bare chroots and containers lack directories that other hosts have.
namespace conformance {
namespace {

// Calls `body` in a process where these directories are empty. It returns 0, or the number of the step that went wrong.
template <class Body>
void run_without(std::initializer_list<char const*> emptied, Body body)
{
    int const status = support::with_own_mounts(emptied, body);
    if (status == support::no_own_mounts)
        BOOST_TEST_MESSAGE("SKIPPED: no mounts of our own are allowed here");
    else
        BOOST_CHECK_EQUAL(status, 0);
}

strait::error_code exchanged_at(subject const& x, strait::endpoint const& where)
{
    return thrown_by([&] {
        receiver in{x, where};
        sender out{x, where};
        out.send(make_probe(1));
        if (in.receive() != make_probe(1))
            std::abort();
    });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(missing_directories)

CONFORMANCE_CASE(opening_a_name_without_dev_shm_is_an_error_that_says_so, x, any_named)
{
    if (x.has_objects())
        run_without({"/dev", "/var"}, [&] {
            auto const where = x.where();
            auto const of_sender = thrown_by([&] { sender{x, where}; });
            auto const of_receiver = thrown_by([&] { receiver{x, where}; });
            return of_sender != errc::no_directory                               ? 1
                   : of_receiver != errc::no_directory                           ? 2
                   : of_sender.message().find("/dev/shm") == std::string::npos   ? 3
                   : !x.probes.remove(where)                                     ? 4
                                                                                 : 0;
        });
}

CONFORMANCE_CASE(opening_a_path_in_a_directory_that_is_missing_or_was_removed_is_an_error, x, any_named)
{
    if (x.takes_paths()) {
        char name[] = "/tmp/strait-test-XXXXXX";
        BOOST_REQUIRE(::mkdtemp(name));
        int const held = ::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ::rmdir(name);
        for (std::string const& directory : {std::string(name), "/proc/self/fd/" + std::to_string(held)}) {
            BOOST_CHECK_EQUAL(code(receiver::open(x, directory + "/channel")), errc::no_directory);
            BOOST_CHECK_EQUAL(code(sender::open(x, directory + "/channel")), errc::no_directory);
        }
        ::close(held);
    }
}

CONFORMANCE_CASE(without_proc_a_name_works_or_is_refused_with_the_reason, x, any_named)
{
    if (x.between_processes)
        run_without({"/proc"}, [&] {
            auto const where = x.where();
            auto const expected = x.one_word ? make_error_code(errc::no_proc) : strait::error_code();
            auto const first = exchanged_at(x, where);
            return first != expected                               ? 1
                   : exchanged_at(x, x.where()) != expected        ? 2
                   : x.has_objects() && !support::files_of(where.text()).empty() ? 3
                                                                   : 0;
        });
}

CONFORMANCE_CASE(without_proc_a_pair_works_or_is_refused_with_the_reason, x, has_pairs)
{
    run_without({"/proc"}, [&] {
        auto const refused = thrown_by([&] {
            auto [out, in] = make_pair(x).split();
            out.send(make_probe(1));
            if (in.receive() != make_probe(1))
                std::abort();
        });
        return !refused || refused == errc::no_proc ? 0 : 1;
    });
}

CONFORMANCE_CASE(the_text_of_an_exception_names_the_object_and_whose_it_is, x, any_named)
{
    auto const text_of = [&](std::string const& where) {
        std::string text;
        try {
            sender{x, where};
        } catch (boost::system::system_error const& e) {
            text = e.what();
        }
        std::string text_of_receiver;
        try {
            receiver{x, where};
        } catch (boost::system::system_error const& e) {
            text_of_receiver = e.what();
        }
        BOOST_CHECK_EQUAL(text, text_of_receiver);
        return text;
    };
    auto const contains = [](std::string const& text, std::string const& part) {
        BOOST_CHECK_MESSAGE(text.find(part) != std::string::npos, '"' + text + "\" does not say \"" + part + '"');
    };
    if (x.takes_paths()) {
        contains(text_of("/nonexistent/channel"), "opening /nonexistent/channel, at /nonexistent: The directory");
        contains(text_of("/proc/channel"), "/proc/channel.channel");  // a file system in which nobody can make files
        char name[] = "/tmp/strait-test-XXXXXX";
        BOOST_REQUIRE(::mkdtemp(name));
        ::chmod(name, 0777);
        contains(text_of(std::string(name) + "/channel"), std::string(name) + ", which belongs to user " + std::to_string(::geteuid()));
        contains(text_of(std::string(name) + "/channel"), "mode 0777");
        ::rmdir(name);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
