// Distributed under the Boost Software License, Version 1.0.
#ifndef TOOL_SHOW_HPP
#define TOOL_SHOW_HPP

#include <strait/inspect.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the command prints: tables for people, JSON for programs.
namespace tool {

using json = nlohmann::ordered_json;

/// Colours, where they are wanted.
class paint {
public:
    explicit paint(bool colours) : colours_(colours) {}
    std::string red(std::string const& s) const { return in("31", s); }
    std::string green(std::string const& s) const { return in("32", s); }
    std::string yellow(std::string const& s) const { return in("33", s); }
    std::string bold(std::string const& s) const { return in("1", s); }

private:
    std::string in(char const* code, std::string const& s) const { return colours_ ? "\x1b[" + std::string(code) + "m" + s + "\x1b[0m" : s; }
    bool colours_;
};

inline std::string bytes_in_words(std::uint64_t n)
{
    static constexpr char const* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    auto shown = static_cast<double>(n);
    for (; shown >= 1024 && unit + 1 != std::size(units); ++unit)
        shown /= 1024;
    char text[32];
    std::snprintf(text, sizeof text, unit == 0 || shown >= 100 ? "%.0f %s" : "%.1f %s", shown, units[unit]);
    return text;
}

inline std::string time_in_words(std::chrono::system_clock::time_point t)
{
    if (t == std::chrono::system_clock::time_point())
        return {};
    std::time_t const seconds = std::chrono::system_clock::to_time_t(t);
    std::tm utc = {};
    ::gmtime_r(&seconds, &utc);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text;
}

inline std::string state_of(strait::channel_info const& c)
{
    if (c.unreadable)
        return "unreadable";
    if (!c.damage.empty())
        return "damaged";
    if (c.ends.empty())
        return c.keep ? "kept" : "orphaned";
    bool const stopped = std::any_of(c.ends.begin(), c.ends.end(), [](auto const& e) { return e.state == strait::process_state::stopped; });
    return stopped ? "stopped" : "in use";
}

inline char const* name_of(strait::process_state s)
{
    switch (s) {
    case strait::process_state::running: return "running";
    case strait::process_state::stopped: return "stopped";
    case strait::process_state::zombie: return "zombie";
    default: return "unknown";
    }
}

inline char const* name_of(strait::sweep_outcome o)
{
    switch (o) {
    case strait::sweep_outcome::removed: return "removed";
    case strait::sweep_outcome::used: return "used";
    case strait::sweep_outcome::unread: return "unread";
    case strait::sweep_outcome::kept: return "kept";
    case strait::sweep_outcome::foreign: return "foreign";
    default: return "damaged";
    }
}

inline std::string unread_of(strait::channel_info const& c)
{
    return c.unread ? std::to_string(*c.unread) + (c.unread_at_least ? "+" : "") : "-";
}

inline std::string ends_of(strait::channel_info const& c)
{
    auto const senders = static_cast<std::size_t>(std::count_if(c.ends.begin(), c.ends.end(), [](auto const& e) { return e.is_sender; }));
    return std::to_string(senders) + " > " + std::to_string(c.ends.size() - senders);
}

inline std::string shortened(std::string s, std::size_t most)
{
    if (s.size() > most)
        s = s.substr(0, most - 2) + "..";
    return s;
}

/// The table of `strait list`.
inline std::string table(std::vector<strait::channel_info> const& all, paint const& in)
{
    std::vector<std::array<std::string, 7>> rows = {{"NAME", "TRANSPORT", "TYPE", "ENDS", "UNREAD", "MEMORY", "STATE"}};
    for (auto const& c : all)
        rows.push_back({c.where, c.transport.empty() ? "?" : c.transport, shortened(c.type, 28), ends_of(c), unread_of(c),
                        bytes_in_words(c.bytes()), state_of(c)});
    std::array<std::size_t, 7> width{};
    for (auto const& row : rows)
        for (std::size_t i = 0; i != row.size(); ++i)
            width[i] = std::max(width[i], row[i].size());
    std::string text;
    for (auto const& row : rows) {
        for (std::size_t i = 0; i != row.size(); ++i) {
            std::string const room(width[i] - row[i].size(), ' ');
            std::string cell = row[i];
            if (&row == &rows.front())
                cell = in.bold(cell);
            else if (i == 6)
                cell = cell == "in use" ? in.green(cell) : cell == "damaged" || cell == "unreadable" ? in.red(cell) : in.yellow(cell);
            text += i == 4 || i == 5 ? room + cell : i == 6 ? cell : cell + room;
            text += i == 6 ? "\n" : "  ";
        }
    }
    return text;
}

/// What `strait show` prints.
inline std::string details(strait::channel_info const& c, paint const& in)
{
    std::string text;
    auto const line = [&](std::string const& name, std::string const& value) {
        text += in.bold(name) + std::string(name.size() < 12 ? 12 - name.size() : 1, ' ') + value + "\n";
    };
    line("name", c.where);
    line("file", c.file);
    line("state", state_of(c) + (c.damage.empty() ? "" : ": " + c.damage) + (c.unreadable ? ": " + c.unreadable.message() : ""));
    char number[32];
    std::snprintf(number, sizeof number, "%04o", c.mode);
    line("owner", "user " + std::to_string(c.owner) + ", group " + std::to_string(c.group) + ", mode " + number);
    if (c.unreadable)
        return text;
    line("transport", c.transport + (c.memory.empty() ? "" : " in " + c.memory));
    line("type", c.type);
    std::snprintf(number, sizeof number, "%016llx", static_cast<unsigned long long>(c.fingerprint));
    line("fingerprint", number);
    line("message", c.message_size != 0 ? std::to_string(c.message_size) + " bytes"
                                        : "of varying size" + (c.max_message_size != 0 ? ", at most " + std::to_string(c.max_message_size) + " bytes" : ""));
    if (c.capacity != 0)
        line("capacity", std::to_string(c.capacity) + (c.message_size != 0 ? " messages" : ""));
    line("unread", c.unread ? unread_of(c) : "only its ends know");
    line("memory", bytes_in_words(c.file_bytes) + (c.beside_bytes != 0 ? ", and " + bytes_in_words(c.beside_bytes) + " in a System V segment" : "") +
                       (c.kernel_bytes != 0 ? ", and " + bytes_in_words(c.kernel_bytes) + " of messages in the kernel" : ""));
    line("unread ones", c.retained ? "outlive all ends" : "go with the last receiver");
    if (c.keep)
        line("keep", "it stays when its last end leaves");
    line("senders", std::to_string(c.joined_senders) + " joined, " + std::to_string(c.left_senders) + " left");
    line("receivers", std::to_string(c.joined_receivers) + " joined, " + std::to_string(c.left_receivers) + " left");
    for (auto const& e : c.ends)
        line(e.is_sender ? "  sender" : "  receiver",
             "place " + std::to_string(e.place) + (e.process == 0 ? ", of a process that this user cannot see"
                                                                  : ", process " + std::to_string(e.process) + " (" + e.command + "), " +
                                                                        name_of(e.state) + ", since " + time_in_words(e.started)));
    return text;
}

inline json to_json(strait::channel_info const& c)
{
    char print[32];
    std::snprintf(print, sizeof print, "%016llx", static_cast<unsigned long long>(c.fingerprint));
    char mode[16];
    std::snprintf(mode, sizeof mode, "%04o", c.mode);
    json ends = json::array();
    for (auto const& e : c.ends)
        ends.push_back({{"role", e.is_sender ? "sender" : "receiver"},
                        {"place", e.place},
                        {"pid", e.process == 0 ? json() : json(e.process)},
                        {"state", name_of(e.state)},
                        {"command", e.command},
                        {"started", e.process == 0 ? json() : json(time_in_words(e.started))}});
    return {{"name", c.where},
            {"file", c.file},
            {"state", state_of(c)},
            {"damage", c.damage.empty() ? json() : json(c.damage)},
            {"unreadable", c.unreadable ? json(c.unreadable.message()) : json()},
            {"transport", c.transport},
            {"memory_kind", c.memory},
            {"type", c.type},
            {"schema", c.schema ? json(c.schema->text()) : json()},
            {"fingerprint", print},
            {"message_size", c.message_size},
            {"max_message_size", c.max_message_size},
            {"capacity", c.capacity},
            {"owner", c.owner},
            {"group", c.group},
            {"mode", mode},
            {"keep", c.keep},
            {"retained", c.retained},
            {"unread", c.unread ? json(*c.unread) : json()},
            {"unread_is_exact", c.unread.has_value() && !c.unread_at_least},
            {"bytes", c.bytes()},
            {"file_bytes", c.file_bytes},
            {"segment_bytes", c.beside_bytes},
            {"kernel_bytes", c.kernel_bytes},
            {"orphaned", c.is_orphaned()},
            {"joined_senders", c.joined_senders},
            {"left_senders", c.left_senders},
            {"joined_receivers", c.joined_receivers},
            {"left_receivers", c.left_receivers},
            {"ends", ends}};
}

/// One line or several; a byte that is no UTF-8, which a peer may have written, is replaced.
inline std::string text_of(json const& j, int indent) { return j.dump(indent, ' ', false, json::error_handler_t::replace) + "\n"; }

/// The words of a schema for kinds of types, as a C++ program writes them, and names without their namespaces. Of a member's line
/// only the type is changed: what is in front of the last blank that lies in no angle brackets. An enumeration becomes its number.
inline std::string in_cpp(std::string const& schema)
{
    static std::regex const space(R"((?:(?:[A-Za-z_]\w*|\(anonymous namespace\))::)+)");
    static std::regex const enumeration(R"(^(\S+) : (\S+)$)");
    static std::pair<std::regex, char const*> const words[] = {
        {std::regex(R"(\bu(8|16|32|64)\b)"), "std::uint$1_t"}, {std::regex(R"(\bi(8|16|32|64)\b)"), "std::int$1_t"},
        {std::regex(R"(\bf32\b)"), "float"},                   {std::regex(R"(\bf64\b)"), "double"},
        {std::regex(R"(\bf80\b)"), "long double"},             {std::regex(R"(\bsequence<)"), "std::vector<"},
        {std::regex(R"(\bstring\b)"), "std::string"},          {std::regex(R"(\bchar(8|16|32)\b)"), "char$1_t"},
        {std::regex(R"(\bduration<([^<>]*), (\d+)/(\d+)>)"), "std::chrono::duration<$1, std::ratio<$2, $3>>"},
        {std::regex(R"(\b(array|optional|variant|set|multiset|map|multimap|tuple|complex)<)"), "std::$1<"}};
    std::string text;
    for (std::size_t at = 0; at < schema.size();) {
        std::size_t const end = std::min(schema.find('\n', at), schema.size());
        std::string line = std::regex_replace(schema.substr(at, end - at), space, "");
        at = end + 1;
        if (line.starts_with("    ")) {
            std::size_t const semicolon = line.find(';');
            std::size_t name = std::string::npos;
            int depth = 0;
            for (std::size_t i = 4; i < std::min(semicolon, line.size()); ++i) {
                depth += (line[i] == '<' ? 1 : 0) - (line[i] == '>' ? 1 : 0);
                if (line[i] == ' ' && depth == 0)
                    name = i;
            }
            std::size_t const behind = std::min(name, semicolon);
            std::string type = line.substr(4, behind - 4);
            std::string behind_it = behind < line.size() ? line.substr(behind) : "";
            if (std::smatch parts; std::regex_match(type, parts, enumeration)) {
                behind_it += (behind_it.find("//") == std::string::npos ? "  // " : ", ") + ("enumeration " + parts[1].str());
                type = parts[2].str();
            }
            for (auto const& [word, by] : words)
                type = std::regex_replace(type, word, by);
            line = "    " + type + behind_it;
        }
        text += line + "\n";
    }
    return text;
}

}  // namespace tool

#endif
