// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_INSPECT_SWEEPING_HPP
#define STRAIT_DETAIL_INSPECT_SWEEPING_HPP

#include <strait/channel_info.hpp>
#include <strait/detail/host/leftovers.hpp>
#include <strait/detail/inspect/enumeration.hpp>
#include <strait/detail/inspect/survey.hpp>
#include <strait/detail/membership/control_file.hpp>
#include <strait/detail/membership/removal.hpp>
#include <strait/detail/memory/mapped_file.hpp>
#include <strait/detail/os/range_lock.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace strait::detail {

// Removes channels for somebody who does not join them, as the last end that leaves does (membership::leave()): under the set-up
// lock, while no end lives and the name leads to the file that was locked. An opener that waits for the set-up lock finds
// afterwards that the name does not lead to its file, and begins anew.
class sweeping : removal<no_backing_object, host_leftovers> {
    using base = removal<no_backing_object, host_leftovers>;

    struct any_mechanism : no_backing_object {
        using leftover = host_leftovers;
    };
    struct every_leftover : removal<any_mechanism, host_leftovers> {
        using removal<any_mechanism, host_leftovers>::remove_unused;
    };

public:
    // What holds the channel, which has no living end as far as is known. `removed`: nothing does.
    static sweep_outcome obstacle(control_copy const& control, channel_contents const& found)
    {
        bool const whole = control.is_ready();
        struct ::stat const& status = control.status();
        if (status.st_uid != ::geteuid() || status.st_nlink > 1 || (control.is_intact() && !is_of_this_container(control)))
            return sweep_outcome::foreign;
        if (found.damage)
            return sweep_outcome::damaged;
        if (whole && control.block().keep.load(std::memory_order_relaxed) != 0)
            return sweep_outcome::kept;
        bool const lasting = whole && control.block().retained != 0;
        bool const unknown = found.known == channel_contents::knowledge::unknown ||
                             (found.known == channel_contents::knowledge::at_least && found.unread == 0);
        bool const had_sender = control.block().joined_senders.load(std::memory_order_relaxed) != 0;
        return lasting && (found.unread != 0 || (unknown && had_sender)) ? sweep_outcome::unread : sweep_outcome::removed;
    }

    static sweep_outcome look(channel_place const& place)
    {
        descriptor const fd(::open(place.file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        if (!fd)
            return sweep_outcome::foreign;
        location where = place.at;
        if (where.open_directory())
            return sweep_outcome::foreign;
        channel_view view(fd.get(), where, channel_view::use::unused);
        sweep_outcome const by = obstacle(view.control(), contents_of(view));
        return by == sweep_outcome::removed && !may_remove(where, fd.get()) ? sweep_outcome::foreign : by;
    }

    static sweep_outcome remove_if_unused(channel_place const& place, error_code& failed)
    {
        location where = place.at;
        descriptor fd;
        if ((failed = where.open_directory()) || (failed = open_control_file(where, fd)))
            return sweep_outcome::foreign;
        if (!fd)
            return sweep_outcome::used;
        if (!lock_byte(fd.get(), lock_bytes::setup, deadline::after(std::chrono::milliseconds(500))))
            return sweep_outcome::used;
        sweep_outcome const done = remove_locked(fd.get(), where, failed);
        unlock_byte(fd.get(), lock_bytes::setup);
        return done;
    }

    static error_code remove(channel_place const& place)
    {
        endpoint const at(place.where);
        auto const done = place.root == file_mechanism<no_backing_object>::root
                              ? removal<file_mechanism<no_backing_object>, host_leftovers>::remove(at)
                              : base::remove(at);
        return done ? error_code() : done.error();
    }

private:
    static sweep_outcome remove_locked(int fd, location const& where, error_code& failed)
    {
        if (!is_still_named(fd, where) || any_locked(fd, lock_bytes::participants, 2 * lock_bytes::most))
            return sweep_outcome::used;
        {
            channel_view view(fd, where, channel_view::use::locked);
            sweep_outcome const by = obstacle(view.control(), contents_of(view));
            if (by != sweep_outcome::removed)
                return by;
        }
        failed = every_leftover::remove_unused(fd, where);
        return failed ? sweep_outcome::foreign : sweep_outcome::removed;
    }
};

inline result<std::vector<swept_channel>> sweep(std::vector<std::string> const& below, bool named, bool dry_run)
{
    std::vector<surveyed_channel> all;
    if (error_code const e = survey_all(below, named, all))
        return e;
    std::vector<swept_channel> swept;
    for (auto& c : all) {
        if (!c.info.is_orphaned())
            continue;
        swept_channel s;
        s.outcome = dry_run ? sweeping::look(c.place) : sweeping::remove_if_unused(c.place, s.error);
        s.channel = std::move(c.info);
        swept.push_back(std::move(s));
    }
    return swept;
}

inline result<channel_info> remove_one(endpoint const& where)
{
    surveyed_channel found;
    if (error_code const e = survey_one(where, found))
        return e;
    if (error_code const e = sweeping::remove(found.place))
        return e;
    return std::move(found.info);
}

}  // namespace strait::detail

#endif
