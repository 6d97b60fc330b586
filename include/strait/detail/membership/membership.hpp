// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_MEMBERSHIP_HPP
#define STRAIT_DETAIL_MEMBERSHIP_MEMBERSHIP_HPP

#include <strait/detail/membership/backing_object.hpp>
#include <strait/detail/membership/control_file.hpp>
#include <strait/detail/membership/participant.hpp>
#include <strait/detail/membership/removal.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/range_lock.hpp>
#include <strait/detail/schema/mismatch.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strait::detail {

// Joining and leaving a channel that has a name. A control file gets its name only when it is complete. Everything that
// creates, repairs or removes is done with the set-up lock held, and only while the name still leads to the file that
// was locked.
//
// The Mechanism is what carries the messages beside, or inside, the control file.
template <class Mechanism, class Leftovers = host_leftovers>
class membership : public removal<Mechanism, Leftovers> {
    using named = removal<Mechanism, Leftovers>;
    static_assert(backing_object<Mechanism>);

public:
    using named::lock_timeout;

    // Joins, and creates the channel if there is none. The participant has its place then; the caller opens what else it
    // needs and calls count_in() last, or leave() when something failed. `among`: the places that it may take.
    // Errors: busy when all of these are taken, timed_out when for lock_timeout others hold the set-up lock or make and remove the
    // channel, no_directory, untrusted_object, incompatible_peer, peer_corrupt, transport_mismatch, type_mismatch,
    // other_kernel_space, those of the mechanism and of system calls.
    static error_code join(location& where, channel_traits traits, role r, place_range among, Mechanism& mechanism,
                           participant& joined)
    {
        traits.kernel_space = number_of(Mechanism::needs);
        channel_traits const& wanted = traits;
        deadline const until = deadline::after(lock_timeout);
        for (;;) {
            STRAIT_STEP();
            error_code const e = try_join(where, wanted, r, among, mechanism, until, joined);
            if (e == named::try_again && !until.passed())
                continue;
            if (e) {
                where.undo_directory();
            } else {
                where.leave_number_free();
                forget_failure();  // of a channel of another type that was taken away
            }
            return e == named::try_again ? make_error_code(errc::timed_out) : e;
        }
    }

    // Leaves. The last participant of a channel with nothing unread removes it. Waits up to the deadline for the set-up
    // lock; without it the channel stays, and its next opener cleans up. Idempotent.
    static void leave(participant& c, location const& where, Mechanism& mechanism, deadline until) noexcept
    {
        if (!c.is_member())
            return;
        c.count_out();
        STRAIT_CRASH_POINT("leave: counted out");
        bool const alone = lock_byte(c.fd(), lock_bytes::setup, until).has_value();  // if not, the next opener cleans up
        STRAIT_CRASH_POINT("leave: set-up lock taken");
        unlock_byte(c.fd(), c.place_);
        STRAIT_CRASH_POINT("leave: place given up");
        bool stays = false;
        try {
            if (alone && !c.any_alive(role::sender) && !c.any_alive(role::receiver)) {
                bool const wanted = c.block().keep.load(std::memory_order_relaxed) != 0 || mechanism.unread(c, where);
                if (is_still_named(c.fd(), where)) {
                    stays = wanted;
                    if (!stays)
                        static_cast<void>(named::remove_unused(c.fd(), where));  // what only another user may remove stays
                } else if (!wanted || participant::has_no_name(c.fd())) {
                    mechanism.forget(c, where);  // what is unread cannot be found any more
                }
            }
        } catch (...) {  // no memory for a path: the next opener finds no participant and starts afresh
        }
        c.signal();
        STRAIT_CRASH_POINT("leave: signalled");
        if (alone)
            unlock_byte(c.fd(), lock_bytes::setup);  // closing the descriptor does not, because the mapping holds the description too
        STRAIT_CRASH_POINT("leave: set-up lock released");
        if (stays)
            mechanism.sync(c.fd(), where.directory());  // however long that takes: others can open and leave meanwhile
        c.lock_.reset();
    }

private:
    // try_again: another process has removed or made what was found, or was missing, meanwhile.
    static error_code try_join(location& where, channel_traits const& wanted, role r, place_range among, Mechanism& mechanism,
                               deadline until, participant& joined)
    {
        if (error_code const e = where.open_directory())
            return vanished(e) ? directory_vanished(where) : e;
        STRAIT_CRASH_POINT("join: directory opened");
        descriptor found;
        if (error_code const e = open_control_file(where, found))
            return e;
        return found ? join_existing(std::move(found), where, wanted, r, among, mechanism, until, joined)
                     : join_new(where, wanted, r, among, mechanism, joined);
    }

