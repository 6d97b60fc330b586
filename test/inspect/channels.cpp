// Distributed under the Boost Software License, Version 1.0.
#include "fixture.hpp"

#include <strait/transport/acknowledged.hpp>
#include <strait/transport/mapped_file.hpp>
#include <strait/transport/named_pipe.hpp>
#include <strait/transport/posix_mqueue.hpp>
#include <strait/transport/prioritized.hpp>
#include <strait/transport/realtime_signal.hpp>
#include <strait/transport/sealed_memory.hpp>
#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/sysv_memory.hpp>
#include <strait/transport/sysv_mqueue.hpp>
#include <strait/transport/tcp.hpp>
#include <strait/transport/unix_datagram.hpp>
#include <strait/transport/unix_seqpacket.hpp>
#include <strait/transport/unix_stream.hpp>

#include <support/typed_case.hpp>

#include <chrono>
#include <csignal>
#include <random>
#include <tuple>

#include <fcntl.h>
#include <mqueue.h>
#include <sys/stat.h>
#include <unistd.h>

namespace inspect_channels {

using namespace strait;

namespace {

struct quote {
    std::uint64_t id;
    double price;
};

using every = std::tuple<shm_ring<>, shm_ring<mpsc>, shm_ring<mpmc>, shm_ring<broadcast<lossless>>, shm_ring<broadcast<lossy>>,
                         shm_ring<spsc, adaptive, sysv_memory>, shm_ring<spsc, adaptive, mapped_file>, named_pipe, posix_mqueue, sysv_mqueue,
                         prioritized<sysv_mqueue>, realtime_signal, unix_stream, unix_seqpacket, unix_datagram, sealed_memory>;
using counting = std::tuple<shm_ring<>, shm_ring<mpsc>, shm_ring<mpmc>, shm_ring<broadcast<lossless>>,
                            shm_ring<spsc, adaptive, sysv_memory>, shm_ring<mpsc, adaptive, sysv_memory>, posix_mqueue, sysv_mqueue>;

std::string content_of(std::string const& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

template <class X>
void count_messages(inspection::directory const& d, auto const& message)
{
    using T = std::decay_t<decltype(message)>;
    receiver<T, X> in(d.where);
    sender<T, X> out(d.where);
    for (std::uint64_t round = 0; round != 5; ++round) {
        std::uint64_t const n = 1 + round % 3;
        for (std::uint64_t i = 0; i != n; ++i) {
            BOOST_TEST(d.look().unread.value() == i);
            out.send(message);
        }
        for (std::uint64_t i = n; i != 0; --i) {
            BOOST_TEST(d.look().unread.value() == i);
            (void)in.receive();
        }
    }
    auto const seen = d.look();
    BOOST_TEST((seen.unread == 0u && !seen.unread_at_least && seen.damage.empty()));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(channels_are_listed, inspection::directory)

TYPED_CASE(what_killed_ends_of_every_transport_leave_is_listed_as_orphaned_and_swept, X, every)
{
    auto const open_receiver = [&] { return receiver<std::uint64_t, X>::open(where).value(); };
    auto const open_sender = [&] { return sender<std::uint64_t, X>::open(where).value(); };
    auto in = holding(open_receiver);
    auto out = holding(open_sender);
    auto const alive = look();
    BOOST_TEST((!alive.is_orphaned() && !alive.ends.empty() && alive.damage.empty()));
    for (auto const& end : alive.ends)
        BOOST_TEST((end.process == (end.is_sender ? out : in).pid() && end.state == process_state::running));
    auto const nothing = sweep(here()).value();
    BOOST_TEST(nothing.empty());
    out.kill();
    in.kill();
    auto const dead = look();
    BOOST_TEST((dead.is_orphaned() && dead.unread == 0u));
    BOOST_TEST(dead.joined_receivers > dead.left_receivers);
    auto const dry = sweep(here(), true).value();
    BOOST_TEST_REQUIRE(dry.size() == 1u);
    BOOST_TEST((dry[0].outcome == sweep_outcome::removed));
    BOOST_TEST(std::filesystem::exists(file()));
    auto const swept = sweep(here()).value();
    BOOST_TEST_REQUIRE(swept.size() == 1u);
    BOOST_TEST((swept[0].outcome == sweep_outcome::removed && !swept[0].error));
    BOOST_TEST(swept[0].channel.bytes() >= 8192u);
    BOOST_TEST(!strait::inspect(where).has_value());
}

TYPED_CASE(unread_messages_are_counted_as_they_come_and_go, X, counting)
{
    count_messages<X>(*this, quote{1, 2});
    count_messages<X>(*this, std::string("a message whose size varies"));
}

BOOST_AUTO_TEST_CASE(a_full_ring_that_wraps_is_counted)
{
    sender<quote, shm_ring<>> out(where, {.capacity = 8});
    receiver<quote, shm_ring<>> in(where);
    for (int round = 0; round != 5; ++round) {
        while (out.try_send({}).has_value()) {}
        BOOST_TEST(look().unread.value() == 8u);
        for (std::uint64_t left = 8; left != 3; --left) {
            (void)in.receive();
            BOOST_TEST(look().unread.value() == left - 1);
        }
    }
    BOOST_TEST(remove_channel(where).value().unread.value() == 3u);
}

BOOST_AUTO_TEST_CASE(a_channel_is_described)
{
    auto const before = std::chrono::system_clock::now();
    auto holder = holding([&] { return receiver<quote, shm_ring<>>::open(where, {.capacity = 64}).value(); });
    auto const all = channels(here()).value();
    BOOST_TEST_REQUIRE(all.size() == 1u);
    channel_info const& c = all[0];
    BOOST_TEST(c.where == where.text());
    BOOST_TEST(c.file == file());
    BOOST_TEST(c.transport == "shm_ring/spsc");
    BOOST_TEST(c.type.ends_with("quote"));
    BOOST_TEST((c.schema && c.schema->text().find("f64 price") != std::string::npos));
    BOOST_TEST(c.message_size == sizeof(quote));
    BOOST_TEST(c.capacity == 64u);
    BOOST_TEST((c.retained && !c.keep && c.owner == ::geteuid() && c.mode == 0600u));
    BOOST_TEST((c.joined_receivers == 1u && c.left_receivers == 0u && c.joined_senders == 0u));
    BOOST_TEST_REQUIRE(c.ends.size() == 1u);
    BOOST_TEST((!c.ends[0].is_sender && c.ends[0].place == 0u && c.ends[0].process == holder.pid()));
    BOOST_TEST((c.ends[0].started > before - std::chrono::seconds(2) && c.ends[0].started < before + std::chrono::seconds(60)));
    BOOST_TEST(c.ends[0].command == "inspect");
    holder.signal(SIGSTOP);
    while (look().ends.at(0).state != process_state::stopped)
        ::usleep(1000);
    holder.kill();
    BOOST_TEST(remove_channel(where).has_value());
}

BOOST_AUTO_TEST_CASE(looking_changes_nothing)
{
    receiver<quote, shm_ring<mpsc>> in(where, {.capacity = 64});
    sender<quote, shm_ring<mpsc>> out(where);
    out.send({1, 2});
    std::string const before = content_of(file());
    BOOST_TEST(look().unread.value() == 1u);
    (void)channels(here());
    (void)sweep(here());
    BOOST_TEST((content_of(file()) == before));
    std::vector<support::child> lookers;
    support::shared_page page;
    for (int i = 0; i != 2; ++i)
        lookers.emplace_back([&] {
            while (page->stage == 0)
                if (!channels(here()))
                    return 1;
            return 0;
        });
    (void)in.receive();
    for (std::uint64_t i = 0; i != 100'000; ++i) {
        out.send({i, 0});
        if (in.receive()->id != i)
            BOOST_ERROR("a message is lost");
    }
    page->stage = 1;
    for (auto& l : lookers)
        BOOST_TEST(l.wait() == 0);
}

BOOST_AUTO_TEST_CASE(what_is_unread_or_to_be_kept_stays)
{
    auto const outcome = [&] { return sweep(here()).value().at(0).outcome; };
    holding([&] {
        auto s = sender<quote, shm_ring<>>::open(where).value();
        s.send({7, 8});
        return s;
    }).kill();
    BOOST_TEST((look().is_orphaned() && look().unread == 1u));
    BOOST_TEST((outcome() == sweep_outcome::unread));
    {
        receiver<quote, shm_ring<>> in(where);
        BOOST_TEST(in.receive()->id == 7u);
    }
    BOOST_TEST(!std::filesystem::exists(file()));
    { sender<quote, sysv_mqueue> s(where, {.keep = true}); }
    BOOST_TEST(look().keep);
    BOOST_TEST((outcome() == sweep_outcome::kept));
    BOOST_TEST(remove_channel(where).value().keep);
    BOOST_TEST(!remove_channel(where).has_value());
}

// Over tcp a channel of this host has a name and no path, so it is swept alone, and not with those of others.
BOOST_AUTO_TEST_CASE(what_a_killed_receiver_over_tcp_leaves_is_swept)
{
    std::string const name = support::unique_name();
    holding([&] { return receiver<quote, tcp>::open(name).value(); }).kill();
    auto const dead = strait::inspect(name).value();
    BOOST_TEST((dead.is_orphaned() && dead.unread == 0u && dead.transport == "tcp"));
    detail::channel_place place;
    error_code e = detail::place_of(dead.file, place);
    BOOST_TEST((!e && detail::sweeping::remove_if_unused(place, e) == sweep_outcome::removed));
    BOOST_TEST(!strait::inspect(name).has_value());
}

// A sender that leaves sends a hint, an empty message, to a receiver that sleeps; where that is killed first the hint stays.
BOOST_AUTO_TEST_CASE(hints_in_a_queue_are_not_unread)
{
    holding([&] { return receiver<std::string, posix_mqueue>::open(where).value(); }).kill();
    detail::channel_place place;
    BOOST_TEST((!detail::place_of(file(), place) && !place.at.open_directory()));
    int const queue = ::mq_open(detail::queue_name(place.at).c_str(), O_WRONLY | O_CLOEXEC);
    BOOST_TEST(::mq_send(queue, "", 0, detail::hint_priority) == 0);
    ::close(queue);
    BOOST_TEST((look().is_orphaned() && look().unread == 0u && look().unread_at_least));
    BOOST_TEST((sweep(here()).value().at(0).outcome == sweep_outcome::removed));
}

BOOST_AUTO_TEST_CASE(an_empty_message_in_a_queue_is_unread)
{
    { sender<std::string, posix_mqueue>(where).send(""); }
    BOOST_TEST((sweep(here()).value().at(0).outcome == sweep_outcome::unread));
    BOOST_TEST((receiver<std::string, posix_mqueue>(where).receive() == ""));
}

BOOST_AUTO_TEST_CASE(a_ring_whose_words_are_damaged_is_listed_as_damaged_and_stays)
{
    holding([&] {
        auto s = sender<quote, shm_ring<>>::open(where).value();
        s.send({7, 8});
        return s;
    }).kill();
    int const fd = ::open(file().c_str(), O_RDWR | O_CLOEXEC);
    std::uint64_t const word = 12345;  // no sequence that the first slot can have
    BOOST_TEST(::pwrite(fd, &word, sizeof word, static_cast<::off_t>(detail::ring_data_offset())) == 8);
    ::close(fd);
    BOOST_TEST(!look().damage.empty());
    BOOST_TEST((sweep(here()).value().at(0).outcome == sweep_outcome::damaged));
    BOOST_TEST(remove_channel(where).has_value());
}

TYPED_CASE(scribbled_and_cut_control_files_are_listed_and_can_be_removed, X, counting)
{
    std::mt19937_64 random{3};
    for (int round = 0; round != 40; ++round) {
        holding([&] { return sender<std::string, X>::open(where).value(); }).kill();
        int const fd = ::open(file().c_str(), O_RDWR | O_CLOEXEC);
        if (round % 8 == 7)
            BOOST_TEST(::ftruncate(fd, static_cast<::off_t>(random() % 20'000)) == 0);
        for (std::size_t words = 1 + random() % 60; round % 8 != 7 && words != 0; --words) {
            std::uint64_t const word = round % 3 == 0 ? random() : random() % 5000;
            std::size_t const at = round % 2 == 0 ? random() % 512 : 24 + random() % 1500;
            BOOST_TEST(::pwrite(fd, &word, sizeof word, static_cast<::off_t>(at * 8)) == 8);
        }
        ::close(fd);
        auto const seen = look();
        for (std::string const* text : {&seen.transport, &seen.type, &seen.memory, &seen.damage})
            for (char const c : *text)
                BOOST_TEST_REQUIRE((c >= ' ' && c <= '~'));
        (void)sweep(here(), true);
        BOOST_TEST(remove_channel(where).has_value());
    }
}

BOOST_AUTO_TEST_CASE(bad_places_are_refused)
{
    BOOST_TEST((strait::inspect("nothing-of-this-name").error() == boost::system::errc::no_such_file_or_directory));
    BOOST_TEST((strait::inspect("localhost:1").error() == errc::invalid_endpoint));
    BOOST_TEST((channels({.below = {path + "/missing"}, .named = false}).error() == errc::no_directory));
    std::ofstream(path + "/other.channel") << "of another program";
    BOOST_TEST(channels(here()).value().empty());
    BOOST_TEST(!strait::inspect(path + "/other").value().damage.empty());
    ::unlink((path + "/other.channel").c_str());
}

BOOST_AUTO_TEST_CASE(a_channel_with_a_name_is_found_by_it)
{
    std::string const name = support::unique_name();
    receiver<quote, shm_ring<>> in(name);
    receiver<quote, shm_ring<spsc, adaptive, mapped_file>> on_disk(name + "-disk");
    BOOST_TEST(strait::inspect(name).value().where == name);
    BOOST_TEST(strait::inspect(name + "-disk").value().memory == "mapped_file");
    std::size_t seen = 0;
    auto const all = channels().value();
    for (auto const& c : all)
        seen += c.where == name || c.where == name + "-disk" ? 1 : 0;
    BOOST_TEST(seen == 2u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace inspect_channels
