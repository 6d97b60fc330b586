// Distributed under the Boost Software License, Version 1.0.
// A receiver whose sender is hostile, and another user where the test runs as root: it reports a clear error, and goes on with
// others. Under AddressSanitizer no access leaves what was mapped.
#include "place.hpp"

#include <algorithm>
#include <thread>
#include <vector>

namespace sealed_memory_hostile_senders {

namespace {

using namespace std::chrono_literals;
using strait::errc;
using strait::sealed_memory;
using support::code;

using raw::number;
using raw::text;
using word_sender = raw::hostile_sender<strait::detail::codec<std::uint64_t>::layout>;
using text_sender = raw::hostile_sender<strait::detail::codec<std::string>::layout>;

struct open_place : raw::place {
    open_place() : place(0755) {}

    /// The body as another user, in a process of its own that lives until it is killed.
    template <class Body>
    support::child peer(Body body)
    {
        return support::child([&, body] {
            raw::become_another_user();
            body();
            page->stage = 1;
            for (;;)
                ::pause();
        });
    }

    /// A good sender of this user is heard.
    template <class Channel, class T>
    void check_a_good_one(typename Channel::receiver& in, T const& message)
    {
        typename Channel::sender good{where, how};
        good.send(message);
        BOOST_CHECK(in.receive() == message);
        good.close().value();
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(hostile_senders, open_place)

BOOST_AUTO_TEST_CASE(each_lie_about_positions_and_sizes_is_found_and_costs_the_liar_its_connection)
{
    using lie = std::function<void(text_sender&)>;
    std::map<std::string, lie> const lies{
        {"a position that goes back",
         [&](text_sender& s) {
             s.record(0, 8);
             s.publish(16);
             support::notes::await(page->proceed, 1);
             s.publish(8);
         }},
        {"more than the ring holds", [](text_sender& s) { s.publish(4096 + 8); }},
        {"a position near the end of all numbers", [](text_sender& s) { s.publish(~std::uint64_t{7}); }},
        {"a position between records", [](text_sender& s) { s.record(0, 1); s.publish(17); }},
        {"a record longer than what is published", [](text_sender& s) { s.record(0, 500); s.publish(16); }},
        {"a record larger than the ring", [](text_sender& s) { s.record(0, 0xffff'fff0); s.publish(4096); }},
        {"a size of all ones", [](text_sender& s) { s.record(0, 0xffff'ffff); s.publish(4096); }},
        {"a record larger than a message may be", [](text_sender& s) { s.record(0, 3000); s.publish(4096); }},
        {"another kind", [](text_sender& s) { s.record(0, 8, raw::stream_frame::end); s.publish(16); }},
        {"zeroes", [](text_sender& s) { s.record(0, 0, 0); s.publish(16); }},
    };
    for (auto const& l : lies)
        BOOST_TEST_CONTEXT(l.first)
        {
            page->proceed = page->stage = 0;
            how.max_message_size = 2000;
            text::receiver in{where, how};
            auto const liar = peer([&] {
                text_sender s(socket());
                s.open();
                l.second(s);
                page->stage = 1;
                for (;;)
                    ::pause();
            });
            auto first = in.receive_for(10s);
            if (first) {
                BOOST_CHECK_EQUAL(first->size(), 8U);
                page->proceed = 1;
                first = in.receive_for(10s);
            }
            BOOST_CHECK_EQUAL(code(first), errc::peer_corrupt);
            BOOST_CHECK_EQUAL(in.stats().dropped, 1U);
            check_a_good_one<text>(in, std::string("good"));
        }
}

// The receiver takes messages that are larger than this sender's ring, so that only what the ring holds keeps it from reading behind.
BOOST_AUTO_TEST_CASE(a_record_larger_than_its_ring_is_not_read_whatever_is_said_to_be_published)
{
    text::receiver in{where, how};
    auto const liar = peer([&] {
        text_sender s(socket());
        s.open();
        s.record(0, 500'000);
        s.publish(600'000);
        for (;;)
            ::pause();
    });
    BOOST_CHECK_EQUAL(code(in.receive_for(10s)), errc::peer_corrupt);
    check_a_good_one<text>(in, std::string("good"));
}

BOOST_AUTO_TEST_CASE(a_message_of_another_size_than_the_type_has_is_a_lie)
{
    for (std::uint32_t const size : {0U, 7U, 9U, 16U, 0xffff'ffffU}) {
        number::receiver in{where, how};
        auto const liar = peer([&] {
            word_sender s(socket());
            s.open();
            s.record(0, size);
            s.publish(64);
            for (;;)
                ::pause();
        });
        BOOST_CHECK_EQUAL(code(in.receive_for(10s)), errc::peer_corrupt);
        check_a_good_one<number>(in, std::uint64_t{7});
    }
}

BOOST_AUTO_TEST_CASE(whatever_is_handed_over_instead_of_sealed_memory_is_refused)
{
    struct handed {
        char const* name;
        std::function<std::vector<int>(text_sender&, std::vector<raw::descriptor>&)> make;
        std::uint64_t said = 4096;
        std::uint64_t unit = 8;
        errc why = errc::untrusted_object;
    };
    auto const opened = [](char const* path, int flags) {
        return [path, flags](text_sender&, std::vector<raw::descriptor>& held) {
            held.emplace_back(::open(path, flags | O_CLOEXEC, 0600));
            raw::require(static_cast<bool>(held.back()), "open");
            return std::vector{held.back().get()};
        };
    };
    static std::vector<raw::memory> memories;
    auto const made = [](std::uint64_t bytes, int seals) {
        return [bytes, seals](text_sender&, std::vector<raw::descriptor>&) {
            memories.emplace_back(bytes, seals);
            return std::vector{memories.back().fd()};
        };
    };
    auto const own = [](text_sender& s, std::vector<raw::descriptor>&) { return std::vector{s.own().fd()}; };
    constexpr int future_write = 0x10;
    std::vector<handed> const all{
        {"nothing", [](text_sender&, std::vector<raw::descriptor>&) { return std::vector<int>(); }},
        {"two descriptors", [](text_sender& s, std::vector<raw::descriptor>&) { return std::vector{s.own().fd(), s.own().fd()}; }},
        {"not sealed", made(8192, 0)},
        {"not sealed against shrinking", made(8192, F_SEAL_GROW | F_SEAL_SEAL | future_write)},
        {"too small", made(4096, raw::all_seals)},
        {"empty", made(0, raw::all_seals)},
        {"too large", made(16384, raw::all_seals)},
        {"memory of which a page is not there",
         [](text_sender&, std::vector<raw::descriptor>& held) {
             held.emplace_back(::memfd_create("raw", MFD_CLOEXEC | MFD_ALLOW_SEALING));
             raw::require(::ftruncate(held.back().get(), 8192) == 0 && ::posix_fallocate(held.back().get(), 0, 4096) == 0 &&
                              ::fcntl(held.back().get(), F_ADD_SEALS, raw::all_seals) == 0,
                          "make memory with a hole");
             return std::vector{held.back().get()};
         }},
        {"a file of a byte less", made(8191, raw::all_seals)},
        {"a ring that is no power of two", made(4096 + 12288, raw::all_seals), 12288},
        {"a ring of nothing", made(4096, raw::all_seals), 0},
        {"a ring smaller than a page", made(4096 + 64, raw::all_seals), 64},
        {"a ring of all ones", own, ~std::uint64_t{0}},
        {"a ring of half of all addresses", own, std::uint64_t{1} << 63, 8, errc::refused},
        {"a ring larger than the receiver takes", made(4096 + (std::uint64_t{1} << 27), raw::all_seals), std::uint64_t{1} << 27, 8,
         errc::refused},
        {"records of another alignment", own, 4096, 64, errc::type_mismatch},
        {"records of no alignment", own, 4096, 0, errc::type_mismatch},
        {"a file", opened("/proc/self/exe", O_RDONLY)},
        {"a file of /dev/shm", [](text_sender&, std::vector<raw::descriptor>& held) {
             held.emplace_back(::open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
             raw::require(::ftruncate(held.back().get(), 8192) == 0, "size a file");
             return std::vector{held.back().get()};
         }},
        {"/dev/null", opened("/dev/null", O_RDWR)},
        {"/dev/zero", opened("/dev/zero", O_RDWR)},
        {"a directory", opened("/tmp", O_RDONLY | O_DIRECTORY)},
        {"a path", [](text_sender& s, std::vector<raw::descriptor>& held) {
             held.emplace_back(::open(("/proc/self/fd/" + std::to_string(s.own().fd())).c_str(), O_PATH | O_CLOEXEC));
             return std::vector{held.back().get()};
         }},
        {"memory for writing only", [](text_sender& s, std::vector<raw::descriptor>& held) {
             held.emplace_back(::open(("/proc/self/fd/" + std::to_string(s.own().fd())).c_str(), O_WRONLY | O_CLOEXEC));
             return std::vector{held.back().get()};
         }},
        {"a pipe", [](text_sender&, std::vector<raw::descriptor>& held) {
             int fds[2];
             raw::require(::pipe(fds) == 0, "make a pipe");
             held.emplace_back(fds[0]);
             held.emplace_back(fds[1]);
             return std::vector{fds[0]};
         }},
        {"a socket", [](text_sender& s, std::vector<raw::descriptor>&) { return std::vector{s.socket()}; }},
    };
    text::receiver in{where, how};
    std::uint64_t dropped = 0;
    for (handed const& h : all)
        BOOST_TEST_CONTEXT(h.name)
        {
            page->stage = 0;
            auto liar = support::child([&] {
                raw::become_another_user();
                text_sender s(socket());
                std::vector<raw::descriptor> held;
                s.record(0, 8);
                s.publish(16);
                s.greet(h.make(s, held), h.said, h.unit);
                page->stage = 1;
                auto const why = s.rejection();
                if (!why || *why != h.why)
                    std::fprintf(stderr, "%s: the receiver says %d\n", h.name, why ? static_cast<int>(*why) : 0);
                return why == h.why ? 0 : 1;
            });
            support::notes::await(page->stage, 1);
            BOOST_CHECK_EQUAL(code(in.receive_for(1ms)), errc::timed_out);
            BOOST_CHECK_EQUAL(liar.wait(), 0);
            BOOST_CHECK_EQUAL(in.stats().dropped, ++dropped);
        }
    check_a_good_one<text>(in, std::string("good"));
}

BOOST_AUTO_TEST_CASE(huge_pages_are_refused_since_reading_one_that_is_missing_raises_sigbus)
{
    constexpr std::uint64_t huge = std::uint64_t{2} << 20;
    auto const kept = [&]() -> std::optional<raw::memory> {
        try {
            return std::optional<raw::memory>(std::in_place, 2 * huge, 0, MFD_HUGETLB);
        } catch (std::runtime_error const&) {
            return {};
        }
    }();
    if (!kept) {
        BOOST_TEST_MESSAGE("SKIPPED: no huge pages here");
        return;
    }
    raw::require(::fcntl(kept->fd(), F_ADD_SEALS, raw::all_seals) == 0, "seal huge pages");
    strait::detail::sealed_region adopted;
    BOOST_CHECK_EQUAL(strait::detail::sealed_region::adopt(strait::detail::duplicate(kept->fd()), 2 * huge - 4096, adopted),
                      errc::untrusted_object);
}

BOOST_AUTO_TEST_CASE(memory_that_the_sender_can_only_read_is_good_enough)
{
    number::receiver in{where, how};
    word_sender s(socket());
    raw::descriptor const readable(::open(("/proc/self/fd/" + std::to_string(s.own().fd())).c_str(), O_RDONLY | O_CLOEXEC));
    s.greet({readable.get()});
    s.record(0, 8);
    s.publish(16);
    BOOST_CHECK(in.receive_for(10s).value() == 0U);
}

BOOST_AUTO_TEST_CASE(neither_end_can_shrink_punch_or_write_the_memory_that_both_map)
{
    number::receiver in{where, how};
    word_sender s(socket());
    s.open();
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    raw::descriptor const of_receiver = s.answer();
    for (int const fd : {s.own().fd(), of_receiver.get()}) {
        BOOST_CHECK_NE(::ftruncate(fd, 0), 0);
        BOOST_CHECK_NE(::ftruncate(fd, 1 << 20), 0);
        BOOST_CHECK_NE(::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
        BOOST_CHECK_LT(::write(fd, "x", 1), 0);
        BOOST_CHECK_LT(::pwrite(fd, "x", 1, 64), 0);
        BOOST_CHECK(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
        void* const readable = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
        BOOST_REQUIRE(readable != MAP_FAILED);
        BOOST_CHECK_NE(::mprotect(readable, 4096, PROT_READ | PROT_WRITE), 0);
        ::munmap(readable, 4096);
        raw::descriptor const again(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDWR | O_CLOEXEC));
        if (again) {
            BOOST_CHECK_NE(::ftruncate(again.get(), 0), 0);
            BOOST_CHECK(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, again.get(), 0) == MAP_FAILED);
        }
        BOOST_CHECK_NE(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    }
    BOOST_CHECK_NE(::madvise(s.own().all().data(), 4096, MADV_REMOVE), 0);
    s.record(0, 8);
    s.publish(16);
    BOOST_CHECK(in.receive_for(10s).value() == 0U);
}

BOOST_AUTO_TEST_CASE(a_sender_that_rings_more_often_than_the_receiver_sleeps_is_dropped)
{
    number::receiver in{where, how};
    auto const flood = peer([&] {
        word_sender s(socket());
        s.open();
        for (;;) {
            s.ring(64);
            ::pollfd p{s.socket(), POLLOUT, 0};
            if (::poll(&p, 1, 10'000) != 1 || (p.revents & (POLLHUP | POLLERR)) != 0)
                break;
        }
    });
    BOOST_CHECK_EQUAL(code(in.receive_for(10s)), errc::peer_corrupt);
    check_a_good_one<number>(in, std::uint64_t{7});
}

BOOST_AUTO_TEST_CASE(a_sender_that_stops_or_says_nothing_holds_up_nobody)
{
    number::receiver in{where, how};
    auto const silent = peer([&] {
        word_sender s(socket());
        page->stage = 1;
        for (;;)
            ::pause();
    });
    support::notes::await(page->stage, 1);
    auto const stopped = peer([&] {
        word_sender s(socket());
        s.open();
        s.record(0, 8);
        s.publish(16);
        page->stage = 2;
        for (;;)
            ::pause();
    });
    support::notes::await(page->stage, 2);
    stopped.signal(SIGSTOP);
    BOOST_CHECK(in.receive_for(10s).value() == 0U);
    BOOST_CHECK_EQUAL(code(in.receive_for(1ms)), errc::timed_out);
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    check_a_good_one<number>(in, std::uint64_t{7});
}

BOOST_AUTO_TEST_CASE(a_sender_that_dies_at_any_step_ends_its_stream_and_no_other_one)
{
    number::receiver in{where, how};
    number::sender good{where, how};
    good.send(1);
    BOOST_CHECK(in.receive() == 1U);
    for (int step = 0; step != 6; ++step) {
        support::child victim([&] {
            raw::become_another_user();
            word_sender s(socket());
            if (step == 1)
                raw::send_all(s.socket(), std::as_bytes(std::span("half a greeting")), {s.own().fd()});
            if (step >= 2)
                s.open();
            if (step >= 3)
                (void)s.answer();
            if (step >= 4) {
                s.record(0, 8);
                s.publish(step == 4 ? 0 : 16);
            }
            ::kill(::getpid(), SIGKILL);
        });
        std::uint64_t came = 0;
        for (bool over = false;;) {  // from step 3 on the victim waits for the receiver
            auto const got = in.receive_for(1ms);
            came += got ? 1 : 0;
            BOOST_CHECK(got ? *got == 0U : code(got) == errc::timed_out);
            if (over && !got)
                break;
            ::siginfo_t ended{};
            over = ::waitid(P_PID, static_cast<::id_t>(victim.pid()), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0;
        }
        BOOST_CHECK_EQUAL(came, step == 5 ? 1U : 0U);
    }
    good.send(2);
    good.close().value();
    for (bool seen = false;;) {
        auto const got = in.receive_for(10s);
        if (!got) {
            BOOST_CHECK_EQUAL(code(got), errc::closed);
            BOOST_CHECK(seen);
            break;
        }
        seen = seen || *got == 2;
    }
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::died);
}

BOOST_AUTO_TEST_CASE(what_a_sender_publishes_after_its_socket_is_closed_for_writing_does_not_count)
{
    number::receiver in{where, how};
    word_sender s(socket());
    s.open();
    for (std::uint64_t at = 0; at != 32; at += 16)
        s.record(at, 8);
    s.publish(16);
    ::shutdown(s.socket(), SHUT_WR);
    BOOST_CHECK(in.receive_for(10s).value() == 0U);
    // The receiver looks at the socket when nothing more is published, and that is its last look.
    auto end = in.try_receive();
    while (code(end) == errc::empty)
        end = in.try_receive();
    BOOST_CHECK_EQUAL(code(end), errc::closed);
    s.publish(32);
    BOOST_CHECK_EQUAL(code(in.try_receive()), errc::closed);
}

// The sender's thread never ceases to change every word of its memory. What the receiver shows does not change, has a size
// that a message can have, and what it decodes was checked as it is.
BOOST_AUTO_TEST_CASE(memory_that_changes_while_it_is_read_gives_messages_or_errors)
{
    auto const steal = [&]<class T>(std::type_identity<T>, std::uint64_t mask, auto&& is_good) {
        constexpr std::uint32_t sizes = strait::detail::codec<T>::layout.fixed_size;
        constexpr std::uint64_t stride = sizes != 0 ? 16 : 64;
        std::uint64_t taken = 0;
        std::uint64_t refused = 0;
        strait::error_code last;
        for (int round = 0; round != 60; ++round) {
            typename strait::channel<T, sealed_memory>::receiver in{where, how};
            page->stage = 0;
            auto const scribbler = support::child([&] {
                raw::become_another_user();
                raw::hostile_sender<strait::detail::codec<T>::layout> s(socket());
                s.open();
                page->stage = 1;
                raw::descriptor const of_receiver = s.answer();
                void* const at = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, of_receiver.get(), 0);
                raw::require(at != MAP_FAILED, "map the receiver's memory");
                auto const& consumed = static_cast<raw::sealed_words const*>(at)->position;
                std::uint64_t state = 88172645463325252U + static_cast<std::uint64_t>(round);
                auto const next = [&state] {
                    state ^= state << 13;
                    state ^= state >> 7;
                    return state ^= state << 17;
                };
                for (std::uint64_t position = 0;;) {
                    for (std::uint64_t record = 0; record < 4096; record += stride) {
                        std::uint64_t const r = next();
                        s.record(record, sizes != 0 ? sizes : static_cast<std::uint32_t>(49 + r % 8), r % 64 == 0 ? 0 : raw::stream_frame::data);
                        for (std::uint64_t i = 8; i != stride; i += 8)
                            reinterpret_cast<std::atomic<std::uint64_t>*>(s.own().data() + record + i)->store(next() & mask);
                    }
                    // As much as the ring holds, or now and then, as little as that may be, more.
                    std::uint64_t const most = consumed.load() + 4096;
                    position = std::min(most, position + stride * (next() % 8));
                    s.publish(next() % 4096 == 0 ? position + 4096 : position);
                    s.own().words().sleeps.store(static_cast<std::uint32_t>(next()));
                }
            });
            support::notes::await(page->stage, 1);
            for (int i = 0; i != 200; ++i) {
                auto m = in.borrow_for(10s);
                if (!m) {
                    last = code(m);
                    refused += last == errc::malformed_message ? 1 : 0;
                    BOOST_TEST((code(m) == errc::peer_corrupt || code(m) == errc::malformed_message || code(m) == errc::closed), code(m).message());
                    if (code(m) != errc::malformed_message)
                        break;
                    continue;
                }
                ++taken;
                is_good(**m);
            }
        }
        BOOST_TEST(taken + refused != 0U, "no message was looked at; the last error is " << last.message());
    };
    steal(std::type_identity<std::string>{}, ~std::uint64_t{0}, [](std::string_view m) {
        std::string const first(m);
        BOOST_TEST(m.size() <= 4088U);
        for (int i = 0; i != 100; ++i)
            if (first != m)
                BOOST_FAIL("a message has changed while it was borrowed");
    });
    steal(std::type_identity<bool>{}, 3, [](bool const& m) {
        unsigned char byte = 0;
        std::memcpy(&byte, &m, 1);
        BOOST_TEST(byte <= 1);
    });
    steal(std::type_identity<std::vector<std::string>>{}, 0x0000'0003'0000'0003, [](std::vector<std::string> const& m) { BOOST_TEST(m.size() <= 4088U); });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace sealed_memory_hostile_senders