    // Our own directory is made anew; that of a path is its owner's.
    static error_code directory_vanished(location const& where) noexcept
    {
        return where.is_own_directory() ? named::try_again : make_error_code(errc::no_directory);
    }

    static error_code join_existing(descriptor fd, location const& where, channel_traits const& wanted,
                                    role r, place_range among, Mechanism& mechanism, deadline until, participant& joined)
    {
        struct ::stat found = {};
        if (::fstat(fd.get(), &found) != 0)
            return last_failure();
        if (found.st_nlink == 0)
            return named::try_again;
        if (!trusted_object(found, S_IFREG, where.access()))
            return at_object(where.path(control_file_suffix), errc::untrusted_object, &found);
        if (auto held = lock_byte(fd.get(), lock_bytes::setup, until); !held)
            return held.error();
        STRAIT_CRASH_POINT("join: set-up lock taken");
        if (!is_still_named(fd.get(), where))
            return named::try_again;
        bool const unused = !any_locked(fd.get(), lock_bytes::participants, 2 * lock_bytes::most);
        auto const size = static_cast<std::uint64_t>(found.st_size);
        participant c;
        bool newer = false;
        error_code wrong = errc::peer_corrupt;
        if (size >= control_block::size_in_file) {
            if (error_code const e = c.adopt(std::move(fd), size, 0))
                return e;
            wrong = c.block().check(wanted, size);
            if (!wrong && wanted.grows())
                wrong = compare_versions(c.block(), wanted, newer);
            wrong = noted(wrong, c.block(), wanted);
        }
        bool const whole = c.is_member() && c.block().ready.load(std::memory_order_acquire) == 1;  // pairs with join_new()
        if (whole && (!wrong || wrong == errc::type_mismatch))
            if (error_code const e = reach(c, mechanism))
                wrong = e;
        if (wrong && !is_permanent_error(wrong))
            return wrong;
        if (unused)
            if (error_code const e = named::take_over(c.is_member() ? c.fd() : fd.get(), c, whole, wrong, where, mechanism))
                return e;
        if (wrong) {
            if (!unused && (wrong == errc::type_mismatch || wrong == errc::transport_mismatch))
                note_refusal(c.block(), wrong);
            return wrong;
        }
        if (auto placed = take_place(c, r, among, mechanism); !placed)
            return placed.error();
        if (mirror const twice = mechanism.mirrored(size); twice.first != 0) {
            std::shared_ptr<mapping> mapped;
            if (error_code const e = mapping::map(c.fd(), size, twice, mapped))
                return e;
            c.attach(std::move(mapped));
        }
        if (newer)
            write_newer_schema(c.block(), wanted);
        if (wanted.keep)
            c.block().keep.store(1, std::memory_order_relaxed);
        unlock_byte(c.fd(), lock_bytes::setup);
        STRAIT_CRASH_POINT("join: set-up lock released");
        joined = std::move(c);
        return {};
    }

    static result<void> take_place(participant& c, role r, place_range among, Mechanism& mechanism)
    {
        return c.take_place(r, among, [&](std::uint64_t place) { return mechanism.is_good(c, r, place); });
    }

    static error_code reach(participant& c, Mechanism& mechanism)
    {
        std::shared_ptr<mapping> mapped;
        error_code const e = mechanism.reach(c, mapped);
        if (!e && mapped)
            c.attach(std::move(mapped));
        return e;
    }

    // Of a type that holds something extensible: whether its version and that of the channel can be told from each other only by
    // what was appended. `newer`: the channel is to have our schema from now on, so that a third version is compared with that.
    [[gnu::noinline, gnu::cold]] static error_code compare_versions(control_block const& found, channel_traits const& wanted,
                                                                    bool& newer) noexcept
    {
        std::string_view const there = found.schema();
        newer = there.empty();
        return newer ? error_code() : schema_versions(there, wanted.description(), newer);
    }

