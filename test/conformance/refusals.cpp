// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>

#include <string>
#include <type_traits>
#include <vector>

namespace conformance {
namespace {

struct same_size_as_probe {
    std::array<double, 8> numbers;

    friend bool operator==(same_size_as_probe const&, same_size_as_probe const&) = default;
};
static_assert(sizeof(same_size_as_probe) == sizeof(probe));

// A byte transport that is not S's and uses the same directory.
template <class S>
using another = std::conditional_t<requires { S::transport::sync(S::where()); }, ring_in<strait::mpsc, strait::mapped_file>,
                                   std::conditional_t<std::is_same_v<typename S::transport, strait::named_pipe>, strait::unix_stream,
                                                      strait::named_pipe>>;

// Whatever happens, nothing of one type comes out as the other.
template <class S, class Sent, class Received>
void never_meet(Sent const& message)
{
    auto const where = S::where();
    receiver_of<S, Received> in{where};
    auto out = sender_of<S, Sent>::open(where);
    if constexpr (S::checks_type_at_open) {
        BOOST_CHECK_EQUAL(code(out), errc::type_mismatch);
    } else {
        BOOST_REQUIRE(out);
        // The handshake takes an operation or two on each side.
        strait::error_code at_sender;
        strait::error_code at_receiver;
        for (int i = 0; i != 200 && at_sender != errc::type_mismatch; ++i) {
            if (auto const r = out->send_for(message, 1ms); !r)
                at_sender = r.error();
            auto const got = in.receive_for(1ms);
            BOOST_REQUIRE(!got);
            if (got.error() != errc::timed_out)
                at_receiver = got.error();
        }
        BOOST_CHECK_EQUAL(at_sender, errc::type_mismatch);
        BOOST_CHECK(!at_receiver || at_receiver == errc::type_mismatch || at_receiver == errc::closed);
        BOOST_CHECK(out->close() || true);
    }
    // The receiver is unharmed.
    sender_of<S, Received> right{where};
    right.send(Received{});
    auto got = in.receive_for(10s);
    while (!got && got.error() == errc::type_mismatch)
        got = in.receive_for(10s);
    BOOST_REQUIRE_EQUAL(code(got), strait::error_code());
    BOOST_CHECK(*got == Received{});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(refusals)

BOOST_FIXTURE_TEST_CASE_TEMPLATE(another_struct_of_the_same_size_is_refused, S, subjects, clean_host)
{
    if constexpr (guarantees_of<S>.checks_type)
        never_meet<S, probe, same_size_as_probe>(make_probe(1));
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(a_string_is_no_vector, S, subjects, clean_host)
{
    if constexpr (guarantees_of<S>.checks_type)
        never_meet<S, std::string, std::vector<std::uint32_t>>("four");
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(a_receiver_of_another_type_is_refused, S, subjects, clean_host)
{
    if constexpr (guarantees_of<S>.checks_type && S::checks_type_at_open) {
        auto const where = S::where();
        sender_of<S> out{where};
        BOOST_CHECK_EQUAL(code(receiver_of<S, std::string>::open(where)), errc::type_mismatch);
        BOOST_CHECK_EQUAL(thrown_by([&] { receiver_of<S, same_size_as_probe> in{where}; }), errc::type_mismatch);
        receiver_of<S> in{where};
        exchange_one<S>(out, in);
    }
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(a_name_belongs_to_one_transport, S, word_subjects, clean_host)
{
    if constexpr (between_processes<S> && !by_address_only<S>) {
        auto const where = S::where();
        receiver_of<S> in{where};
        BOOST_CHECK_EQUAL(code(strait::sender<probe, another<S>>::open(where)), errc::transport_mismatch);
        BOOST_CHECK_EQUAL(code(strait::receiver<probe, another<S>>::open(where)), errc::transport_mismatch);
        sender_of<S> out{where};
        exchange_one<S>(out, in);
        out.close().value();
        in.close().value();
        strait::receiver<probe, another<S>> next{where};  // the name is free again
    }
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(hostile_endpoints_are_refused, S, word_subjects, clean_host)
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
            BOOST_CHECK_EQUAL(thrown_by([&] { sender_of<S>{strait::endpoint{text}}; }), errc::invalid_endpoint);
        }
    }
    if constexpr (!guarantees_of<S>.crosses_hosts) {
        BOOST_CHECK_EQUAL(code(sender_of<S>::open("127.0.0.1:1")), errc::invalid_endpoint);
        BOOST_CHECK_EQUAL(code(receiver_of<S>::open(":1")), errc::invalid_endpoint);
        BOOST_CHECK_EQUAL(code(channel_of<S>::remove("[::1]:1")), errc::invalid_endpoint);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
