// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>

#include <fstream>
#include <optional>
#include <string>

namespace conformance {
namespace {

// Does this address lie in memory that other processes can map, by what the kernel says?
bool is_shared_memory(void const* address)
{
    auto const wanted = reinterpret_cast<std::uintptr_t>(address);
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t first = 0;
        std::uintptr_t last = 0;
        char modes[8] = {};
        if (std::sscanf(line.c_str(), "%zx-%zx %7s", &first, &last, modes) == 3 && wanted >= first && wanted < last)
            return modes[3] == 's';
    }
    return false;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(guarantees)

CONFORMANCE_CASE(zero_copy_means_the_memory_of_the_channel, x, any_named)
{
    if (x.between_processes) {
        auto const where = x.where();
        receiver in{x, where};
        sender out{x, where};
        exchange_one(out, in);
        auto c = out.claim();
        *c = make_probe(1);
        // Where only receiving copies, a claim may lie there all the same.
        BOOST_CHECK(is_shared_memory(&*c) || !x.guarantees.zero_copy);
        c.commit();
        auto const b = in.borrow();
        BOOST_CHECK(*b == make_probe(1));
        BOOST_CHECK_EQUAL(is_shared_memory(&*b), x.guarantees.zero_copy);
    }
}

CONFORMANCE_CASE(retained_means_that_a_sender_needs_no_receiver, x, any_named)
{
    if (x.guarantees.retained) {
        auto const where = x.where();
        sender out{x, where};
        for (std::uint64_t i = 0; i != 5; ++i)
            out.send(make_probe(i));
        for (std::uint64_t i = 0; i != 5; ++i) {
            receiver in{x, where};  // a new one each time
            BOOST_CHECK(in.receive() == make_probe(i));
        }
    }
}

CONFORMANCE_CASE(bounded_means_that_a_channel_can_be_full, x, any_named)
{
    if (x.guarantees.bounded) {
        auto const where = x.where();
        auto small = x.options;
        small.capacity = 5;
        receiver in{x, where, small};
        sender out{x, where, small};
        exchange_one(out, in);
        auto const end = fill(out);
        for (std::uint64_t i = 0; i != end; ++i)
            BOOST_REQUIRE(in.receive() == make_probe(i));
    }
}

CONFORMANCE_CASE(the_kernel_tells_who_is_there, x, any_size)
{
    if (x.has_peer) {
        auto const where = x.where();
        receiver in{x, where};
        sender out{x, where};
        exchange_one(out, in);
        auto const peer = in.peer();
        BOOST_REQUIRE_EQUAL(code(peer), strait::error_code());
        BOOST_CHECK_EQUAL(peer->pid, ::getpid());
        BOOST_CHECK_EQUAL(peer->uid, ::geteuid());
        BOOST_CHECK_EQUAL(peer->gid, ::getegid());
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
