// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_REMOVAL_HPP
#define STRAIT_DETAIL_MEMBERSHIP_REMOVAL_HPP

#include <strait/detail/membership/control_file.hpp>
#include <strait/detail/membership/leftover.hpp>
#include <strait/detail/membership/participant.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/range_lock.hpp>

#include <cerrno>
#include <chrono>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strait::detail {

// Finding and removing what lies under a channel's name: its control file and the objects beside it. remove() is for
// programs that do not join the channel, take_over() for an opener that finds no participant in it. The Mechanism is
// that of membership.
template <class Mechanism, class Leftovers>
class removal {
public:
    // How long opening, leaving and removing wait for the set-up lock. Others hold it for a few system calls, unless
    // they are stopped.
    static constexpr std::chrono::seconds lock_timeout{5};

    static error_code find(endpoint const& at, access_mode access, location& where)
    {
        return location::find(at, access, where, Mechanism::root);
    }

    // When this returns, the present content of the channel's file, whichever process wrote it, and its name are on the
    // disk.
    static result<void> sync(endpoint const& at)
    {
        location where;
        descriptor found;
        error_code e = find(at, access_mode::everyone, where);
        if (!e)
            e = where.open_directory();
        if (!e)
            e = open_control_file(where, found);
        if (e)
            return e;
        if (!found || ::fdatasync(found.get()) != 0 || ::fsync(where.directory()) != 0)
            return last_failure();
        return {};
    }

    // Removes the channel of any transport at this place, whatever its content. Success also when there is none. Living
    // ends go on with what they have open.
    static result<void> remove(endpoint const& at)
    {
        static_assert(Leftovers::template contains<typename Mechanism::leftover>, "add it to detail/host/leftovers.hpp");
        // A user who may unlink files there may remove channels: which rights others have in the directory does not
        // matter.
        location where;
        if (error_code const e = find(at, access_mode::everyone, where))
            return e;
        if (error_code const e = where.open_directory()) {
            if (vanished(e) || e == errc::no_directory)
                return {};
            return e;
        }
        descriptor found;
        if (!open_control_file(where, found) && found)
            if (auto held = lock_byte(found.get(), lock_bytes::setup, deadline::after(lock_timeout)); !held)
                return held;
        STRAIT_CRASH_POINT("remove: set-up lock taken");
        if (found && !may_remove(where, found.get()))
            return errc::foreign_object;
        if (error_code const e = Leftovers::remove(found.get(), where))
            return e;
        STRAIT_CRASH_POINT("remove: objects removed");
        result<void> done;
        if (error_code const e = remove_name(where))
            done = e;
        STRAIT_CRASH_POINT("remove: name removed");
        where.undo_directory();
        return done;
    }

protected:
    // The name was removed or given to another file meanwhile. It is never reported to a caller of membership.
    static inline error_code const try_again{ESTALE, boost::system::system_category()};

    // Removes a channel that no end uses and that holds nothing. What only another user may remove stays whole
    // (foreign_object), and the next opener takes it over as it is.
    static error_code remove_unused(int fd, location const& where)
    {
        if (!may_remove(where, fd))
            return errc::foreign_object;
        if (error_code const e = Mechanism::leftover::remove(fd, where))
            return e;
        STRAIT_CRASH_POINT("leave: objects removed");
        error_code const e = remove_name(where);
        STRAIT_CRASH_POINT("leave: name removed");
        return e;
    }

    // Called by an opener that finds a channel without participants. Either the remains of dead participants are
    // removed, and the name is free (try_again), or the channel is prepared for the opener (success). Remains that only
    // another user may remove are prepared, too, if they are of the same transport and type; else foreign_object. `c`
    // has no memory if the file is too short to be a control file; `wrong` says what is not as the opener wants it;
    // `whole` whether its creator has finished.
    static error_code take_over(int fd, participant const& c, bool whole, error_code const& wrong,
                                location const& where, Mechanism& mechanism)
    {
        bool const keep = whole && !wrong && c.block().keep.load(std::memory_order_relaxed) != 0;
        bool const unread = whole && holds_unread(c, wrong, where, mechanism);
        // What another program has left unread is not dropped here; remove() is the explicit way to do that.
        if (wrong && (unread || wrong == errc::untrusted_object))
            return wrong;
        bool const removable = may_remove(where, fd);
        if (!removable && !unread) {
            if (wrong || !whole)
                return errc::foreign_object;
            mechanism.drop_unread(c, where);
        }
        if (!keep && !unread && removable) {
            error_code const owned = Leftovers::remove(fd, where);
            if (!owned) {
                STRAIT_CRASH_POINT("repair: objects of the dead removed");
                if (error_code const e = remove_name(where))
                    return e;
                STRAIT_CRASH_POINT("repair: name of the dead removed");
                return try_again;
            }
            if (wrong || !whole)
                return owned;
        }
        if (!unread)
            for (auto* n : {&c.block().joined_senders, &c.block().left_senders, &c.block().joined_receivers,
                            &c.block().left_receivers}) {
                n->store(0, std::memory_order_relaxed);
                STRAIT_CRASH_POINT("repair: a count of the dead cleared");
            }
        return {};
    }

private:
    // foreign_object: it is another user's, in a directory where only its owner may.
    static error_code remove_name(location const& where)
    {
        std::string const name = where.file(control_file_suffix);
        if (::unlinkat(where.directory(), name.c_str(), 0) == 0 || errno == ENOENT)
            return {};
        int const number = errno;
        struct ::stat found = {};
        ::fstatat(where.directory(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW);
        return not_removed(where.path(control_file_suffix), number, found.st_uid);
    }

    // Whether messages are left in a channel without participants. If it is of our transport, the mechanism looks,
    // whatever the type is. Of another transport's channel we only know whether it retains messages and had a sender.
    static bool holds_unread(participant const& c, error_code const& wrong, location const& where, Mechanism& mechanism)
    {
        if (!wrong || wrong == errc::type_mismatch)
            return mechanism.unread(c, where);
        bool const readable = wrong == errc::transport_mismatch || wrong == errc::incompatible_peer;
        return readable && c.block().retained != 0 && c.block().joined_senders.load(std::memory_order_relaxed) != 0;
    }
};

}  // namespace strait::detail

#endif
