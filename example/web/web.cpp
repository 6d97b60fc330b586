// Distributed under the Boost Software License, Version 1.0.
// A front end that hands requests to application workers, and their replies back in the order of the requests.
#include "../support/over.hpp"
#include "../support/process.hpp"

#include <strait.hpp>

#include <map>

struct request {
    std::uint64_t id;
    std::string path;
};

struct reply {
    std::uint64_t id;
    int status;
    std::string body;
};

template <strait::transport X>
typename X::options const small{.max_message_size = 512};

// One queue for all workers, where several may receive: who is free takes the next request. Else a channel for each.
template <strait::transport X>
constexpr bool shared = X::guarantees.receivers == strait::multiplicity::many;

template <strait::transport X>
std::string requests_for(std::string const& site, int worker)
{
    return site + ".requests" + (shared<X> ? "" : "." + std::to_string(worker));
}

template <strait::transport X>
void work(std::string const& site, int me)
{
    strait::receiver<request, X> in{requests_for<X>(site, me), small<X>};
    strait::sender<reply, X> out{site + ".replies", small<X>};
    out.send({0, 100, "ready"});
    for (request const& r : in) {
        if (r.path.starts_with("/hello/"))
            out.send({r.id, 200, "Hello " + r.path.substr(7)});
        else
            out.send({r.id, 404, "nothing at " + r.path});
    }
}

template <strait::transport X>
void serve(support::command const& command, int workers)
{
    std::string const site = support::unique_name("web");
    strait::receiver<reply, X> replies{site + ".replies", small<X>};
    std::vector<support::process> processes;
    for (int i = 0; i < workers; ++i)
        processes.emplace_back(command, std::vector{std::string("work"), site, std::to_string(i)});
    for (int i = 0; i < workers; ++i)
        replies.receive().value();  // ready

    std::vector<strait::sender<request, X>> out;
    for (int i = 0; i < (shared<X> ? 1 : workers); ++i)
        out.emplace_back(requests_for<X>(site, i), small<X>);

    std::vector<std::string> const paths{"/hello/Ada", "/hello/Grace", "/admin", "/hello/Barbara", "/hello/Frances"};
    std::map<std::uint64_t, reply> done;
    std::uint64_t sent = 0;
    while (done.size() != paths.size()) {
        // Two requests a worker are under way, no more: if both directions were full, each side would wait for the other.
        for (; sent != paths.size() && sent - done.size() < static_cast<std::size_t>(2 * workers); ++sent)
            out[sent % out.size()].send({sent, paths[sent]});
        reply r = replies.receive().value();
        done[r.id] = std::move(r);
    }
    for (auto const& [id, r] : done)
        std::cout << "GET " << paths[id] << " -> " << r.status << ' ' << r.body << '\n';
}

int main(int argc, char** argv)
{
    using namespace strait;
    return support::over<posix_mqueue, sysv_mqueue, shm_ring<mpmc>, shm_ring<mpsc>, unix_stream, tcp>(
        argc, argv, []<transport X>(support::command const& c) {
            if (c.word(0) == "work")
                work<X>(c.word(1), std::stoi(c.word(2)));
            else
                serve<X>(c, std::stoi(c.word(0, "3")));
            return 0;
        });
}