    [[gnu::noinline, gnu::cold]] static void write_newer_schema(control_block& to, channel_traits const& wanted) noexcept
    {
        schema_bytes own;
        schema_writer::write(wanted.description(), own);
        to.write_schema(own);
        STRAIT_CRASH_POINT("join: newer schema written");
    }

    // Notes what the channel carries and what was asked for, where that is the error.
    static error_code noted(error_code const& e, control_block const& found, channel_traits const& wanted) noexcept
    {
        if (e == errc::type_mismatch)
            return noted_type_mismatch(found.name_of_type(), found.schema(), wanted.type);
        if (e == errc::transport_mismatch)
            note_transport_mismatch(found, wanted);
        return e;
    }

    // Tells the ends that are there why this one is refused.
    [[gnu::noinline, gnu::cold]] static void note_refusal(control_block& at, error_code const& why) noexcept
    {
        char line[sizeof at.refusal];
        bounded_text text(line, sizeof line);
        text << "process " << static_cast<std::uint64_t>(::getpid()) << ": " << error_note(why);
        at.note_refusal(text.view());
    }

    [[gnu::noinline, gnu::cold]] static void note_transport_mismatch(control_block const& found, channel_traits const& wanted) noexcept
    {
        auto const memory = [](std::string_view name) { return name.empty() ? std::string_view() : std::string_view(" in "); };
        note_of(errc::transport_mismatch)
            << "it runs over " << found.transport_name() << memory(found.memory_name()) << found.memory_name() << " and carries "
            << found.name_of_type() << ", and this program asked for " << wanted.transport << memory(wanted.memory) << wanted.memory
            << " and " << wanted.type_name();
    }

    // Whether this error is a property of the control file. Another error is that of a system call and says nothing
    // about the file.
    static bool is_permanent_error(error_code const& e) noexcept
    {
        return e == errc::untrusted_object || e == errc::incompatible_peer || e == errc::peer_corrupt ||
               e == errc::transport_mismatch || e == errc::type_mismatch || e == errc::other_kernel_space;
    }

    static error_code join_new(location const& where, channel_traits const& wanted, role r, place_range among,
                               Mechanism& mechanism, participant& joined)
    {
        descriptor fd;
        std::string temporary;
        if (error_code const e = make_control_file(where.directory(), where, wanted, fd, temporary))
            return vanished(e) ? directory_vanished(where) : e;
        STRAIT_CRASH_POINT("create: file allocated");
        int const raw = fd.get();
        participant c;
        auto complete = [&]() -> result<void> {
            if (error_code const e = c.adopt(std::move(fd), wanted.size, mechanism.mirrored(wanted.size)))
                return e;
            c.block().fill(wanted);
            STRAIT_CRASH_POINT("create: filled");
            if (auto placed = take_place(c, r, among, mechanism); !placed)
                return placed.error();
            if (auto held = try_lock_byte(c.fd(), lock_bytes::setup); !held)
                return held.error();
            STRAIT_CRASH_POINT("create: set-up lock taken");
            return {};
        }();
        if (complete)
            complete = give_name(where.directory(), raw, temporary, where.file(control_file_suffix));
        STRAIT_CRASH_POINT("create: named");
        if (!temporary.empty())
            ::unlinkat(where.directory(), temporary.c_str(), 0);
        if (!complete) {
            error_code const e = complete.error();
            if (vanished(e))
                return directory_vanished(where);
            if (e == error_code(EEXIST, boost::system::system_category()))
                return named::try_again;
            return e;
        }
        error_code failed = mechanism.create(c, where);
        if (!failed) {
            failed = reach(c, mechanism);
            if (failed)
                mechanism.forget(c, where);
        }
        if (failed) {
            ::unlinkat(where.directory(), where.file(control_file_suffix).c_str(), 0);
            return failed;
        }
        STRAIT_CRASH_POINT("create: objects made");
        c.block().ready.store(1, std::memory_order_release);
        STRAIT_CRASH_POINT("create: ready");
        unlock_byte(c.fd(), lock_bytes::setup);
        STRAIT_CRASH_POINT("create: set-up lock released");
        joined = std::move(c);
        return {};
    }
};

}  // namespace strait::detail

#endif
