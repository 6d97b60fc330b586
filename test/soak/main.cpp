// Distributed under the Boost Software License, Version 1.0.
// Kills processes of every transport at random, and prints what that has cost. With --kills it goes on until so many were
// killed, and adds to what a file remembers of earlier runs.

#include "account.hpp"
#include "epoch.hpp"

#include <support/child.hpp>
#include <support/shared_page.hpp>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

using soak::figures;

struct settings {
    std::uint64_t kills = 0;  // 0: once over each transport
    std::uint64_t each = 0;   // of one channel
    std::uint64_t seed = 0;
    int jobs = 2;
    std::string transport;
    std::string file = "soak-state";
};

volatile std::sig_atomic_t asked_to_stop = 0;

[[noreturn]] void usage(char const* wrong)
{
    std::cerr << wrong << "\n"
              << "usage: soak [--kills N] [--each N] [--transport NAME] [--seed N] [--jobs N] [--state FILE] [--table]\n"
                 "  --kills      goes on until so many were killed, with those that FILE (soak-state) remembers\n"
                 "  --each       kills of one channel\n"
                 "  --transport  this one only, by its name in the table\n"
                 "  --seed       of the first channel\n"
                 "  --jobs       so many channels at a time\n"
                 "  --table      prints what FILE remembers, and nothing else\n";
    std::exit(2);
}

std::uint64_t number(std::string_view text)
{
    std::uint64_t n = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), n).ec != std::errc())
        usage("a number is missing");
    return n;
}

using table = std::map<std::string, figures>;

// A line for each transport: its figures, then its name.
table read(std::string const& file)
{
    table all;
    std::ifstream in(file);
    figures::row r{};
    while (in >> r[0]) {
        for (std::size_t i = 1; i != r.size(); ++i)
            in >> r[i];
        std::string name;
        std::getline(in >> std::ws, name);
        all[name] = figures::of_row(r);
    }
    return all;
}

void write(std::string const& file, table const& all)
{
    {
        std::ofstream out(file + ".new");
        for (auto const& [name, f] : all) {
            for (auto const n : f.to_row())
                out << n << ' ';
            out << name << '\n';
        }
    }
    std::rename((file + ".new").c_str(), file.c_str());
}

std::string with_commas(std::uint64_t n)
{
    std::string s = std::to_string(n);
    for (std::size_t i = s.size(); i > 3; i -= 3)
        s.insert(i - 3, 1, ',');
    return s;
}

void print_row(std::string const& name, figures const& f, std::string const& allowed)
{
    std::cout << "| " << name << " | " << with_commas(f.kills) << " | " << with_commas(f.opening) << ", "
              << with_commas(f.leaving) << ", " << with_commas(f.stopped) << " | " << with_commas(f.messages) << " | "
              << with_commas(f.lost) << " | " << with_commas(f.twice) << " | " << allowed << " |\n";
}

void print(table const& all, std::vector<conformance::subject const*> const& subjects)
{
    std::cout << "| transport | kills | of these opening, leaving, stopped | messages | lost | twice | allowed |\n"
                 "|---|--:|--:|--:|--:|--:|---|\n";
    figures sum;
    for (auto const* x : subjects)
        if (auto const found = all.find(x->name); found != all.end()) {
            print_row("`" + x->name + "`", found->second, soak::allowed(*x));
            sum += found->second;
        }
    print_row("all", sum, "");
    std::cout << sum.epochs << " channels; faults: " << sum.broken << " promises broken, " << sum.silent
              << " deaths not reported, " << sum.wedged << " channels wedged, " << sum.failed << " ends gave up, " << sum.left
              << " objects left" << std::endl;
}

// An epoch that runs in a process of its own.
struct job {
    conformance::subject const* x;
    std::unique_ptr<support::shared_object<figures>> result;
    support::child process;
};

class campaign {
public:
    campaign(settings how, std::vector<conformance::subject const*> subjects)
        : how_(std::move(how)), subjects_(std::move(subjects))
    {
        if (how_.kills != 0)
            all_ = read(how_.file);
        for (auto const& [name, f] : all_)
            kills_ += f.kills;
        faults_before_ = faults();
    }

