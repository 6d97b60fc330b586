// Distributed under the Boost Software License, Version 1.0.
#include "child.hpp"
#include "display.hpp"
#include "transports.hpp"
#include "tree.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace tour {
namespace {

struct usage_error : std::runtime_error {
    using runtime_error::runtime_error;
};

struct arguments {
    std::filesystem::path directory = TOUR_DEFAULT_DIRECTORY;
    std::vector<mechanism> transports;
    std::string role;     // empty: the tour itself; else what this process is in it
    std::string channel;  // for a role
};

mechanism named(std::string_view name)
{
    std::string known;
    for (mechanism const& m : mechanisms()) {
        if (m.name == name)
            return m;
        known += " " + std::string(m.name);
    }
    throw usage_error("no transport '" + std::string(name) + "' here; there are:" + known);
}

arguments parse(std::vector<std::string> const& words)
{
    arguments a;
    bool directory_given = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
        auto const value = [&] {
            if (i + 1 == words.size() || words[i + 1].starts_with("--"))
                throw usage_error(words[i] + " what?");
            return words[++i];
        };
        if (words[i] == "--transport") {
            a.transports.push_back(named(value()));
            while (i + 1 < words.size() && !words[i + 1].starts_with("--"))
                a.transports.push_back(named(words[++i]));
        } else if (words[i] == "--role") {
            a.role = value();
        } else if (words[i] == "--channel") {
            a.channel = value();
        } else if (words[i].starts_with("--") || std::exchange(directory_given, true)) {
            throw usage_error("'" + words[i] + "' is not understood");
        } else {
            a.directory = words[i];
        }
    }
    if (a.transports.empty())
        a.transports.assign(mechanisms().begin(), mechanisms().end());
    return a;
}

// The roles: each a process of its own, which tells the parent on its standard output
//     progress BYTES                                 now and then
//     result MESSAGES BYTES NANOSECONDS FILES        at the end, if all is well
//     lost MESSAGES COUNTED                          before it, where messages may be lost: how many were, and are known
//     error TEXT                                     any number of times

void print_line(char const* kind, std::string text)
{
    for (char& c : text)
        if (static_cast<unsigned char>(c) < ' ')  // a file's name may hold anything
            c = '?';
    std::printf("%s %s\n", kind, text.c_str());
    std::fflush(stdout);
}

void be_producer(mechanism const& m, arguments const& a)
{
    auto const files = load(a.directory);  // into memory first: the disk is not measured
    m.produce(a.channel, files);
}

void print_result(meter const& progress, std::size_t files)
{
    std::ostringstream out;
    out << progress.messages() << ' ' << progress.bytes() << ' ' << progress.nanoseconds() << ' ' << files;
    print_line("result", out.str());
}

int be_sampling_consumer(mechanism const& m, arguments const& a)
{
    meter progress;
    auto originals = load(a.directory);
    std::size_t const count = originals.size();
    sampled const came = m.sample(a.channel, std::move(originals), progress);
    progress.stop();
    if (came.strange() != 0)
        print_line("error", grouped(came.strange()) + " messages are none of these files, or came in another order");
    print_line("lost", std::to_string(came.lost()) + ' ' + std::to_string(came.counted()));
    print_result(progress, count);
    return came.strange() == 0 ? 0 : 1;
}

int be_comparing_consumer(mechanism const& m, arguments const& a)
{
    meter progress;
    auto const originals = load(a.directory);
    m.compare(a.channel, originals, progress);
    progress.stop();
    print_result(progress, originals.size());
    return 0;
}

int be_consumer(mechanism const& m, arguments const& a)
{
    if (m.sample)
        return be_sampling_consumer(m, a);
    if (m.compare)
        return be_comparing_consumer(m, a);
    meter progress;
    rebuilt const copies = m.consume(a.channel, progress);
    progress.stop();
    auto const wrong = differences(copies, a.directory);
    for (std::size_t i = 0; i < wrong.size() && i < 10; ++i)
        print_line("error", wrong[i]);
    if (wrong.size() > 10)
        print_line("error", "and " + grouped(wrong.size() - 10) + " files more");
    print_result(progress, copies.files().size());
    return wrong.empty() ? 0 : 1;
}

int be_both(mechanism const& m, arguments const& a)
{
    std::exception_ptr failure;
    std::jthread producer([&] {
        try {
            be_producer(m, a);
        } catch (...) {
            failure = std::current_exception();
        }
    });
    int status = 1;
    try {
        status = be_consumer(m, a);
    } catch (std::exception const& e) {
        print_line("error", std::string("consumer: ") + e.what());
        std::_Exit(1);  // the producer may wait for a receiver for ever
    }
    producer.join();
    if (failure)
        std::rethrow_exception(failure);
    return status;
}

int play(arguments const& a)
{
    mechanism const& m = a.transports.front();
    try {
        if (a.role == "consumer")
            return be_consumer(m, a);
        if (a.role == "both")
            return be_both(m, a);
        if (a.role != "producer")
            throw usage_error("no role '" + a.role + "' here");
        be_producer(m, a);
        return 0;
    } catch (std::exception const& e) {
        print_line("error", a.role + ": " + e.what());
        return 1;
    }
}

// The parent: starts the roles of one transport after the other and watches them.

class relay {
public:
    relay(mechanism const& m, arguments const& a, std::uint64_t total, display& shown)
        : m_(m), total_(total), shown_(shown)
    {
        channel_ = "tour-" + std::to_string(getpid()) + "-" + std::string(m.name);
        auto const start = [&](char const* role) {
            return std::vector<std::string>{"tour",
                                            "--role",
                                            role,
                                            "--transport",
                                            std::string(m.name),
                                            "--channel",
                                            channel_,
                                            a.directory.string()};
        };
        consumer_.emplace(start(m.within_a_process ? "both" : "consumer"));
        if (!m.within_a_process)
            producer_.emplace(start("producer"));
    }

