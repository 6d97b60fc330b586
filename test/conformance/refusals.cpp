// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>
#include <support/child.hpp>
#include <support/failing_call.hpp>

#include <strait/channel.hpp>
#include <strait/transport/mapped_file.hpp>
#include <strait/transport/named_pipe.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/unix_stream.hpp>

#include <string>

#include <unistd.h>

namespace conformance {
namespace {

// Calls f<X>() with a byte transport X that is not the subject's and uses the same directory.
template <class F>
void with_another(subject const& x, F f)
{
    if (x.directory().starts_with("/var/tmp/"))
        f.template operator()<strait::shm_ring<strait::mpsc, strait::adaptive, strait::mapped_file>>();
    else if (x.name == strait::named_pipe::guarantees.name)
        f.template operator()<strait::unix_stream>();
    else
        f.template operator()<strait::named_pipe>();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(refusals)

CONFORMANCE_CASE(a_sender_whose_opening_fails_ends_no_stream, x, any_named)
{
    if (!x.between_processes)
        return;
    for (auto const& call : support::calls_of_opening)
        BOOST_TEST_CONTEXT(call.name)
        {
            enum outcome { opened, refused, no_filter };
            auto const where = x.where();
            receiver in{x, where};
            support::child failing([&] {
                if (!support::make_fail(call))
                    return no_filter;
                auto const out = sender::open(x, where);
                if (out)
                    ::_exit(opened);
                return refused;
            });
            int const how = failing.wait();
            if (how == no_filter) {
                BOOST_TEST_MESSAGE("SKIPPED: no filter of system calls is allowed here");
                return;
            }
            if (how == refused)
                BOOST_CHECK_EQUAL(code(in.receive_for(2ms)), errc::timed_out);
            sender out{x, where};
            exchange_one(out, in);
        }
}

CONFORMANCE_CASE(a_name_belongs_to_one_transport, x, any_named)
{
    if (x.between_processes && !x.by_address) {
        auto const where = x.where();
        receiver in{x, where};
        with_another(x, [&]<class Other>() {
            BOOST_CHECK_EQUAL(code(strait::sender<probe, Other>::open(where)), errc::transport_mismatch);
            BOOST_CHECK_EQUAL(code(strait::receiver<probe, Other>::open(where)), errc::transport_mismatch);
        });
        sender out{x, where};
        exchange_one(out, in);
        out.close().value();
        in.close().value();
        with_another(x, [&]<class Other>() {
            strait::receiver<probe, Other> next{where};  // the name is free again
        });
    }
}

CONFORMANCE_CASE(hostile_endpoints_are_refused, x, any_named)
{
    for (std::string const& text : {std::string(), std::string("/"), std::string("."), std::string(".."), std::string(".hidden"),
                                    std::string("a/b"), std::string("../up"), std::string("a b"), std::string("a\0b", 3),
                                    std::string("new\nline"), std::string(65, 'n'), std::string("/dir/"), std::string("/dir/a b"),
                                    std::string("/dir/.."), std::string("/di\0r/x", 7), std::string("%s%n"), std::string("\xff\xfe"),
                                    std::string("host:"), std::string("host:65536"), std::string("host:-1"), std::string("host:1x"),
                                    std::string("[::1:80"), std::string("::1:80"), std::string("ho st:80"), std::string("a/b:80"),
                                    std::string(300, 'h') + ":80"}) {
        BOOST_TEST_CONTEXT(text)
        {
            BOOST_CHECK_EQUAL(code(strait::endpoint::parse(text)), errc::invalid_endpoint);
            BOOST_CHECK_EQUAL(thrown_by([&] { sender{x, strait::endpoint{text}}; }), errc::invalid_endpoint);
        }
    }
    if (!x.guarantees.crosses_hosts) {
        BOOST_CHECK_EQUAL(code(sender::open(x, "127.0.0.1:1")), errc::invalid_endpoint);
        BOOST_CHECK_EQUAL(code(receiver::open(x, ":1")), errc::invalid_endpoint);
        BOOST_CHECK_EQUAL(code(x.probes.remove("[::1]:1")), errc::invalid_endpoint);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
