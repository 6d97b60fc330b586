// Distributed under the Boost Software License, Version 1.0.
#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/messages.hpp>
#include <support/print.hpp>
#include <support/raw_peer.hpp>
#include <support/standard_descriptors.hpp>
#include <support/typed_case.hpp>

#include <strait/channel.hpp>
#include <strait/detail/socket/socket_bytes.hpp>
#include <strait/shared_memory.hpp>
#include <strait/transport/in_process.hpp>
#include <strait/transport/unix_seqpacket.hpp>
#include <strait/transport/unix_stream.hpp>
#include <strait/unique_fd.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

// Descriptors as parts of messages.
namespace {

using namespace std::chrono_literals;
using strait::errc;
using strait::unique_fd;

using mechanisms = std::tuple<strait::unix_stream, strait::unix_seqpacket>;

struct job {
    std::string name;
    unique_fd input;
};

struct crowd {
    std::vector<unique_fd> many;
    std::optional<unique_fd> perhaps;
    std::variant<int, unique_fd> either;
    std::map<std::string, unique_fd> named;
    std::array<unique_fd, 2> two;
};

// A file whose content is this number, so that it can be told wherever it turns up.
unique_fd numbered(std::uint64_t number)
{
    unique_fd file(::memfd_create("number", MFD_CLOEXEC));
    BOOST_REQUIRE_EQUAL(::write(file.get(), &number, sizeof number), static_cast<::ssize_t>(sizeof number));
    return file;
}

std::uint64_t number_in(unique_fd const& file)
{
    std::uint64_t number = ~std::uint64_t{};
    return ::pread(file.get(), &number, sizeof number, 0) == static_cast<::ssize_t>(sizeof number) ? number : ~std::uint64_t{};
}

struct fixture : support::clean_host {
    template <class X>
    raw_peer foreign() const
    {
        int const type = std::is_same_v<X, strait::unix_stream> ? SOCK_STREAM : SOCK_SEQPACKET;
        return {support::channel_directory() + "/" + name + ".sock", type};
    }
};

// A frame that a foreign program makes: what it says, and what it sends along.
void send_frame(raw_peer const& peer, std::string const& payload, std::uint32_t kind, std::vector<int> const& handles)
{
    strait::detail::stream_frame const f{static_cast<std::uint32_t>(payload.size()), kind};
    std::vector<std::byte> bytes(strait::detail::stream_frame::bytes(payload.size()));
    std::memcpy(bytes.data(), &f, sizeof f);
    std::memcpy(bytes.data() + sizeof f, payload.data(), payload.size());
    auto const sent = handles.empty() ? ::send(peer.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL)
                                      : strait::detail::send_with_handles(peer.fd(), bytes, handles);
    BOOST_REQUIRE_EQUAL(sent, static_cast<::ssize_t>(bytes.size()));
}

template <class T>
std::string encoded(T const& message)
{
    std::string bytes(strait::detail::codec<T>::size(message), '\0');
    strait::detail::departing_handles const beside;
    strait::detail::codec<T>::encode(message, std::as_writable_bytes(std::span(bytes)));
    return bytes;
}

template <class T>
constexpr strait::message_layout layout_of = strait::detail::codec<T>::layout;

std::uint32_t with(std::size_t handles) { return strait::detail::stream_frame::kind_of(handles); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(handles, fixture)

TYPED_CASE(another_process_gets_a_descriptor_of_its_own, X, mechanisms)
{
    strait::receiver<job, X> in{name};
    support::child sender([&] {
        strait::sender<job, X> out{name};
        auto const file = numbered(42);
        out.send({"of a process that is gone", unique_fd(::dup(file.get()))});
    });
    auto const got = in.receive();
    BOOST_CHECK_EQUAL(sender.wait(), 0);
    BOOST_REQUIRE(got);
    BOOST_CHECK_EQUAL(got->name, "of a process that is gone");
    BOOST_CHECK_EQUAL(number_in(got->input), 42U);
    BOOST_CHECK((::fcntl(got->input.get(), F_GETFD) & FD_CLOEXEC) != 0);
    BOOST_CHECK(!in.receive());
}

TYPED_CASE(what_arrives_gets_no_standard_number, X, mechanisms)
{
    BOOST_CHECK_EQUAL(support::with_standard_descriptors_closed([&] {
        strait::receiver<unique_fd, X> in{name};
        strait::sender<unique_fd, X> out{name};
        out.send(strait::unique_fd(::fcntl(::memfd_create("first", MFD_CLOEXEC), F_DUPFD_CLOEXEC, 3)));
        ::close(STDIN_FILENO);  // the number that the file had first
        auto const got = in.receive();
        auto const memory = strait::shared_memory::create(4096);
        return got && *got && memory && support::standard_descriptors_are_closed() ? 0 : 1;
    }), 0);
}

BOOST_AUTO_TEST_CASE(a_descriptor_of_the_application_stays_as_it_is)
{
    BOOST_CHECK_EQUAL(support::with_standard_descriptors_closed([&] {
        int const file = ::memfd_create("first", MFD_CLOEXEC);
        unique_fd owned(file);
        unique_fd moved(std::move(owned));
        unique_fd assigned;
        assigned = std::move(moved);
        unique_fd last;
        last.reset(assigned.release());
        return file == STDIN_FILENO && last.get() == file && ::fcntl(file, F_GETFD) != -1 ? 0 : 1;
    }), 0);
}

TYPED_CASE(the_sender_keeps_what_it_sent, X, mechanisms)
{
    strait::receiver<unique_fd, X> in{name};
    strait::sender<unique_fd, X> out{name};
    auto const file = numbered(1);
    out.send(file);
    out.send(file);
    BOOST_CHECK_EQUAL(number_in(file), 1U);
    BOOST_CHECK_EQUAL(number_in(in.receive().value()), 1U);
    unique_fd again;
    BOOST_CHECK(in.receive(again));
    BOOST_CHECK_EQUAL(number_in(again), 1U);
    BOOST_CHECK(again.get() != file.get());
}

TYPED_CASE(each_finds_its_place_and_none_stays_none, X, mechanisms)
{
    strait::receiver<crowd, X> in{name};
    strait::sender<crowd, X> out{name};
    crowd c;
    for (std::uint64_t i = 0; i != 5; ++i)
        c.many.push_back(i == 2 ? unique_fd() : numbered(i));
    c.perhaps = numbered(10);
    c.either = numbered(11);
    c.named["a"] = numbered(12);
    c.named["b"] = numbered(13);
    c.two[1] = numbered(14);
    out.send(c);
    auto const got = in.receive();
    BOOST_REQUIRE(got);
    BOOST_REQUIRE_EQUAL(got->many.size(), 5U);
    for (std::uint64_t i = 0; i != 5; ++i)
        BOOST_CHECK(i == 2 ? !got->many[i] : number_in(got->many[i]) == i);
    BOOST_CHECK_EQUAL(number_in(*got->perhaps), 10U);
    BOOST_CHECK_EQUAL(number_in(std::get<unique_fd>(got->either)), 11U);
    BOOST_CHECK_EQUAL(number_in(got->named.at("a")), 12U);
    BOOST_CHECK_EQUAL(number_in(got->named.at("b")), 13U);
    BOOST_CHECK(!got->two[0]);
    BOOST_CHECK_EQUAL(number_in(got->two[1]), 14U);

    out.send({});
    BOOST_CHECK(in.receive()->many.empty());
}

TYPED_CASE(a_message_has_at_most_64, X, mechanisms)
{
    strait::receiver<std::vector<unique_fd>, X> in{name};
    strait::sender<std::vector<unique_fd>, X> out{name};
    std::vector<unique_fd> many;
    for (std::uint64_t i = 0; i != 64; ++i)
        many.push_back(numbered(i));
    out.send(many);
    many.push_back(numbered(64));
    BOOST_CHECK_EQUAL(out.try_send(many).error(), errc::too_many_descriptors);
    many.resize(1);
    out.send(many);
    auto const all = in.receive();
    BOOST_REQUIRE_EQUAL(all->size(), 64U);
    for (std::uint64_t i = 0; i != 64; ++i)
        BOOST_CHECK_EQUAL(number_in((*all)[i]), i);
    BOOST_CHECK_EQUAL(in.receive()->size(), 1U);
}

// A stream takes some of these in several parts, and gives up others while the rest of the one before is still with us.
TYPED_CASE(a_full_channel_mixes_up_no_descriptors, X, mechanisms)
{
    std::uint64_t const longest = std::is_same_v<X, strait::unix_stream> ? 700'000 : 70'000;
    auto const size = [&](std::uint64_t n) { return 1 + support::mixed(n) % longest; };
    strait::receiver<job, X> in{name};
    strait::sender<job, X> out{name, {.linger = 0ns}};
    std::uint64_t sent = 0;
    std::uint64_t seen = 0;
    std::uint64_t full = 0;
    for (std::uint64_t step = 0; step != static_cast<std::uint64_t>(support::rounds(2000)); ++step) {
        if (support::mixed(step) % 4 < (step / 100 % 2 == 0 ? 3U : 1U)) {
            job const j{std::string(size(sent), 'x'), sent % 4 == 0 ? unique_fd() : numbered(sent)};
            if (auto const done = out.try_send(j)) {
                ++sent;
            } else {
                BOOST_REQUIRE_EQUAL(done.error(), errc::full);
                ++full;
            }
        } else if (auto const got = in.try_receive()) {
            BOOST_REQUIRE_EQUAL(got->name.size(), size(seen));
            BOOST_REQUIRE(seen % 4 == 0 ? !got->input : number_in(got->input) == seen);
            ++seen;
        } else {
            BOOST_REQUIRE_EQUAL(got.error(), errc::empty);
        }
    }
    BOOST_CHECK(seen > 20);
    BOOST_CHECK(full > 20);
}

TYPED_CASE(a_batch_takes_the_descriptors_of_each_along, X, mechanisms)
{
    strait::receiver<job, X> in{name};
    strait::sender<job, X> out{name};
    std::array<job, 10> jobs;
    for (std::uint64_t i = 0; i != jobs.size(); ++i)
        jobs[i] = {std::to_string(i), numbered(i)};
    BOOST_CHECK_EQUAL(out.send_batch(jobs), jobs.size());
    std::array<job, 10> got;
    std::size_t n = 0;
    while (n != got.size())
        n += in.receive_batch(std::span(got).subspan(n));
    for (std::uint64_t i = 0; i != got.size(); ++i)
        BOOST_CHECK_EQUAL(number_in(got[i].input), i);
}

TYPED_CASE(what_is_claimed_and_borrowed_has_them_too, X, mechanisms)
{
    strait::receiver<job, X> in{name};
    strait::sender<job, X> out{name};
    auto c = out.claim();
    c->input = numbered(5);
    c.commit();
    {
        auto const b = in.borrow();
        BOOST_REQUIRE(b);
        BOOST_CHECK_EQUAL(number_in(b->input), 5U);
    }
}

TYPED_CASE(what_nobody_received_is_closed, X, mechanisms)
{
    strait::sender<job, X> out{name};
    {
        strait::receiver<job, X> in{name};
        out.send({"read ahead, perhaps", numbered(1)});
        out.send({"not read", numbered(2)});
        BOOST_CHECK(in.receive());
    }
    BOOST_CHECK_EQUAL(out.send_for({"to nobody", numbered(3)}, 100ms).error(), errc::no_receiver);
    strait::receiver<job, X> next{name};
    out.send({"to the next", numbered(4)});
    BOOST_CHECK_EQUAL(number_in(next.receive()->input), 4U);
}

TYPED_CASE(a_pair_carries_them_over_fork, X, mechanisms)
{
    auto pair = strait::channel<unique_fd, X>::make_pair();
    support::child worker([&] {
        auto in = std::move(pair).receiver();
        auto const first = in.receive();
        return first && number_in(*first) == 7 && !in.receive() ? 0 : 1;
    });
    {
        auto out = std::move(pair).sender();
        out.send(numbered(7));
    }
    BOOST_CHECK_EQUAL(worker.wait(), 0);
}

TYPED_CASE(a_receiver_out_of_descriptors_says_so_and_goes_on, X, mechanisms)
{
    strait::receiver<std::vector<unique_fd>, X> in{name};
    strait::sender<std::vector<unique_fd>, X> out{name};
    std::vector<unique_fd> three;
    for (std::uint64_t i = 0; i != 3; ++i)
        three.push_back(numbered(i));
    out.send({});
    BOOST_CHECK(in.receive());  // it is connected now
    out.send(three);
    ::rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    ::rlimit tight = before;
    tight.rlim_cur = static_cast<::rlim_t>(::dup(0)) + 1;  // the lowest free one
    ::close(static_cast<int>(tight.rlim_cur) - 1);
    ::setrlimit(RLIMIT_NOFILE, &tight);
    auto const told = in.receive_for(10s);
    ::setrlimit(RLIMIT_NOFILE, &before);
    BOOST_CHECK_EQUAL(told.error(), errc::descriptor_limit);
    BOOST_CHECK_EQUAL(in.stats().dropped, 1U);
    out.send(three);
    auto const got = in.receive();
    BOOST_REQUIRE_EQUAL(got->size(), 3U);
    BOOST_CHECK_EQUAL(number_in((*got)[2]), 2U);
}

TYPED_CASE(lies_about_descriptors_are_malformed_and_leave_nothing_open, X, mechanisms)
{
    strait::receiver<std::vector<unique_fd>, X> in{name};
    strait::sender<std::vector<unique_fd>, X> honest{name};
    auto const file = numbered(9);
    std::vector<unique_fd> two(2);
    two[0] = numbered(1);
    two[1] = numbered(2);
    honest.send({});
    BOOST_CHECK(in.receive()->empty());  // it is connected now
    std::string const says_two = encoded(two);
    std::string const says_none = encoded(std::vector<unique_fd>());
    std::string wrong_order = says_two;
    std::swap(wrong_order[4], wrong_order[8]);
    struct lie {
        std::string payload;
        std::uint32_t kind;
        std::size_t sent;
    };
    for (lie const& l : {lie{says_two, with(2), 0}, {says_two, with(2), 1}, {says_two, with(2), 3}, {says_two, with(1), 1},
                         {says_two, with(0), 0}, {says_two, with(0), 2}, {says_none, with(2), 2}, {says_none, with(0), 2},
                         {wrong_order, with(2), 2}, {says_none, with(65), 65}, {says_none, with(255), 253}}) {
        auto const before = support::open_descriptors();
        {
            auto const peer = foreign<X>();
            peer.greet(layout_of<std::vector<unique_fd>>);
            send_frame(peer, l.payload, l.kind, std::vector<int>(l.sent, file.get()));
            auto told = in.receive_for(10s);
            // Its bytes are a message: the descriptors are nobody's, and end the connection when nothing follows.
            if (l.payload == says_none && l.kind == with(0))
                told = in.receive_for(10s);
            BOOST_CHECK_EQUAL(told.error(), errc::malformed_message);
        }
        honest.send(two);
        auto got = in.receive_for(10s);
        while (!got && got.error() == errc::malformed_message)  // a liar may be told twice: message, and connection
            got = in.receive_for(10s);
        BOOST_REQUIRE(got);
        BOOST_REQUIRE_EQUAL(got->size(), 2U);
        BOOST_CHECK_EQUAL(number_in((*got)[1]), 2U);
        (void)in.try_receive();  // sees that the liar has gone
        BOOST_CHECK_EQUAL(support::open_descriptors(), before + 2);  // what `got` holds
    }
}

/// Each begins a message, sends as many descriptors along as the kernel takes, and goes no further.
BOOST_AUTO_TEST_CASE(unfinished_messages_do_not_use_up_the_descriptors)
{
    using X = strait::unix_stream;
    strait::receiver<std::vector<unique_fd>, X> in{name};
    strait::sender<std::vector<unique_fd>, X> honest{name};
    honest.send({});
    BOOST_CHECK(in.receive()->empty());
    ::rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    ::rlimit tight = before;
    tight.rlim_cur = 1024;
    BOOST_TEST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    auto const file = numbered(9);
    std::size_t const open_before = support::open_descriptors();
    for (std::size_t const sent : {253U, 64U}) {
        std::vector<raw_peer> peers;
        for (std::size_t i = 0; i != 40; ++i) {
            peers.push_back(foreign<X>());
            peers.back().greet(layout_of<std::vector<unique_fd>>);
            strait::detail::stream_frame const begun{4000, with(64)};
            std::vector<int> const many(sent, file.get());
            BOOST_TEST(strait::detail::send_with_handles(peers.back().fd(), std::as_bytes(std::span(&begun, 1)), many) == 8);
            BOOST_TEST(!in.try_receive());
            BOOST_TEST(!in.try_receive());
            // Beside both sockets of each peer.
            BOOST_TEST(support::open_descriptors() <= open_before + 2 * peers.size() + 256);
        }
        // Who sends whole messages is not affected.
        std::vector<unique_fd> two(2);
        two[0] = numbered(1);
        two[1] = numbered(2);
        honest.send(two);
        std::optional<std::vector<unique_fd>> got;
        while (!got)
            if (auto m = in.receive_for(60s); m)
                got.emplace(std::move(*m));
            else
                BOOST_TEST_REQUIRE(m.error() == errc::malformed_message);
        BOOST_TEST(number_in(got->at(1)) == 2U);
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
}

TYPED_CASE(unexpected_ones_are_closed, X, mechanisms)
{
    strait::receiver<std::uint64_t, X> in{name};
    auto const file = numbered(9);
    auto const peer = foreign<X>();
    peer.greet(layout_of<std::uint64_t>);
    auto const before = support::open_descriptors();
    send_frame(peer, std::string(8, 'x'), with(0), std::vector<int>(5, file.get()));
    BOOST_CHECK(in.receive());
    BOOST_CHECK_EQUAL(support::open_descriptors(), before + 1);  // the connection
    send_frame(peer, std::string(8, 'x'), with(5), std::vector<int>(5, file.get()));
    BOOST_CHECK_EQUAL(in.receive_for(10s).error(), errc::malformed_message);
}

TYPED_CASE(a_killed_sender_tears_no_message_from_its_descriptor, X, mechanisms)
{
    for (int round = 0; round != support::rounds(20); ++round) {
        auto const where = support::unique_name();
        strait::receiver<job, X> in{where};
        support::child victim([&] {
            strait::sender<job, X> out{where};
            for (std::uint64_t i = 0;; ++i)
                out.send({std::to_string(i), numbered(i)});
        });
        std::uint64_t expected = 0;
        for (; expected != static_cast<std::uint64_t>(3 + round); ++expected) {
            auto const got = in.receive();
            BOOST_REQUIRE(got);
            BOOST_REQUIRE_EQUAL(number_in(got->input), expected);
        }
        victim.kill();
        while (auto const got = in.receive()) {
            BOOST_REQUIRE_EQUAL(got->name, std::to_string(expected));
            BOOST_REQUIRE_EQUAL(number_in(got->input), expected++);
        }
        BOOST_CHECK(in.end_reason() == strait::end_reason::died);
    }
}

TYPED_CASE(a_block_of_memory_is_the_same_in_both_processes, X, mechanisms)
{
    struct picture {
        std::uint32_t width = 0;
        strait::shared_memory pixels;
    };
    strait::receiver<picture, X> in{name};
    support::child painter([&] {
        strait::sender<picture, X> out{name};
        auto pixels = strait::shared_memory::create(8 << 20).value();
        pixels.bytes()[8'000'000] = std::byte{1};
        auto const same = pixels.bytes();
        out.send({1920, std::move(pixels)});
        return same.size() == 8U << 20 ? 0 : 1;
    });
    auto got = in.receive();
    BOOST_REQUIRE(got && got->pixels);
    BOOST_CHECK_EQUAL(painter.wait(), 0);
    BOOST_CHECK_EQUAL(got->pixels.size(), 8U << 20);
    BOOST_CHECK(got->pixels.bytes()[8'000'000] == std::byte{1});

    auto pair = strait::channel<strait::shared_memory, X>::make_pair();
    auto [to, from] = std::move(pair).split();
    to.send(got->pixels);
    auto const same = from.receive().value();
    same.bytes()[5] = std::byte{7};
    BOOST_CHECK(got->pixels.bytes()[5] == std::byte{7});
    BOOST_CHECK(same.bytes().data() != got->pixels.bytes().data());
    to.send({});
    BOOST_CHECK(!from.receive().value());
    to.send(strait::shared_memory::create(0).value());
    BOOST_CHECK(from.receive().value());
    BOOST_CHECK_EQUAL(strait::shared_memory::create(std::size_t{1} << 50).error(), errc::out_of_memory);
}

TYPED_CASE(a_block_that_could_shrink_or_is_none_is_malformed, X, mechanisms)
{
    strait::receiver<strait::shared_memory, X> in{name};
    strait::sender<strait::shared_memory, X> honest{name};
    honest.send({});
    BOOST_CHECK(in.receive());
    auto const block = strait::shared_memory::create(8).value();
    std::string const says_8 = encoded(block);
    std::string says_9 = says_8;
    says_9[4] = 9;
    unique_fd const file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    auto const unsealed = numbered(1);
    unique_fd const readable(::memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    BOOST_REQUIRE_EQUAL(::ftruncate(readable.get(), 8), 0);
    BOOST_REQUIRE_EQUAL(::fcntl(readable.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE), 0);
    unique_fd const good(::memfd_create("good", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    BOOST_REQUIRE_EQUAL(::ftruncate(good.get(), 8), 0);
    BOOST_REQUIRE_EQUAL(::fcntl(good.get(), F_ADD_SEALS, F_SEAL_SHRINK), 0);
    auto const peer = foreign<X>();
    peer.greet(layout_of<strait::shared_memory>);
    for (auto const& [payload, fd] : {std::pair(says_8, file.get()), {says_8, unsealed.get()}, {says_8, readable.get()}, {says_9, good.get()}}) {
        send_frame(peer, payload, with(1), {fd});
        BOOST_CHECK_EQUAL(in.receive_for(10s).error(), errc::malformed_message);
    }
    send_frame(peer, says_8, with(1), {good.get()});
    BOOST_CHECK_EQUAL(in.receive()->size(), 8U);
}

BOOST_AUTO_TEST_CASE(between_threads_they_are_moved)
{
    auto [out, in] = strait::channel<job, strait::in_process>::make_pair().split();
    job j{"moved", numbered(3)};
    int const same = j.input.get();
    out.send(std::move(j));
    BOOST_CHECK_EQUAL(in.receive()->input.get(), same);
}

BOOST_AUTO_TEST_SUITE_END()
