// Distributed under the Boost Software License, Version 1.0.
// What a selector does when it has so many to wait for that it asks epoll(7), and no longer each of them.

#include <strait.hpp>
#include <strait/detail/wait/epoll_wait_set.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <poll.h>
#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/names.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>
#include <sys/eventfd.h>
#include <unistd.h>

namespace select_many {

namespace {

using namespace std::chrono_literals;
using strait::deadline;
using strait::errc;
using strait::plain_descriptor;

/// Descriptors that are never ready, and make a selector ask epoll.
struct crowd {
    explicit crowd(strait::selector& all, int number = 20)
    {
        for (int i = 0; i != number; ++i) {
            descriptors.emplace_back(::eventfd(0, EFD_CLOEXEC));
            all.add(plain_descriptor{descriptors.back().get()});
        }
    }
    std::vector<strait::detail::descriptor> descriptors;
};

template <class X>
struct pairs {
    using channel = strait::channel<std::uint64_t, X>;

    pairs(strait::selector& all, std::size_t number)
    {
        for (std::size_t i = 0; i != number; ++i)
            ends.push_back(std::make_unique<both>(channel::make_pair().split()));
        for (auto const& p : ends)
            keys.push_back(all.add(p->second));
    }
    std::size_t place_of(std::size_t key) const
    {
        return static_cast<std::size_t>(std::find(keys.begin(), keys.end(), key) - keys.begin());
    }

