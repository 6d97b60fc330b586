// Distributed under the Boost Software License, Version 1.0.
#include "case.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <iostream>
#include <map>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <unistd.h>

namespace benchmark {

namespace {

using json = nlohmann::ordered_json;

constexpr int not_applicable_code = 3;

std::map<std::string, measure> const measure_names{{"latency", measure::latency},
                                                   {"throughput", measure::throughput},
                                                   {"serialization", measure::serialization}};

std::string name_of(measure m)
{
    auto const same = [m](auto const& named) { return named.second == m; };
    return std::find_if(measure_names.begin(), measure_names.end(), same)->first;
}

json name_or_null(std::string const& name) { return name.empty() ? json(nullptr) : json(name); }

json describe(case_info const& c)
{
    json measures = json::array();
    for (measure const m : c.measures)
        measures.push_back(name_of(m));
    return {{"case", c.name},
            {"group", c.group},
            {"family", c.family},
            {"waiting", c.waiting},
            {"measures", measures},
            {"batches", c.batches},
            {"min_size", c.min_size},
            {"max_size", c.max_size},
            {"max_senders", c.max_senders},
            {"max_receivers", c.max_receivers},
            {"bare", name_or_null(c.bare)},
            {"limit", name_or_null(c.limit)},
            {"title", c.title},
            {"settings", c.settings}};
}

json describe(request const& r, outcome const& o)
{
    json j{{"case", r.name},      {"measure", name_of(r.what)}, {"size", r.size},           {"batch", r.batch},
           {"cpus", r.cpus},      {"senders", r.senders},       {"receivers", r.receivers}, {"messages", o.messages},
           {"seconds", o.seconds}};
    auto const tenths = [](double ns) { return std::round(ns * 10) / 10; };
    if (r.what != measure::latency) {
        double const rate = static_cast<double>(o.messages) / o.seconds;
        bool const coded = r.what == measure::serialization;
        j["messages_per_second"] = rate;
        j["bytes_per_second"] = rate * (coded ? o.code.bytes : static_cast<double>(r.size));
        if (coded) {
            j["encode_ns"] = tenths(o.code.encode_ns);
            j["decode_ns"] = tenths(o.code.decode_ns);
            j["encoded_bytes"] = tenths(o.code.bytes);
        }
        return j;
    }
    one_way const& l = o.latency;
    j["one_way_ns"] = {{"p50", tenths(l.p50)}, {"p99", tenths(l.p99)}, {"p999", tenths(l.p999)},
                       {"min", tenths(l.min)}, {"max", tenths(l.max)}, {"mean", tenths(l.mean)}};
    j["histogram"] = json::array();
    for (bin const& b : l.histogram)
        j["histogram"].push_back({tenths(b.upper_ns), b.count});
    return j;
}

template <class Range, class T>
bool contains(Range const& range, T const& value)
{
    return std::find(range.begin(), range.end(), value) != range.end();
}

void require_applicable(case_info const& c, request const& r)
{
    if (!contains(c.measures, r.what))
        throw not_applicable(c.name + " does not measure " + name_of(r.what));
    if (r.size < c.min_size || r.size > c.max_size || r.size % 8 != 0)
        throw not_applicable(c.name + " carries messages of " + std::to_string(c.min_size) + " to " +
                             std::to_string(c.max_size) + " bytes, in eights");
    if (r.what != measure::throughput && (r.batch != 1 || r.senders != 1 || r.receivers != 1))
        throw not_applicable("only a throughput has batches, or several senders or receivers");
    if (r.batch > 1 && std::none_of(c.batches.begin(), c.batches.end(), [](std::size_t b) { return b > 1; }))
        throw not_applicable(c.name + " has no batches");
    if (r.batch == 1 && !contains(c.batches, std::size_t{1}))
        throw not_applicable(c.name + " has only batches");
    if (r.batch > 1 && r.receivers > 1)
        throw not_applicable("one receiver of several might take the end of the stream meant for another in one batch");
    if (r.senders > c.max_senders || r.receivers > c.max_receivers)
        throw not_applicable(c.name + " has at most " + std::to_string(c.max_senders) + " senders and " +
                             std::to_string(c.max_receivers) + " receivers");
}

}  // namespace

int run_program(int argc, char** argv, std::vector<benchmark_case> const& cases)
{
    CLI::App program("Measures one way of passing messages");
    program.require_subcommand(1);
    CLI::App* const list = program.add_subcommand("list", "Say what there is, one JSON object for each case");
    CLI::App* const run = program.add_subcommand("run", "Measure one case");
    request r;
    r.cpus = {0, 1};
    run->add_option("case", r.name)->required();
    run->add_option("--measure", r.what)->required()->transform(CLI::CheckedTransformer(measure_names));
    run->add_option("--size", r.size, "Bytes of a message")->required();
    run->add_option("--batch", r.batch, "Messages of one call")->check(CLI::Range(1, 1 << 20));
    run->add_option("--cpus", r.cpus, "The core of each end, senders first")->delimiter(',');
    run->add_option("--senders", r.senders)->check(CLI::Range(1, 8));
    run->add_option("--receivers", r.receivers)->check(CLI::Range(1, 8));
    run->add_option("--seconds", r.seconds)->check(CLI::Range(0.01, 3600.0));
    CLI11_PARSE(program, argc, argv);

    if (list->parsed()) {
        for (benchmark_case const& c : cases)
            std::cout << describe(c.info).dump() << '\n';
        return 0;
    }
    // Messages of 4 MiB may be returned by value.
    rlimit stack{};
    if (::getrlimit(RLIMIT_STACK, &stack) == 0) {
        stack.rlim_cur = std::min<rlim_t>(stack.rlim_max, 64U << 20);
        ::setrlimit(RLIMIT_STACK, &stack);
    }
    std::signal(SIGPIPE, SIG_IGN);
    try {
        auto const found =
            std::find_if(cases.begin(), cases.end(), [&](benchmark_case const& c) { return c.info.name == r.name; });
        if (found == cases.end())
            throw std::runtime_error("there is no case " + r.name + " here; `list` shows those there are");
        require_applicable(found->info, r);
        std::cout << describe(r, found->run(r)).dump() << '\n';
        return 0;
    } catch (not_applicable const& e) {
        std::cerr << e.what() << '\n';
        return not_applicable_code;
    } catch (std::exception const& e) {
        std::cerr << r.name << ": " << e.what() << '\n';
        return 1;
    }
}

}  // namespace benchmark
