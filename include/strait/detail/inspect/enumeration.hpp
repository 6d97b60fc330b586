// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INSPECT_ENUMERATION_HPP
#define STRAIT_DETAIL_INSPECT_ENUMERATION_HPP

#include <strait/channel_info.hpp>
#include <strait/detail/inspect/process_scan.hpp>
#include <strait/detail/inspect/survey.hpp>
#include <strait/detail/membership/location.hpp>
#include <strait/detail/memory/mapped_file.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/object_note.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strait::detail {

inline constexpr std::string_view channel_roots[] = {location::in_memory, file_mechanism<no_backing_object>::root};

inline std::string directory_of_names(std::string_view root)
{
    return std::string(root) + "/strait-" + std::to_string(::geteuid());
}

// The channel whose control file has this path, which lies in the directory of names where that is the directory. invalid_endpoint:
// no channel can have this path.
inline error_code place_of(std::string const& file, channel_place& place)
{
    std::string_view text = file;
    if (!text.ends_with(control_file_suffix))
        return errc::invalid_endpoint;
    text.remove_suffix(std::string_view(control_file_suffix).size());
    std::size_t const slash = text.rfind('/');
    for (std::string_view const root : channel_roots)
        if (text.substr(0, slash) == directory_of_names(root)) {
            text.remove_prefix(slash + 1);
            place.root = root;
        }
    auto const at = endpoint::parse(text);
    if (!at || at->is_address())
        return errc::invalid_endpoint;
    place.where = at->text();
    place.file = file;
    return location::find(*at, access_mode::everyone, place.at, place.root);
}

// The channels with a name below one root. Success where there is no directory.
inline error_code find_named(std::string_view root, std::vector<channel_place>& found)
{
    std::string const path = directory_of_names(root);
    struct ::stat status = {};
    if (::lstat(path.c_str(), &status) != 0)
        return {};
    if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 0077) != 0)
        return at_object(path, errc::untrusted_directory, &status);
    each_entry(descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)), [&](std::string const& name) {
        if (channel_place place; !place_of(path + "/" + name, place))
            found.push_back(std::move(place));
    });
    return {};
}

// The channels with a path in a directory, and 16 levels below it.
inline error_code find_below(std::string const& directory, std::vector<channel_place>& found)
{
    namespace fs = std::filesystem;
    std::error_code failed;
    fs::path const top = fs::canonical(directory, failed);
    if (failed || !fs::is_directory(top, failed))
        return at_object(directory, errc::no_directory);
    auto at = fs::recursive_directory_iterator(top, fs::directory_options::skip_permission_denied, failed);
    if (failed)
        return at_object(directory, error_code(failed.value(), boost::system::system_category()));
    for (; at != fs::recursive_directory_iterator(); at.increment(failed)) {
        STRAIT_STEP();
        if (failed)
            break;  // it was removed meanwhile
        if (at.depth() >= 16)
            at.disable_recursion_pending();
        if (channel_place place; !place_of(at->path().string(), place)) {
            place.is_doubtful = place.root.empty();
            found.push_back(std::move(place));
        }
    }
    return {};
}

// Fills in which process has which end. Looks at the processes once for all channels.
inline void add_processes(std::vector<surveyed_channel>& all)
{
    std::vector<file_number> files;
    for (auto const& c : all)
        if (!c.info.ends.empty())
            files.push_back(c.number);
    std::vector<held_range> const held = scan_processes(files);
    for (auto& c : all)
        for (auto& end : c.info.ends) {
            ::off_t const byte = lock_bytes::first(end.is_sender ? role::sender : role::receiver) + static_cast<::off_t>(end.place);
            auto const holder = std::find_if(held.begin(), held.end(), [&](held_range const& h) {
                return h.file == c.number && h.first <= byte && byte <= h.last;
            });
            if (holder == held.end())
                continue;
            process_facts const facts = facts_of(holder->process);
            end.process = holder->process;
            end.command = facts.command;
            end.started = facts.started;
            end.state = facts.state == '?'                          ? process_state::unknown
                        : facts.state == 'T' || facts.state == 't' ? process_state::stopped
                        : facts.state == 'Z' || facts.state == 'X' ? process_state::zombie
                                                                   : process_state::running;
        }
}

inline error_code survey_all(std::vector<std::string> const& below, bool named, std::vector<surveyed_channel>& all)
{
    std::vector<channel_place> places;
    for (std::string_view const root : channel_roots)
        if (error_code const e = named ? find_named(root, places) : error_code())
            return e;
    for (std::string const& directory : below)
        if (error_code const e = find_below(directory, places))
            return e;
    std::sort(places.begin(), places.end(), [](auto const& a, auto const& b) { return std::tie(a.where, a.file) < std::tie(b.where, b.file); });
    places.erase(std::unique(places.begin(), places.end(), [](auto const& a, auto const& b) { return a.file == b.file; }), places.end());
    for (channel_place& place : places)
        if (surveyed_channel c; survey(std::move(place), c))
            all.push_back(std::move(c));
    add_processes(all);
    return {};
}

inline result<std::vector<channel_info>> enumerate(std::vector<std::string> const& below, bool named)
{
    std::vector<surveyed_channel> all;
    if (error_code const e = survey_all(below, named, all))
        return e;
    std::vector<channel_info> shown;
    shown.reserve(all.size());
    for (auto& c : all)
        shown.push_back(std::move(c.info));
    return shown;
}

// The channel at this endpoint. ENOENT of the system: there is none.
inline error_code survey_one(endpoint const& where, surveyed_channel& found)
{
    if (where.is_address())
        return errc::invalid_endpoint;
    std::vector<std::string> files;
    if (where.what() == endpoint::kind::path)
        files.push_back(where.text() + control_file_suffix);
    else
        for (std::string_view const root : channel_roots)
            files.push_back(directory_of_names(root) + "/" + where.text() + control_file_suffix);
    for (std::string const& file : files) {
        channel_place place;
        if (error_code const e = place_of(file, place))
            return e;
        if (survey(std::move(place), found)) {
            std::vector<surveyed_channel> one;
            one.push_back(std::move(found));
            add_processes(one);
            found = std::move(one.front());
            return {};
        }
    }
    return at_object(files.front(), error_code(ENOENT, boost::system::system_category()));
}

inline result<channel_info> inspect_one(endpoint const& where)
{
    surveyed_channel found;
    if (error_code const e = survey_one(where, found))
        return e;
    return std::move(found.info);
}

}  // namespace strait::detail

#endif
