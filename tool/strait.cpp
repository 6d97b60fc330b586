// Distributed under the Boost Software License, Version 1.0.
//
// The command `strait`: what channels are there, what is in them, and what killed processes have left. doc/tool.md says how it is
// used, and what its JSON and its exit codes mean.
#include "doctor.hpp"
#include "show.hpp"

#include <strait/inspect.hpp>
#include <strait/version.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <string>
#include <vector>

#include <unistd.h>

namespace {

using strait::channel_info;
using tool::json;

// doc/tool.md and the text of --help name these.
enum exit_code { fine = 0, problem = 1, usage = 2, not_there = 3, failure = 4 };

struct choices {
    bool as_json = false;
    bool watch = false;
    bool dry_run = false;
    double interval = 1;
    std::string colour = "auto";
    std::string name;
    std::vector<std::string> paths;

    bool colours() const
    {
        char const* const no = std::getenv("NO_COLOR");
        return colour == "always" || (colour == "auto" && ::isatty(STDOUT_FILENO) == 1 && !(no && *no));
    }
    // With paths only those; without, the channels with a name.
    strait::inspect_options which() const { return {.below = paths, .named = paths.empty()}; }
};

// One sentence on standard error. What the user has typed may be in it.
int complain(int code, std::string sentence)
{
    for (char& c : sentence)
        if (static_cast<unsigned char>(c) < ' ' || c == 127)
            c = c == '\n' ? ' ' : '?';
    std::fprintf(stderr, "strait: %s\n", sentence.c_str());
    return code;
}

int complain(strait::error_code const& e, std::string const& about)
{
    if (e == strait::errc::no_directory)
        return complain(not_there, "there is no directory '" + about + "'");
    if (e == boost::system::errc::no_such_file_or_directory)
        return complain(not_there, "there is no channel '" + about + "'; `strait list` shows those that are there");
    return complain(e == strait::errc::invalid_endpoint ? usage : failure, about + ": " + e.message());
}

// The whole text or an error: a pipe that was closed, a full disk.
bool print(std::string const& text)
{
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

int printed(std::string const& text, int code = fine)
{
    return print(text) ? code : complain(failure, "standard output cannot be written");
}

std::string listed(std::vector<channel_info> const& all, choices const& c)
{
    if (!c.as_json)
        return all.empty() ? "no channels\n" : tool::table(all, tool::paint(c.colours()));
    json list = json::array();
    for (auto const& one : all)
        list.push_back(tool::to_json(one));
    return tool::text_of({{"channels", list}}, c.watch ? -1 : 2);
}

// The terminal's other screen, for as long as this object lives.
class screen {
public:
    explicit screen(bool is_used) : is_used_(is_used)
    {
        if (is_used_)
            print("\x1b[?1049h\x1b[?25l");
    }
    ~screen()
    {
        if (is_used_)
            print("\x1b[?25h\x1b[?1049l");
    }
    screen(screen const&) = delete;
    screen& operator=(screen const&) = delete;
    std::string frame(std::string const& text) const { return is_used_ ? "\x1b[H\x1b[J" + text : text; }

private:
    bool is_used_;
};

int watch(choices const& c)
{
    ::sigset_t ending;
    ::sigemptyset(&ending);
    for (int const number : {SIGINT, SIGTERM, SIGHUP})
        ::sigaddset(&ending, number);
    ::sigprocmask(SIG_BLOCK, &ending, nullptr);
    screen const full(!c.as_json && ::isatty(STDOUT_FILENO) == 1);
    auto const whole = static_cast<std::time_t>(c.interval);
    ::timespec const interval = {whole, static_cast<long>((c.interval - static_cast<double>(whole)) * 1e9)};
    for (;;) {
        auto const all = strait::channels(c.which());
        if (!all)
            return complain(all.error(), c.paths.empty() ? "the directory of names" : c.paths.front());
        if (!print(full.frame(listed(*all, c) + (c.as_json || full.frame("").empty() ? "" : "\nend with ctrl-c\n"))))
            return complain(failure, "standard output cannot be written");
        if (::sigtimedwait(&ending, nullptr, &interval) > 0)
            return fine;
    }
}

int list(choices const& c)
{
    if (c.watch)
        return watch(c);
    auto const all = strait::channels(c.which());
    if (!all)
        return complain(all.error(), c.paths.empty() ? "the directory of names" : c.paths.front());
    return printed(listed(*all, c));
}

// The channel that was named; where there is none, says so, and `code` is the exit status.
std::vector<channel_info> named(choices const& c, int& code, bool remove = false)
{
    auto const where = strait::endpoint::parse(c.name);
    if (!where || where->is_address()) {
        code = complain(usage, "'" + c.name + "' is neither the name of a channel nor an absolute path");
        return {};
    }
    auto found = remove ? strait::remove_channel(*where) : strait::inspect(*where);
    if (!found) {
        code = complain(found.error(), c.name);
        return {};
    }
    return {std::move(*found)};
}

int show(choices const& c)
{
    int code = fine;
    for (auto const& one : named(c, code))
        code = printed(c.as_json ? tool::text_of(tool::to_json(one), 2) : tool::details(one, tool::paint(c.colours())),
                       one.damage.empty() && !one.unreadable ? fine : problem);
    return code;
}

int types(choices const& c)
{
    int code = fine;
    for (auto const& one : named(c, code)) {
        if (one.unreadable)
            code = complain(failure, c.name + ": " + one.unreadable.message());
        else if (!one.schema)
            code = complain(problem, "the schema of '" + c.name + "' cannot be read: " + (one.damage.empty() ? "it is damaged" : one.damage));
        else
            code = printed(tool::in_cpp(one.schema->text()));
    }
    return code;
}

int remove(choices const& c)
{
    int code = fine;
    for (auto const& one : named(c, code, true))
        code = printed(c.as_json ? tool::text_of(tool::to_json(one), 2)
                                 : "removed " + one.where + ": " + tool::bytes_in_words(one.bytes()) +
                                       (one.unread && *one.unread != 0 ? ", " + tool::unread_of(one) + " unread messages" : "") + "\n");
    return code;
}

char const* reason_of(strait::sweep_outcome o)
{
    switch (o) {
    case strait::sweep_outcome::used: return "it is in use again";
    case strait::sweep_outcome::unread: return "messages in it are unread; `strait remove` removes it all the same";
    case strait::sweep_outcome::kept: return "options.keep was set; `strait remove` removes it all the same";
    case strait::sweep_outcome::foreign: return "only another user, or a process of another container, may remove it";
    case strait::sweep_outcome::damaged: return "it is damaged; `strait remove` removes it all the same";
    default: return "";
    }
}

int clean(choices const& c)
{
    auto const swept = strait::sweep(c.which(), c.dry_run);
    if (!swept)
        return complain(swept.error(), c.paths.empty() ? "the directory of names" : c.paths.front());
    std::string text;
    json entries = json::array();
    std::uint64_t bytes = 0;
    std::size_t count = 0;
    int code = fine;
    for (auto const& s : *swept) {
        bool const removed = s.outcome == strait::sweep_outcome::removed;
        bytes += removed ? s.channel.bytes() : 0;
        count += removed ? 1 : 0;
        if (s.outcome == strait::sweep_outcome::damaged || s.error)
            code = problem;
        std::string const why = s.error ? s.error.message() : reason_of(s.outcome);
        text += (removed ? (c.dry_run ? "would remove " : "removed ") + s.channel.where + ": " + tool::bytes_in_words(s.channel.bytes())
                         : "left " + s.channel.where + ": " + why) + "\n";
        entries.push_back(json{{"name", s.channel.where},
                               {"file", s.channel.file},
                               {"outcome", tool::name_of(s.outcome)},
                               {"bytes", s.channel.bytes()},
                               {"reason", why.empty() ? json() : json(why)}});
    }
    if (c.as_json)
        return printed(tool::text_of({{"dry_run", c.dry_run}, {"removed_bytes", bytes}, {"channels", entries}}, 2), code);
    text += std::to_string(count) + (count == 1 ? " channel, " : " channels, ") + tool::bytes_in_words(bytes) + (c.dry_run ? " to free\n" : " freed\n");
    return printed(text, code);
}

int examine(choices const& c)
{
    auto const all = tool::doctor().look();
    bool const bad = std::any_of(all.begin(), all.end(), [](auto const& f) { return f.is_bad; });
    tool::paint const in(c.colours());
    std::string text;
    json entries = json::array();
    for (auto const& f : all) {
        text += (f.is_bad ? in.red("bad ") : in.green("ok  ")) + in.bold(f.name) + " = " + f.value + ": " + f.meaning + ".\n";
        entries.push_back({{"name", f.name}, {"value", f.value}, {"bad", f.is_bad}, {"meaning", f.meaning}});
    }
    return printed(c.as_json ? tool::text_of({{"ok", !bad}, {"limits", entries}}, 2) : text, bad ? problem : fine);
}

int run(int argc, char** argv)
{
    choices c;
    CLI::App app("Shows the channels of this host, and removes what killed processes have left.", "strait");
    app.set_version_flag("--version", std::to_string(STRAIT_VERSION_MAJOR) + "." + std::to_string(STRAIT_VERSION_MINOR) + "." +
                                          std::to_string(STRAIT_VERSION_PATCH));
    app.require_subcommand(1);
    app.footer("Examples:\n"
               "  strait list                     the channels of this user that have a name\n"
               "  strait list --watch /srv/feed   those below a directory, again each second\n"
               "  strait show trades              who uses it, how full it is\n"
               "  strait types trades             the type of its messages as a C++ struct\n"
               "  strait clean --dry-run          what no process uses any more\n"
               "  strait list --json | jq -r '.channels[] | select(.orphaned) | .name'\n\n"
               "Exit codes: 0 done; 1 a problem was found; 2 wrong usage; 3 no such channel; 4 something failed.");
    auto const common = [&](CLI::App* command, bool json_too = true) {
        if (json_too)
            command->add_flag("--json", c.as_json, "print JSON (doc/tool.md says what is in it)");
        command->add_option("--color", c.colour, "colours: auto (on a terminal), always, never")->check(CLI::IsMember({"auto", "always", "never"}));
        return command;
    };
    auto const paths = [&](CLI::App* command) {
        command->add_option("PATH", c.paths, "directories: only channels in them and below them");
        return command;
    };
    auto const name = [&](CLI::App* command) {
        command->add_option("NAME", c.name, "a name, or an absolute path")->required();
        return command;
    };
    auto* const lists = paths(common(app.add_subcommand("list", "List the channels that have a name, or those below directories")));
    lists->add_flag("--watch", c.watch, "draw it again and again, until ctrl-c; with --json one line each time");
    lists->add_option("--interval", c.interval, "seconds between two times")->check(CLI::Range(0.05, 3600.0));
    lists->footer("Example:\n  strait list --watch --interval 0.5\n\n"
                  "ENDS are living senders > receivers. UNREAD is - where only the ends know. MEMORY counts what lies in the kernel, too.");
    auto* const shows = name(common(app.add_subcommand("show", "Show all that is known of a channel, with the processes of its ends")));
    shows->footer("Example:\n  strait show /srv/feed/trades\n\nIt ends with 1 where the channel is damaged.");
    auto* const prints_types = name(app.add_subcommand("types", "Print the type of a channel's messages as C++ structs"));
    prints_types->footer("Example:\n  strait types trades > trade.hpp");
    auto* const cleans = paths(common(app.add_subcommand("clean", "Remove the channels that no process uses and in which nothing is unread")));
    cleans->add_flag("--dry-run", c.dry_run, "only say what would be removed");
    cleans->footer("Example:\n  strait clean --dry-run && strait clean\n\n"
                   "Programs may open channels meanwhile. It ends with 1 where a channel is damaged or could not be removed.");
    auto* const removes = name(common(app.add_subcommand("remove", "Remove a channel, whatever is in it and whoever uses it")));
    removes->footer("Example:\n  strait remove trades\n\nLiving ends go on with what they have open, and cannot be joined any more.");
    auto* const examines = common(app.add_subcommand("doctor", "Say which limits of this host matter for channels"));
    examines->footer("Example:\n  strait doctor | grep ^bad\n\nIt ends with 1 where a limit is bad.");
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& e) {
        if (e.get_exit_code() == 0)
            return app.exit(e);
        auto const commands = app.get_subcommands([](CLI::App*) { return true; });
        if (argc > 1 && *argv[1] != '-' &&
            std::none_of(commands.begin(), commands.end(), [&](CLI::App* a) { return a->get_name() == argv[1]; }))
            return complain(usage, "there is no command '" + std::string(argv[1]) + "'; `strait --help` shows all");
        return complain(usage, std::string(e.what()) + "; `strait --help` shows examples");
    }
    return lists->parsed()          ? list(c)
           : shows->parsed()        ? show(c)
           : prints_types->parsed() ? types(c)
           : cleans->parsed()       ? clean(c)
           : removes->parsed()      ? remove(c)
           : examines->parsed()     ? examine(c)
                                    : usage;
}

}  // namespace

int main(int argc, char** argv)
{
    std::signal(SIGPIPE, SIG_IGN);  // `strait list | head`: a closed pipe is an error of writing
    try {
        return run(argc, argv);
    } catch (std::exception const& e) {
        return complain(failure, e.what());
    }
}
