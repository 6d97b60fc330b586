// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>

#include <cstring>
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

BOOST_FIXTURE_TEST_CASE_TEMPLATE(declarations_agree_with_each_other, S, word_subjects, clean_host)
{
    constexpr auto g = guarantees_of<S>;
    static_assert(strait::transport<typename S::transport>);
    static_assert(g.name != nullptr);
    static_assert(sender_of<S>::guarantees.senders == g.senders && channel_of<S>::guarantees.name == g.name);
    static_assert(!g.detects_death || g.detects_end, "who learns of deaths learns of ends");
    static_assert(!g.retained || g.committed_when != strait::commit_point::never, "what is kept has been committed");
    static_assert(g.pollable == requires(receiver_of<S> const& in) { in.native_handle(); });
    static_assert(!g.pollable || requires(sender_of<S> const& out) { out.native_handle(); });
    BOOST_CHECK_GT(std::strlen(g.name), 0U);
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(zero_copy_means_the_memory_of_the_channel, S, word_subjects, clean_host)
{
    if constexpr (between_processes<S>) {
        auto const where = S::where();
        receiver_of<S> in{where};
        sender_of<S> out{where};
        exchange_one<S>(out, in);
        auto c = out.claim();
        *c = make_probe(1);
        // Where only receiving copies, a claim may lie there all the same.
        BOOST_CHECK(is_shared_memory(&*c) || !guarantees_of<S>.zero_copy);
        c.commit();
        auto const b = in.borrow();
        BOOST_CHECK(*b == make_probe(1));
        BOOST_CHECK_EQUAL(is_shared_memory(&*b), guarantees_of<S>.zero_copy);
    }
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(retained_means_that_a_sender_needs_no_receiver, S, word_subjects, clean_host)
{
    if constexpr (guarantees_of<S>.retained) {
        auto const where = S::where();
        sender_of<S> out{where};
        for (std::uint64_t i = 0; i != 5; ++i)
            out.send(make_probe(i));
        for (std::uint64_t i = 0; i != 5; ++i) {
            receiver_of<S> in{where};  // a new one each time
            BOOST_CHECK(in.receive() == make_probe(i));
        }
    }
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(bounded_means_that_a_channel_can_be_full, S, word_subjects, clean_host)
{
    if constexpr (guarantees_of<S>.bounded) {
        auto const where = S::where();
        options_of<S> small;
        small.capacity = 5;
        receiver_of<S> in{where, small};
        sender_of<S> out{where, small};
        exchange_one<S>(out, in);
        auto const end = fill<S>(out);
        for (std::uint64_t i = 0; i != end; ++i)
            BOOST_REQUIRE(in.receive() == make_probe(i));
    }
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(the_kernel_tells_who_is_there, S, subjects, clean_host)
{
    if constexpr (requires(receiver_of<S> const& in) { in.peer(); }) {
        auto const where = S::where();
        receiver_of<S> in{where};
        sender_of<S> out{where};
        exchange_one<S>(out, in);
        auto const peer = in.peer();
        BOOST_REQUIRE_EQUAL(code(peer), strait::error_code());
        BOOST_CHECK_EQUAL(peer->pid, ::getpid());
        BOOST_CHECK_EQUAL(peer->uid, ::geteuid());
        BOOST_CHECK_EQUAL(peer->gid, ::getegid());
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
