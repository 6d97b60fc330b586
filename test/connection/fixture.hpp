// Distributed under the Boost Software License, Version 1.0.
#ifndef CONNECTION_FIXTURE_HPP
#define CONNECTION_FIXTURE_HPP

#include <conformance/transports.hpp>
#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/shared_page.hpp>

#include <strait.hpp>
#include <strait/acceptor.hpp>
#include <strait/connection.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <vector>

namespace connections {

using namespace std::chrono_literals;
using conformance::by_address;
using conformance::by_name;
using strait::errc;
using support::clean_host;
using support::notes;

struct question {
    std::uint64_t number;
};

template <class S>
using client_of = strait::connection<question, std::string, typename S::transport>;
template <class S>
using acceptor_of = strait::acceptor<std::string, question, typename S::transport>;

/// For AddressSanitizer, which builds slowly, one of each way to connect.
using few_subjects = std::tuple<by_name<conformance::ring<strait::adaptive>>, by_name<strait::named_pipe>,
                                by_name<strait::unix_stream>, by_address<strait::tcp, AF_INET>>;
using subjects = std::conditional_t<support::sanitized, few_subjects, std::tuple<
    by_name<conformance::ring<strait::adaptive>>,
    by_name<conformance::ring<strait::yielding>>,
    by_name<strait::shm_ring<strait::mpsc>>,
    by_name<conformance::ring_in<strait::spsc, strait::mapped_file>>,
    by_name<strait::named_pipe>,
    by_name<strait::unix_stream>,
    by_name<strait::unix_seqpacket>,
    by_name<strait::polled<strait::unix_stream, strait::yielding>>,
    by_name<strait::tcp>,
    by_address<strait::tcp, AF_INET>
>>;

/// Answers what one client asks, until that leaves.
template <class Connection>
void echo(Connection& c)
{
    while (auto const q = c.receive())
        c.send("answer " + std::to_string(q->number));
}

}  // namespace connections

#endif
