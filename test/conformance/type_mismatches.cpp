// Distributed under the Boost Software License, Version 1.0.

#include <conformance/typed.hpp>
#include <support/typed_case.hpp>

#include <boost/core/type_name.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {
namespace {

struct same_size_as_probe {
    std::array<double, 8> numbers;

    friend bool operator==(same_size_as_probe const&, same_size_as_probe const&) = default;
};
static_assert(sizeof(same_size_as_probe) == sizeof(probe));

// Whether the note of the last failure of this thread says what the channel carries, what was asked for, and where they differ.
template <class There, class Here>
bool note_says(std::string_view difference)
{
    std::string const note(strait::error_note(errc::type_mismatch));
    std::string const both = "it carries " + boost::core::type_name<There>() + ", and this program asked for " +
                             boost::core::type_name<Here>();
    bool const right = note.starts_with(both) && note.ends_with(difference);
    if (!right)
        BOOST_TEST_MESSAGE("the note is: " << note);
    return right;
}

// Whatever happens, nothing of one type comes out as the other.
template <class S, class Sent, class Received>
void never_meet(Sent const& message, std::string_view difference)
{
    auto const where = S::where();
    receiver_of<S, Received> in{where};
    auto out = sender_over<Sent>::open(subject_of<S>(), where);
    if constexpr (S::checks_type_at_open) {
        BOOST_CHECK_EQUAL(code(out), errc::type_mismatch);
        BOOST_CHECK((note_says<Received, Sent>(difference)));
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
        // The answer to a datagram is never longer than the datagram, so it may have no room for what the receiver has.
        std::string const note(strait::error_note(errc::type_mismatch));
        BOOST_CHECK_MESSAGE(!guarantees_of<S>.reliable || note.ends_with(difference), "the note is: " << note);
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

BOOST_AUTO_TEST_SUITE(type_mismatches)

TYPED_CASE_ON(clean_host, another_struct_of_the_same_size_is_refused, S, subjects)
{
    if constexpr (guarantees_of<S>.checks_type)
        never_meet<S, probe, same_size_as_probe>(make_probe(1), "member 1 (numbers there, sequence here): array<f64, 8> there, u64 here");
}

TYPED_CASE_ON(clean_host, a_string_is_no_vector, S, subjects)
{
    if constexpr (guarantees_of<S>.checks_type)
        never_meet<S, std::string, std::vector<std::uint32_t>>("four", ": u32 there, char here");
}

TYPED_CASE_ON(clean_host, a_receiver_of_another_type_is_refused, S, subjects)
{
    if constexpr (guarantees_of<S>.checks_type && S::checks_type_at_open) {
        auto const where = S::where();
        sender_of<S> out{where};
        BOOST_CHECK_EQUAL(code(receiver_of<S, std::string>::open(where)), errc::type_mismatch);
        BOOST_CHECK((note_says<probe, std::string>("support::probe there, string here")));
        BOOST_CHECK_EQUAL(thrown_by([&] { receiver_of<S, same_size_as_probe> in{where}; }), errc::type_mismatch);
        receiver_of<S> in{where};
        exchange_one<S>(out, in);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
