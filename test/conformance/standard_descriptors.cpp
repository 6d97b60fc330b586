// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>
#include <support/standard_descriptors.hpp>

// A process that was started with standard input, output and error closed gets their numbers for the first descriptors that it
// opens. What it prints must not go into a channel.
namespace conformance {
namespace {

// 0, or the number of the step after which one of them is open.
template <class Sender, class Receiver>
int step_that_uses_one(Sender open_sender, Receiver open_receiver)
{
    auto in = open_receiver();
    if (!support::standard_descriptors_are_closed())
        return 1;
    auto out = open_sender();
    if (!support::standard_descriptors_are_closed())
        return 2;
    for (std::uint64_t i = 0; i != 3; ++i) {
        out.send(make_probe(i));
        if (in.receive() != make_probe(i))
            return 3;
    }
    if (!support::standard_descriptors_are_closed())
        return 4;
    (void)out.close();
    return in.receive() ? 5 : 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(standard_descriptors)

CONFORMANCE_CASE(ends_use_none_that_was_closed_before_they_opened, x, any_named)
{
    BOOST_CHECK_EQUAL(support::with_standard_descriptors_closed([&] {
        auto const where = x.where();
        return step_that_uses_one([&] { return sender(x, where); }, [&] { return receiver(x, where); });
    }), 0);
}

CONFORMANCE_CASE(pairs_use_none_that_was_closed_before_they_were_made, x, has_pairs)
{
    BOOST_CHECK_EQUAL(support::with_standard_descriptors_closed([&] {
        auto [out, in] = make_pair(x).split();
        return step_that_uses_one([&s = out] { return std::move(s); }, [&r = in] { return std::move(r); });
    }), 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