    int run()
    {
        std::cout << "seed " << how_.seed << std::endl;
        std::vector<job> jobs;
        for (;;) {
            while (jobs.size() < static_cast<std::size_t>(how_.jobs))
                if (auto const* x = next())
                    jobs.push_back(start(*x));
                else
                    break;
            if (jobs.empty())
                break;
            wait_for_one(jobs);
        }
        print(all_, subjects_);
        return faults() == faults_before_ ? 0 : 1;
    }

private:
    // The transport over which the fewest were killed; in the short form each once.
    conformance::subject const* next()
    {
        if (asked_to_stop)
            return nullptr;
        if (how_.kills == 0)
            return turn_ == subjects_.size() ? nullptr : subjects_[turn_++];
        if (kills_ >= how_.kills)
            return nullptr;
        auto const kills_of = [&](auto const* x) { return all_[x->name].kills + planned_[x->name]; };
        return *std::ranges::min_element(subjects_, {}, kills_of);
    }

    job start(conformance::subject const& x)
    {
        job j{&x, std::make_unique<support::shared_object<figures>>(), support::child([] { return 0; })};
        figures& result = **j.result;
        std::uint64_t const seed = how_.seed + begun_++;
        std::uint64_t const each = how_.each;
        planned_[x.name] += each;
        j.process = support::child([&x, &result, seed, each] {
            ::alarm(0);  // run_epoch() finds out whether nothing goes on
            result = soak::run_epoch(x, seed, each);
        });
        return j;
    }

    void wait_for_one(std::vector<job>& jobs)
    {
        for (;; ::usleep(2000))
            for (std::size_t i = 0; i != jobs.size(); ++i) {
                ::siginfo_t how{};
                auto const pid = static_cast<::id_t>(jobs[i].process.pid());
                if (::waitid(P_PID, pid, &how, WEXITED | WNOHANG | WNOWAIT) != 0 || how.si_pid == 0)
                    continue;
                figures f = **jobs[i].result;
                if (int const status = jobs[i].process.wait(); status != 0) {
                    std::cerr << jobs[i].x->name << ": the process that kills ended with " << status << std::endl;
                    f.wedged += 1;
                }
                planned_[jobs[i].x->name] -= how_.each;
                all_[jobs[i].x->name] += f;
                kills_ += f.kills;
                jobs.erase(jobs.begin() + static_cast<std::ptrdiff_t>(i));
                if (how_.kills != 0)
                    write(how_.file, all_);
                return;
            }
    }

    std::uint64_t faults() const
    {
        std::uint64_t n = 0;
        for (auto const& [name, f] : all_)
            n += f.faults();
        return n;
    }

    settings how_;
    std::vector<conformance::subject const*> subjects_;
    table all_;
    std::map<std::string, std::uint64_t> planned_;
    std::uint64_t kills_ = 0;
    std::uint64_t faults_before_ = 0;
    std::uint64_t begun_ = 0;
    std::size_t turn_ = 0;
};

}  // namespace

int main(int count, char** values)
{
    settings how;
    how.seed = std::random_device()() & ~1U;
    bool table_only = false;
    std::vector<std::string_view> const arguments(values + 1, values + count);
    for (std::size_t i = 0; i != arguments.size(); ++i) {
        auto const value = [&]() -> std::string_view {
            if (++i == arguments.size())
                usage("a value is missing");
            return arguments[i];
        };
        if (arguments[i] == "--kills")
            how.kills = number(value());
        else if (arguments[i] == "--each")
            how.each = number(value());
        else if (arguments[i] == "--seed")
            how.seed = number(value());
        else if (arguments[i] == "--jobs")
            how.jobs = static_cast<int>(std::max<std::uint64_t>(1, number(value())));
        else if (arguments[i] == "--transport")
            how.transport = value();
        else if (arguments[i] == "--state")
            how.file = value();
        else if (arguments[i] == "--table")
            table_only = true;
        else
            usage(("unknown: " + std::string(arguments[i])).c_str());
    }
    if (how.each == 0)
        how.each = how.kills == 0 ? 25 : 250;
    std::vector<conformance::subject const*> subjects;
    for (auto const& x : conformance::all_subjects())
        if (x.between_processes && (how.transport.empty() || x.name == how.transport))
            subjects.push_back(&x);
    if (subjects.empty())
        usage("there is no such transport between processes");
    if (table_only) {
        print(read(how.file), subjects);
        return 0;
    }
    std::signal(SIGINT, [](int) { asked_to_stop = 1; });
    std::signal(SIGTERM, [](int) { asked_to_stop = 1; });
    return campaign(std::move(how), std::move(subjects)).run();
}