    using both = std::pair<strait::sender<std::uint64_t, X>, strait::receiver<std::uint64_t, X>>;
    std::vector<std::unique_ptr<both>> ends;
    std::vector<std::size_t> keys;
};

using mechanisms = std::tuple<strait::unix_stream, strait::shm_ring<>, strait::anonymous_pipe, strait::in_process>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(many, support::clean_host)

TYPED_CASE(each_of_many_has_its_turn, X, mechanisms)
{
    strait::selector all;
    pairs<X> p(all, 40);
    for (std::uint64_t i = 0; i != 10; ++i)
        for (auto const& e : p.ends)
            e->first.send(i);
    for (std::uint64_t i = 0; i != 10; ++i) {
        std::set<std::size_t> named;
        for (std::size_t n = 0; n != 40; ++n) {
            auto const chosen = all.wait().value();
            BOOST_TEST(!chosen.error);
            named.insert(chosen.index);
            BOOST_TEST(p.ends.at(p.place_of(chosen.index))->second.try_receive().value() == i);
        }
        BOOST_TEST(named.size() == 40U);
    }
    BOOST_TEST((all.wait(deadline::poll()).error() == errc::empty));
    BOOST_TEST((all.wait(deadline::after(1ms)).error() == errc::timed_out));
}

TYPED_CASE(a_thread_wakes_who_waits_for_many, X, mechanisms)
{
    strait::selector all;
    pairs<X> p(all, 40);
    for (std::uint64_t i = 0; i != 40; ++i) {
        auto& out = p.ends[(i * 7) % 40]->first;
        std::thread sending([&] {
            std::this_thread::sleep_for(std::chrono::microseconds(100 * (i % 5)));  // no synchronisation
            out.send(i);
        });
        auto const chosen = all.wait().value();
        sending.join();
        BOOST_TEST(p.place_of(chosen.index) == (i * 7) % 40);
        BOOST_TEST(p.ends[(i * 7) % 40]->second.try_receive().value() == i);
    }
    for (std::size_t i = 0; i != 40; ++i) {
        p.ends[i]->first.close().value();
        auto const chosen = all.wait().value();
        BOOST_TEST(p.place_of(chosen.index) == i);
        BOOST_TEST((chosen.error == errc::closed));
        BOOST_TEST(all.remove(chosen.index));
    }
    BOOST_TEST(all.empty());
}

/// The application takes a message of one that was not named: the others of that one lie in its end.
TYPED_CASE(what_is_read_ahead_by_the_application_is_named, X, mechanisms)
{
    strait::selector all;
    pairs<X> p(all, 40);
    BOOST_TEST((all.wait(deadline::after(1ms)).error() == errc::timed_out));
    for (std::uint64_t i = 0; i != 3; ++i)
        p.ends[5]->first.send(i);
    BOOST_TEST(p.ends[5]->second.try_receive().value() == 0U);
    for (std::uint64_t i = 1; i != 3; ++i) {
        BOOST_TEST(p.place_of(all.wait().value().index) == 5U);
        BOOST_TEST(p.ends[5]->second.try_receive().value() == i);
    }
}

/// Each of so many asks the kernel seldom whether its sender lives.
BOOST_AUTO_TEST_CASE(a_death_among_hundreds_of_rings_is_seen)
{
    strait::selector all;
    pairs<strait::shm_ring<>> const idle(all, 300);
    for (bool const polls : {false, true}) {
        strait::receiver<std::uint64_t, strait::shm_ring<>> in{name};
        auto const key = all.add(in);
        support::child sender([&] {
            strait::sender<std::uint64_t, strait::shm_ring<>> out{name};
            out.send(1);
            ::pause();
        });
        BOOST_TEST(all.wait().value().index == key);
        BOOST_TEST(in.try_receive().value() == 1U);
        sender.kill();
        auto chosen = all.wait(polls ? deadline::poll() : deadline::never());
        while (!chosen)
            chosen = all.wait(deadline::poll());
        BOOST_TEST(chosen->index == key);
        BOOST_TEST((chosen->error == errc::closed));
        BOOST_TEST((in.end_reason() == strait::end_reason::died));
        BOOST_TEST(all.remove(key));
    }
}

/// Its descriptor has the number of the one before.
TYPED_CASE(an_end_that_was_assigned_to_is_waited_for, X, mechanisms)
{
    strait::selector all;
    pairs<X> p(all, 40);
    BOOST_TEST((all.wait(deadline::after(1ms)).error() == errc::timed_out));
    for (std::size_t i = 0; i != 5; ++i) {
        (void)p.ends[i]->second.close();
        (void)p.ends[i]->first.close();
        *p.ends[i] = pairs<X>::channel::make_pair().split();
        BOOST_TEST((all.wait(deadline::after(1ms)).error() == errc::timed_out));
        p.ends[i]->first.send(7);
        BOOST_TEST(p.place_of(all.wait().value().index) == i);
        BOOST_TEST(p.ends[i]->second.try_receive().value() == 7U);
    }
    (void)p.ends[9]->second.close();
    auto const closed = all.wait().value();
    BOOST_TEST(p.place_of(closed.index) == 9U);
    BOOST_TEST((closed.error == errc::not_open));
}

BOOST_AUTO_TEST_CASE(descriptors_are_waited_for_among_many)
{
    strait::selector all;
    crowd const idle(all);
    strait::detail::descriptor event(::eventfd(0, EFD_CLOEXEC));
    auto const reads = all.add(plain_descriptor{event.get()});
    BOOST_TEST((all.wait(deadline::after(1ms)).error() == errc::timed_out));
    auto const writes = all.add(plain_descriptor{event.get(), POLLOUT});  // the same one once more
    BOOST_TEST(all.wait().value().index == writes);
    std::uint64_t const one = 1;
    BOOST_TEST(::write(event.get(), &one, sizeof one) == 8);
    auto const first = all.wait().value().index;
    auto const second = all.wait().value().index;
    BOOST_TEST(first + second == reads + writes);  // in turns
    BOOST_TEST(all.remove(writes));
    BOOST_TEST(all.wait().value().index == reads);
    BOOST_TEST(all.remove(reads));
    std::FILE* const file = std::tmpfile();  // is always ready, and none for epoll
    auto const always = all.add(plain_descriptor{::fileno(file)});
    BOOST_TEST(all.wait().value().index == always);
    BOOST_TEST(all.wait().value().index == always);
    BOOST_TEST(all.remove(always));
    std::fclose(file);
    auto const closed = all.add(plain_descriptor{900});
    BOOST_TEST((all.wait().value().error == errc::not_open));
    BOOST_TEST(all.remove(closed));
    BOOST_TEST((all.wait(deadline::after(1ms)).error() == errc::timed_out));
}

/// One that is closed too early, while a copy of it stays open: epoll goes on to report it, and cannot be told to forget it.
BOOST_AUTO_TEST_CASE(a_descriptor_that_was_closed_before_it_was_removed_harms_no_other)
{
    strait::selector all;
    crowd const idle(all);
    strait::detail::descriptor event(::eventfd(1, EFD_CLOEXEC));
    strait::detail::descriptor const copy = strait::detail::duplicate(event.get());
    auto const key = all.add(plain_descriptor{event.get()});
    BOOST_TEST(all.wait().value().index == key);
    event.reset();
    BOOST_TEST(all.remove(key));
    BOOST_TEST((all.wait(deadline::after(1ms)).error() == errc::timed_out));
    strait::detail::descriptor const other(::eventfd(1, EFD_CLOEXEC));
    auto const next = all.add(plain_descriptor{other.get()});
    BOOST_TEST(all.wait().value().index == next);
}

BOOST_AUTO_TEST_CASE(a_child_of_fork_reports_that_its_ends_are_the_parents)
{
    strait::selector all;
    pairs<strait::unix_stream> p(all, 40);
    BOOST_TEST((all.wait(deadline::after(1ms)).error() == errc::timed_out));
    support::child other([&] { return all.wait().value().error == errc::inherited_handle ? 0 : 1; });
    BOOST_TEST(other.wait() == 0);
    p.ends[3]->first.send(1);
    BOOST_TEST(p.place_of(all.wait().value().index) == 3U);
}

namespace {

/// An end with a descriptor of its own that counts how often it is looked at.
struct counted {
    int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    std::uint64_t* looks;

