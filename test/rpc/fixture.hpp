// Distributed under the Boost Software License, Version 1.0.
#ifndef RPC_FIXTURE_HPP
#define RPC_FIXTURE_HPP

#include <conformance/transports.hpp>
#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/shared_page.hpp>

#include <strait.hpp>
#include <strait/rpc.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <vector>

namespace rpc {

using namespace std::chrono_literals;
using conformance::by_address;
using conformance::by_name;
using strait::errc;
using support::clean_host;
using support::notes;

/// All of it is sent as it lies in memory.
struct balance_query {
    std::uint64_t account;
};
struct balance {
    std::int64_t cents;
    bool sound;
};
struct transfer {
    std::uint64_t from, to;
    std::int64_t cents;
    char purpose[40];
};
struct closing {
    std::uint32_t why;
};
using bank = strait::rpc_interface<balance(balance_query), bool(transfer), void(closing)>;

/// With strings.
struct page_request {
    std::string path;
    std::vector<std::string> cookies;
};
struct page {
    int status;
    std::string body;
};
using site = strait::rpc_interface<page(page_request), void(closing), page(std::string)>;

using ring = by_name<conformance::ring<strait::adaptive>>;
/// For tests that take a while, and for AddressSanitizer, which builds slowly.
using few_subjects = std::tuple<ring, by_name<strait::unix_stream>>;
using subjects = std::conditional_t<
    support::sanitized, few_subjects,
    std::tuple<ring, by_name<strait::named_pipe>, by_name<strait::unix_stream>, by_address<strait::tcp, AF_INET>>>;
/// For tests of the protocol, which is the same over each: all of them with --long only.
#ifdef STRAIT_TEST_LONG
using protocol_subjects = subjects;
#else
using protocol_subjects = few_subjects;
#endif

/// The ends of a client and a server whose frames are made by hand.
template <class S>
using raw_client = strait::connection<strait::detail::rpc_request, strait::detail::rpc_reply, typename S::transport>;
template <class S>
using raw_acceptor = strait::acceptor<strait::detail::rpc_reply, strait::detail::rpc_request, typename S::transport>;

template <class Interface, class Q>
strait::detail::rpc_request frame_of(std::uint64_t number, Q const& q)
{
    strait::detail::rpc_request f;
    BOOST_REQUIRE(!strait::detail::encode_body(q, f.body));
    f.id = Interface::keys[Interface::template index<Q>]->id;
    f.head = strait::detail::frame_head(number, strait::detail::request_kind::call);
    return f;
}
template <class R>
strait::detail::rpc_reply reply_frame(std::uint64_t number, R const& r)
{
    std::atomic<std::uint64_t> unsendable{0};
    return strait::detail::reply_frame(number, r, unsendable);
}

template <class S>
using bank_server = strait::rpc_server<bank, typename S::transport>;
template <class S>
using bank_client = strait::rpc_client<bank, typename S::transport>;

enum class mode { one_thread, pool, forked };

inline auto const balance_of = [](balance_query const& q) {
    if (q.account == 13)
        throw std::runtime_error("account 13 is closed, and has been so for longer than this bank exists");
    return balance{static_cast<std::int64_t>(q.account * 100), true};
};
inline auto const book = [](transfer const& t) { return t.cents > 0; };
inline auto const close_all = [](closing const&) {};

template <class Server, class... Handlers>
void serve(Server& s, mode m, Handlers... handlers)
{
    if (m == mode::one_thread)
        s.serve(handlers...);
    else if (m == mode::pool)
        s.serve_in_pool(3, handlers...);
    else
        s.serve_forked(handlers...);
}

/// A process that serves until it is told to stop by SIGTERM.
template <class S>
class bank_process {
public:
    explicit bank_process(strait::endpoint const& where, mode m = mode::one_thread)
        : process_([where, m] {
              static bank_server<S>* stopped = nullptr;
              bank_server<S> s{where};
              stopped = &s;
              std::signal(SIGTERM, [](int) { stopped->stop(); });
              serve(s, m, balance_of, book, close_all);
          })
    {
    }

    bank_process(bank_process const&) = delete;
    bank_process& operator=(bank_process const&) = delete;
    ~bank_process() { stop(); }  // one that is killed leaves its name to the next

    int stop()
    {
        process_.signal(SIGTERM);
        return process_.wait();
    }
    support::child& process() noexcept { return process_; }

private:
    support::child process_;
};

/// A process that answers a query of account 1 when page->proceed is set and others at once, until it is asked to close.
template <class S>
support::child slow_bank(strait::endpoint const& where, support::shared_page const& page)
{
    return support::child([&] {
        bank_server<S> s{where};
        s.serve(
            [&](balance_query const& q) {
                if (q.account == 1)
                    notes::await(page->proceed, 1);
                return balance{static_cast<std::int64_t>(q.account), true};
            },
            book, [&](closing const&) { s.stop(); });
    });
}

/// Children of this process, zombies too.
inline std::size_t children()
{
    std::size_t n = 0;
    for (auto const& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream list(task.path() / "children");
        for (int pid = 0; list >> pid;)
            ++n;
    }
    return n;
}

}  // namespace rpc

#endif