    outcome watch()
    {
        outcome o{.transport = m_.name, .verdict = {}};
        bool const well = run_to_the_end(o);
        consumer_.reset();
        producer_.reset();
        if (!well)
            m_.remove(channel_);  // what was left unread
        o.verified = well && files_ != 0;
        if (o.verified && m_.sample)
            o.verdict = grouped(lost_) + " of " + grouped(o.messages + lost_) + " messages lost, " + grouped(counted_) +
                        " counted as gaps";
        else if (o.verified && m_.compare)
            o.verdict = "8 bytes of each line, compared with " + grouped(files_) + " files";
        else if (o.verified)
            o.verdict = grouped(files_) + " files" + (m_.within_a_process ? " (threads of one process)" : "");
        else
            o.verdict = "FAILED";
        return o;
    }

private:
    using clock = std::chrono::steady_clock;

    // Watchdogs, not measures. Without a sign of life:
    static constexpr std::chrono::seconds patience{60};
    // For a process whose peer has failed, to say what it has noticed. A consumer may wait for a producer that died
    // before it came, a producer for the next consumer on a channel that keeps its messages.
    static constexpr std::chrono::seconds grace{2};

    bool run_to_the_end(outcome& o)
    {
        auto last_sign = clock::now();
        std::optional<clock::time_point> failed;
        for (;;) {
            bool const over = consumer_->ended() && (!producer_ || producer_->ended());
            bool sign = read(*consumer_, o);
            if (producer_)
                sign = read(*producer_, o) || sign;
            if (over) {
                bool const consumed = ended_well(*consumer_, m_.within_a_process ? "process" : "consumer");
                bool const produced = !producer_ || ended_well(*producer_, "producer");
                return consumed && produced;
            }

            auto const now = clock::now();
            if (!failed && (has_failed(*consumer_) || (producer_ && has_failed(*producer_))))
                failed = now;
            if (failed && now - *failed > grace) {
                consumer_->kill();
                if (producer_)
                    producer_->kill();
            }
            if (sign)
                last_sign = now;
            if (now - last_sign > patience) {
                shown_.note("nothing moves any more");
                return false;
            }
            wait();
        }
    }

    static bool has_failed(child& c) { return c.ended() && !c.succeeded(); }

    bool ended_well(child const& c, std::string const& role)
    {
        if (!c.succeeded() && !c.killed_by_us())
            shown_.note("the " + role + " " + c.how_it_ended());
        return c.succeeded();
    }

    bool read(child& c, outcome& o)
    {
        auto const lines = c.lines();
        for (std::string const& l : lines) {
            std::istringstream in(l);
            std::string kind;
            in >> kind;
            if (kind == "progress") {
                std::uint64_t bytes = 0;
                in >> bytes;
                shown_.progress(bytes, total_);
            } else if (kind == "result") {
                in >> o.messages >> o.bytes >> o.nanoseconds >> files_;
            } else if (kind == "lost") {
                in >> lost_ >> counted_;
            } else {
                shown_.note(std::string_view(l).substr(l.find(' ') + 1));
            }
        }
        return !lines.empty();
    }

    // For a line or, since an end is polled for, a short while.
    void wait()
    {
        pollfd ready[] = {{consumer_->output(), POLLIN, 0}, {producer_ ? producer_->output() : -1, POLLIN, 0}};
        poll(ready, 2, 50);
        if ((ready[0].revents | ready[1].revents) == POLLHUP)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }

    mechanism m_;
    std::uint64_t total_;
    display& shown_;
    std::string channel_;
    std::optional<child> consumer_;
    std::optional<child> producer_;
    std::uint64_t files_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t counted_ = 0;
};

int run(arguments const& a)
{
    std::uint64_t total = 0;
    std::size_t count = 0;
    for (file const& f : load(a.directory)) {  // which also brings them into the page cache
        total += f.content.size();
        ++count;
    }
    if (count == 0)
        throw std::runtime_error("no files in " + a.directory.string());
    std::cout << grouped(count) << " files, " << grouped(total) << " bytes, from " << a.directory.string()
              << ", line by line through each transport:\n"
              << std::flush;

    display shown;
    std::vector<outcome> outcomes;
    for (mechanism const& m : a.transports) {
        shown.begin(m.name);
        outcomes.push_back(relay(m, a, total, shown).watch());
        shown.end();
    }
    print_table(outcomes);
    bool const well = std::ranges::all_of(outcomes, &outcome::verified);
    bool const may_lose = std::ranges::any_of(a.transports, [](mechanism const& m) { return m.sample != nullptr; });
    bool const compares = std::ranges::any_of(a.transports, [](mechanism const& m) { return m.compare != nullptr; });
    std::cout << (!well      ? "NOT every file arrived as it was.\n"
                  : may_lose ? "Every file arrived as it was (SHA-256 of each); where messages may be lost, each that came did.\n"
                             : "Every file arrived as it was (SHA-256 of each).\n")
              << (well && compares ? "Where a message has 8 bytes, a hash of each line came, once and in order.\n" : "");
    return well ? 0 : 1;
}

}  // namespace
}  // namespace tour

int main(int argc, char** argv)
{
    try {
        auto const a = tour::parse({argv + 1, argv + argc});
        return a.role.empty() ? tour::run(a) : tour::play(a);
    } catch (tour::usage_error const& e) {
        std::cerr << "tour: " << e.what() << "\nusage: tour [directory] [--transport name ...]\n";
        return 2;
    } catch (std::exception const& e) {
        std::cerr << "tour: " << e.what() << '\n';
        return 1;
    }
}