    strait::detail::waited_for as_waited_for(std::size_t key)
    {
        strait::detail::waited_for w;
        w.key = key;
        w.end = this;
        w.readiness = [](void* self) {
            auto& c = *static_cast<counted*>(self);
            ++*c.looks;
            std::uint64_t n = 0;
            return ::read(c.event, &n, sizeof n) == 8 ? std::optional(strait::error_code()) : std::nullopt;
        };
        w.arm = [](void* self) {
            auto const& c = *static_cast<counted*>(self);
            return strait::detail::wake_source{.descriptor = c.event, .events = POLLIN, .serial = 1};
        };
        w.disarm = [](void*) {};
        return w;
    }
};

/// unix_stream, whose receivers count how often they are looked at.
struct watched_stream : strait::unix_stream {
    static inline std::uint64_t looks = 0;

    template <strait::message_layout L>
    class receiver_end : public strait::unix_stream::receiver_end<L> {
        using base = strait::unix_stream::receiver_end<L>;

    public:
        explicit receiver_end(base end) : base(std::move(end)) {}
        static strait::result<receiver_end> open(strait::endpoint const& where, options const& how, strait::message_type const& type)
        {
            auto made = base::open(where, how, type);
            if (!made)
                return made.error();
            return receiver_end(std::move(*made));
        }
        std::optional<strait::error_code> readiness()
        {
            ++looks;
            return strait::detail::readiness_of(static_cast<base&>(*this));
        }
    };
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_selector_looks_at_those_that_are_ready_and_not_at_each)
{
    constexpr std::size_t most = 40;
    constexpr std::size_t waits = 200;
    strait::selector all;
    std::vector<std::unique_ptr<strait::receiver<std::uint64_t, watched_stream>>> ins;
    std::vector<strait::sender<std::uint64_t, watched_stream>> outs;
    for (std::size_t i = 0; i != most; ++i) {
        std::string const at = name + '-' + std::to_string(i);
        ins.push_back(std::make_unique<strait::receiver<std::uint64_t, watched_stream>>(at));
        outs.emplace_back(at);
        all.add(*ins.back());
    }
    auto const pass = [&](std::uint64_t i) {
        outs[i * 31 % most].send(i);
        auto const key = all.wait().value().index;
        BOOST_REQUIRE(key == i * 31 % most);
        BOOST_REQUIRE(ins[key]->try_receive().value() == i);
    };
    for (std::size_t i = 0; i != most; ++i)
        pass(i);  // each has accepted its sender
    watched_stream::looks = 0;
    std::int64_t const begun = deadline::now();
    for (std::size_t i = 0; i != waits; ++i)
        pass(i);
    // All of them once a second, and a few in each wait.
    auto const seconds = static_cast<std::uint64_t>((deadline::now() - begun) / 1'000'000'000 + 1);
    BOOST_TEST(watched_stream::looks <= seconds * most + 5 * waits);
    BOOST_TEST_MESSAGE(watched_stream::looks << " looks in " << waits << " waits");
}

BOOST_AUTO_TEST_CASE(a_wait_looks_at_those_that_are_ready_and_not_at_a_thousand)
{
    constexpr std::size_t most = 400;
    constexpr std::size_t waits = 1000;
    std::uint64_t looks = 0;
    std::vector<counted> ends;
    {
        strait::detail::inotify_watcher watcher;
        strait::detail::epoll_wait_set set(watcher);
        BOOST_TEST_REQUIRE(set.open());
        for (std::size_t i = 0; i != most; ++i)
            ends.push_back({.looks = &looks});
        for (std::size_t i = 0; i != most; ++i)
            set.add(ends[i].as_waited_for(i));
        std::int64_t const begun = deadline::now();
        for (std::size_t i = 0; i != waits; ++i) {
            std::uint64_t const one = 1;
            BOOST_REQUIRE(::write(ends[i * 31 % most].event, &one, sizeof one) == 8);
            BOOST_REQUIRE(set.wait(deadline::never()).value().key == i * 31 % most);
        }
        // Twice all of them in the beginning, all of them once a second, and one or two that are ready in each wait.
        auto const seconds = static_cast<std::uint64_t>((deadline::now() - begun) / 1'000'000'000 + 1);
        BOOST_TEST(looks <= 2 * most + seconds * most + 3 * waits);
    }
    for (counted const& c : ends)
        ::close(c.event);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace select_many
