// Distributed under the Boost Software License, Version 1.0.
#include <connection/fixture.hpp>
#include <support/thread_prepared_for_stops.hpp>
#include <support/typed_case.hpp>

#include <strait/select.hpp>

#include <stop_token>

#include <poll.h>
#include <sys/resource.h>

namespace connection_both_ways {

using namespace connections;

namespace {

/// A process that welcomes one client, and then does this with its connection.
template <class S, class Then>
support::child welcoming(strait::endpoint const& where, Then then)
{
    return support::child([&] {
        acceptor_of<S> door{where};
        auto c = door.accept();
        c.send("welcome");
        then(c);
    });
}

}  // namespace

TYPED_CASE(messages_go_both_ways_between_processes, S, subjects)
{
    clean_host const clean;
    auto const where = S::where();
    support::child server([&] {
        acceptor_of<S> door{where};
        auto c = door.accept();
        echo(c);
        return c.end_reason() == strait::end_reason::left ? 0 : 1;
    });
    client_of<S> c{where};
    for (std::uint64_t i = 0; i != 1000; ++i) {
        c.send({i});
        BOOST_REQUIRE((c.receive() == "answer " + std::to_string(i)));
    }
    for (std::uint64_t i = 0; i != 40; ++i)
        c.send({i});
    for (std::uint64_t i = 0; i != 40; ++i)
        BOOST_REQUIRE((c.receive() == "answer " + std::to_string(i)));
    BOOST_TEST(c.close().has_value());
    BOOST_TEST(server.wait() == 0);
}

TYPED_CASE(a_client_sees_that_its_server_has_left, S, subjects)
{
    clean_host const clean;
    auto const where = S::where();
    auto server = welcoming<S>(where, [](auto& c) { (void)c.receive(); });
    client_of<S> c{where};
    BOOST_TEST((c.receive() == "welcome"));
    c.send({1});
    BOOST_TEST(!c.receive());
    BOOST_TEST((c.end_reason() == strait::end_reason::left));
    BOOST_TEST(server.wait() == 0);
}

TYPED_CASE(either_side_sees_that_the_other_was_killed, S, subjects)
{
    clean_host const clean;
    auto const where = S::where();
    {
        auto server = welcoming<S>(where, [](auto&) { ::pause(); });
        client_of<S> c{where};
        BOOST_TEST((c.receive() == "welcome"));
        server.kill();
        BOOST_TEST(!c.receive());
        BOOST_TEST((c.end_reason() == strait::end_reason::died));
        // Sending cannot succeed for ever, and does not wait for ever.
        strait::result<void> sent;
        for (std::uint64_t i = 0; sent; ++i)
            sent = c.send_for({i}, 5s);
        BOOST_TEST((sent.error() == errc::no_receiver), sent.error().message());
    }
    {
        acceptor_of<S> door{where};
        support::child client([&] {
            client_of<S> c{where};
            c.send({7});
            ::pause();
        });
        auto c = door.accept();
        BOOST_TEST(c.receive()->number == 7U);
        client.kill();
        BOOST_TEST(!c.receive());
        BOOST_TEST((c.end_reason() == strait::end_reason::died));
    }
}

/// Either side sends three messages, and leaves or is killed while what the other has sent to it is unread. Over tcp a death
/// may take along what was sent.
TYPED_CASE(what_was_sent_arrives_though_its_sender_goes_with_something_unread, S, subjects)
{
    clean_host const clean;
    auto const where = S::where();
    bool const survives = S::transport::guarantees.committed_when != strait::commit_point::never;
    auto const close = [](auto& c) { return c.close() ? 0 : 1; };
    auto const die = [](auto&) { return ::raise(SIGKILL); };
    auto const as_client = [&](int round, auto end) {
        acceptor_of<S> acceptor{where};
        support::shared_page page;
        support::child client([&] {
            client_of<S> c{where};
            notes::await(page->proceed, 1);
            for (std::uint64_t i = 0; i != 3; ++i)
                c.send({i});
            return end(c);
        });
        auto c = acceptor.accept();
        c.send("not read");
        page->proceed = 1;
        int const status = client.wait();
        BOOST_TEST((status == 0 || status == -SIGKILL));
        if (round % 2 == 1)  // what a reset is reported to first: a send, or a receive
            (void)c.send_for("not read either", 10s);
        for (std::uint64_t i = 0; i != 3; ++i)
            BOOST_TEST(c.receive().value_or(question{99}).number == i);
        BOOST_TEST(!c.receive());
        BOOST_TEST((c.end_reason() == (status == 0 ? strait::end_reason::left : strait::end_reason::died)));
    };
    auto const as_server = [&](auto end) {
        support::shared_page page;
        support::child server([&] {
            acceptor_of<S> acceptor{where};
            auto c = acceptor.accept();
            notes::await(page->proceed, 1);
            for (std::uint64_t i = 0; i != 3; ++i)
                c.send(std::to_string(i));
            return end(c);
        });
        client_of<S> c{where};
        c.send({5});
        page->proceed = 1;
        int const status = server.wait();
        BOOST_TEST((status == 0 || status == -SIGKILL));
        for (std::uint64_t i = 0; i != 3; ++i)
            BOOST_TEST(c.receive().value_or("nothing") == std::to_string(i));
        BOOST_TEST(!c.receive());
        BOOST_TEST((c.end_reason() == (status == 0 ? strait::end_reason::left : strait::end_reason::died)));
    };
    for (int round = 0; round != support::rounds(10); ++round) {
        as_client(round, close);
        as_server(close);
        if (survives) {
            as_client(round, die);
            as_server(die);
        }
    }
    acceptor_of<S> const next{where};  // leaves nothing of the killed ones
}

using over_tcp = by_address<strait::tcp, AF_INET>;
constexpr std::uint64_t fills_the_buffers = 20'000;  // messages: more than the receiving buffer takes, and less than both

/// A client that sends, when it may, what fills the buffers of tcp, and leaves.
support::child leaving_client(strait::endpoint const& where, std::chrono::milliseconds linger, support::shared_page& page)
{
    return support::child([&page, where, linger] {
        client_of<over_tcp> c{where, {.linger = linger}};
        notes::await(page->proceed, 1);
        for (std::uint64_t i = 0; i != fills_the_buffers; ++i)
            c.send({i});
        page->stage = 1;
        return c.close() ? 0 : 1;
    });
}

/// The kernel still holds most of what was sent when the sender leaves. An orderly end must not become a reset for what is unread.
BOOST_AUTO_TEST_CASE(what_fills_the_buffers_of_tcp_arrives_though_its_sender_leaves_with_something_unread)
{
    clean_host const clean;
    auto const where = over_tcp::where();
    acceptor_of<over_tcp> acceptor{where};
    support::shared_page page;
    auto client = leaving_client(where, 100ms, page);  // it does not wait until all is delivered
    auto c = acceptor.accept();
    c.send("not read");
    page->proceed = 1;
    BOOST_TEST(client.wait() == 0);
    std::uint64_t next = 0;
    while (auto const q = c.receive())
        BOOST_REQUIRE(q->number == next++);
    BOOST_TEST(next == fills_the_buffers);
    BOOST_TEST((c.end_reason() == strait::end_reason::left));
}

/// What the acceptor's side says meanwhile comes to a client that is closing.
BOOST_AUTO_TEST_CASE(what_fills_the_buffers_of_tcp_arrives_though_its_client_leaves_while_the_other_side_goes_on_sending)
{
    clean_host const clean;
    auto const where = over_tcp::where();
    acceptor_of<over_tcp> acceptor{where};
    support::shared_page page;
    page->proceed = 1;
    auto client = leaving_client(where, 60s, page);
    auto c = acceptor.accept();
    notes::await(page->stage, 1);
    std::uint64_t next = 0;
    while (auto const q = c.receive()) {
        BOOST_REQUIRE(q->number == next++);
        if (next % 100 == 0)
            (void)c.send_for("not read", 10s);
    }
    BOOST_TEST(next == fills_the_buffers);
    BOOST_TEST((c.end_reason() == strait::end_reason::left));
    BOOST_TEST(client.wait() == 0);
}

using one_socket_subjects = std::tuple<by_name<strait::unix_stream>, by_name<strait::unix_seqpacket>, over_tcp>;

/// Each side has a limit of its own.
TYPED_CASE(a_message_that_is_larger_than_the_other_side_takes_is_an_error_there_and_the_end_of_the_connection, S, one_socket_subjects)
{
    clean_host const clean;
    auto const where = S::where();
    strait::acceptor<std::string, std::string, typename S::transport> acceptor{where, {.max_message_size = 1024}};
    support::child client([&] {
        strait::connection<std::string, std::string, typename S::transport> c{where, {.max_message_size = 16384}};
        c.send(std::string(1024, 'a'));
        c.send(std::string(1025, 'b'));
        (void)c.send_for("lost", 10s);
        if (c.receive_for(60s).error() != errc::closed || c.end_reason() == strait::end_reason::none)
            return 1;
        for (;;)
            if (auto const sent = c.send_for("nobody reads this", 60s); !sent)
                return sent.error() == errc::no_receiver ? 0 : 2;
    });
    {
        auto c = acceptor.accept();
        BOOST_TEST(c.receive_for(60s).value() == std::string(1024, 'a'));
        BOOST_TEST((c.receive_for(60s).error() == errc::malformed_message));
        BOOST_TEST((c.receive_for(60s).error() == errc::closed));
        BOOST_TEST((c.end_reason() == strait::end_reason::died));
    }
    BOOST_TEST(client.wait() == 0);
}

TYPED_CASE(one_thread_serves_a_hundred_clients, S, subjects)
{
    clean_host const clean;
    constexpr std::size_t most = support::sanitized ? 20 : 100;
    auto const where = S::where();
    std::vector<support::child> clients;
    {
        acceptor_of<S> door{where};
        for (std::size_t i = 0; i != most; ++i)
            clients.emplace_back([&where, i] {
                client_of<S> c{where};
                for (std::uint64_t n = i; n != i + 20; ++n) {
                    c.send({n});
                    if (c.receive() != "answer " + std::to_string(n))
                        return 1;
                }
                return 0;
            });
        using served = typename acceptor_of<S>::connection_type;
        std::map<std::size_t, std::unique_ptr<served>> all;
        strait::selector waits;
        std::size_t const come = waits.add(strait::plain_descriptor{door.native_handle()});
        std::size_t gone = 0;
        while (gone != most) {
            auto const chosen = waits.wait().value();
            if (chosen.index == come) {
                while (auto c = door.try_accept()) {
                    auto kept = std::make_unique<served>(std::move(*c));
                    auto const key = waits.add(*kept);
                    all.emplace(key, std::move(kept));
                }
                continue;
            }
            served& c = *all.at(chosen.index);
            if (chosen.error) {
                BOOST_TEST((chosen.error == errc::closed));
                BOOST_TEST((c.end_reason() == strait::end_reason::left));
                waits.remove(chosen.index);
                all.erase(chosen.index);
                ++gone;
            } else {
                c.send("answer " + std::to_string(c.try_receive().value().number));
            }
        }
    }
    for (auto& c : clients)
        BOOST_TEST(c.wait() == 0);
}

TYPED_CASE(a_second_acceptor_is_told_that_there_is_one, S, subjects)
{
    clean_host const clean;
    auto const where = S::where();
    acceptor_of<S> const door{where};
    BOOST_TEST((acceptor_of<S>::open(where).error() == errc::busy));
}

TYPED_CASE(other_types_are_refused, S, subjects)
{
    clean_host const clean;
    auto const where = S::where();
    acceptor_of<S> door{where};
    support::child other([&] {
        auto const c = strait::connection<std::string, question, typename S::transport>::open(where);
        return c.error() == errc::type_mismatch ? 0 : 1;
    });
    while (S::checks_type_at_open == false && door.turned_away() == 0)
        (void)door.accept_for(10ms);
    BOOST_TEST(other.wait() == 0);
    BOOST_TEST((door.try_accept().error() == errc::empty));
}

TYPED_CASE(without_an_acceptor_a_client_waits_as_long_as_it_was_told, S, subjects)
{
    clean_host const clean;
    typename S::transport::options how;
    how.connect_timeout = 20ms;
    BOOST_TEST((client_of<S>::open(S::where(), how).error() == errc::no_receiver));
}

TYPED_CASE(descriptors_are_given_back, S, subjects)
{
    clean_host const clean;
    auto const where = S::where();
    auto const round = [&] {
        acceptor_of<S> door{where};
        std::thread client([&] {
            client_of<S> c{where};
            c.send({1});
            (void)c.receive();
        });
        auto c = door.accept();
        (void)c.receive();
        c.send("done");
        client.join();
    };
    round();
    auto const before = support::open_descriptors();
    for (int i = 0; i != 10; ++i)
        round();
    BOOST_TEST(support::open_descriptors() == before);
}

TYPED_CASE(an_acceptor_whose_files_are_deleted_is_told, S, subjects)
{
    clean_host const clean;
    if constexpr (S::checks_type_at_open) {
        auto const where = S::where();
        acceptor_of<S> acceptor{where};
        std::thread taking([&] { support::delete_files_of(std::string(where.text())); });
        BOOST_TEST((acceptor.accept_for(1h).error() == errc::removed));
        taking.join();
        acceptor = acceptor_of<S>{where};
        pollfd readable{acceptor.native_handle(), POLLIN, 0};
        BOOST_TEST(::poll(&readable, 1, 0) == 0);
        support::delete_files_of(std::string(where.text()));
        BOOST_TEST(::poll(&readable, 1, -1) == 1);
        BOOST_TEST((acceptor.try_accept().error() == errc::removed));
    }
}

TYPED_CASE(an_acceptor_sleeps_until_a_stop_is_requested_or_a_client_comes, S, subjects)
{
    support::thread_prepared_for_stops const prepared;
    clean_host const clean;
    auto const where = S::where();
    acceptor_of<S> acceptor{where};
    auto const slept = [] {
        ::rusage u{};
        ::getrusage(RUSAGE_THREAD, &u);
        return u.ru_nvcsw;
    };
    std::stop_source source;
    bool accepted = true;
    long times = 0;
    std::thread waiting([&] {
        auto const before = slept();
        accepted = acceptor.accept(source.get_token()).has_value();
        times = slept() - before;
    });
    std::this_thread::sleep_for(500ms);  // the longer, the more often a wait that polls would sleep
    source.request_stop();
    waiting.join();
    BOOST_TEST(!accepted);
    BOOST_TEST(times < 20);
    BOOST_TEST(!acceptor.accept(source.get_token()));

    support::child client([&] {
        client_of<S> c{where};
        c.send({1});
        return c.receive() == "answer 1" ? 0 : 1;
    });
    std::stop_source const never;
    auto c = acceptor.accept(never.get_token());
    BOOST_TEST_REQUIRE(c.has_value());
    echo(*c);
    BOOST_TEST(client.wait() == 0);
}

BOOST_AUTO_TEST_CASE(the_kernel_tells_who_the_peer_is_also_of_rings)
{
    clean_host const clean;
    using S = by_name<conformance::ring<strait::adaptive>>;
    auto const where = S::where();
    acceptor_of<S> door{where};
    support::child client([&] {
        client_of<S> c{where};
        (void)c.receive();
        return c.peer().value().pid == ::getppid() ? 0 : 1;
    });
    auto c = door.accept();
    BOOST_TEST(c.peer().value().pid == client.pid());
    c.send("go");
    BOOST_TEST(client.wait() == 0);
}

BOOST_AUTO_TEST_CASE(a_name_that_is_too_long_for_two_channels_is_told)
{
    clean_host const clean;
    using S = by_name<conformance::ring<strait::adaptive>>;
    std::string longest = support::unique_name();
    longest.resize(46, 'x');
    acceptor_of<S> door{longest + "x"};
    support::child client([&] { return client_of<S>::open(longest + "x").error() == errc::name_too_long ? 0 : 1; });
    BOOST_TEST((door.accept_for(300ms).error() == errc::timed_out));
    BOOST_TEST(client.wait() == 0);
    support::child fits([&] { (void)client_of<S>{longest}; });
    acceptor_of<S> other{longest};
    BOOST_TEST(!other.accept().receive());
    BOOST_TEST(fits.wait() == 0);
}

}  // namespace connection_both_ways
