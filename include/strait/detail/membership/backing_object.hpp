// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_BACKING_OBJECT_HPP
#define STRAIT_DETAIL_MEMBERSHIP_BACKING_OBJECT_HPP

#include <strait/detail/membership/leftover.hpp>
#include <strait/detail/membership/location.hpp>
#include <strait/detail/membership/participant.hpp>
#include <strait/detail/membership/role.hpp>
#include <strait/detail/os/kernel_space.hpp>
#include <strait/detail/os/mapping.hpp>
#include <strait/error.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <string_view>

namespace strait::detail {

// What a mechanism has besides a channel's control file, or inside it, as membership needs to know it.
// no_backing_object, from which the models derive, says what each member does and when it is called. Every call but
// sync() is made with the set-up lock held.
template <class M>
concept backing_object = requires(M& m, M const& unchanged, participant const& p, location const& where, std::uint64_t number,
                                  std::shared_ptr<mapping>& mapped, int fd)
{
    { m.create(p, where) } -> std::same_as<error_code>;
    { m.unread(p, where) } -> std::same_as<bool>;
    { m.forget(p, where) } -> std::same_as<void>;
    { m.drop_unread(p, where) } -> std::same_as<void>;
    requires leftover<typename M::leftover>;
    { unchanged.mirrored(number) } -> std::convertible_to<mirror>;
    { unchanged.is_good(p, role::sender, number) } -> std::same_as<bool>;
    { unchanged.reach(p, mapped) } -> std::same_as<error_code>;
    { unchanged.sync(fd, fd) } noexcept -> std::same_as<void>;
    { M::root } -> std::convertible_to<std::string_view>;
    { M::needs } -> std::convertible_to<kernel_space>;
};

// A mechanism that has nothing besides the control file. Others derive from it and replace what is different.
struct no_backing_object {
    // Removes the object of a channel by its name. It is one of host_leftovers, so that any transport can.
    using leftover = no_leftover;

    // The directory below which the directories of channels with a name lie. Channels with a path do not need it.
    static constexpr std::string_view root = location::in_memory;

    // The name space of the kernel that all participants must share, because the object, or the peer's address, is of it.
    static constexpr kernel_space needs = kernel_space::none;

    // Makes the object of a new channel, and replaces one that dead participants have left under this name. After an
    // error no object is left.
    error_code create(participant const&, location const&) const noexcept { return {}; }

    // Whether a later receiver would find messages, in a channel without participants. The content may be of another
    // type, or damaged: then nothing is unread.
    bool unread(participant const&, location const&) const noexcept { return false; }

    // Removes the object of a channel whose name leads to it no more, because somebody has replaced or removed the
    // control file, or whose creation failed after create().
    void forget(participant const&, location const&) const noexcept {}

    // Called for a channel without participants that is used again: drops messages that unread() does not count,
    // because the channel does not retain them.
    void drop_unread(participant const&, location const&) const noexcept {}

    // Which part of a control file of this size is mapped twice.
    mirror mirrored(std::uint64_t) const noexcept { return {}; }

    // Whether a participant should rather take this place than another. If no free place is good, it takes one that is
    // not.
    bool is_good(participant const&, role, std::uint64_t) const noexcept { return true; }

    // Maps the control file together with memory that lies beside it, in a channel that is complete; leaves `mapped`
    // empty where there is no such memory. peer_corrupt: it should be there and is not.
    error_code reach(participant const&, std::shared_ptr<mapping>&) const noexcept { return {}; }

    // Whether what the channel holds lies on a disk, so that channel::sync() has something to do.
    static constexpr bool on_disk = false;

    // Called when the last participant has left a channel that stays, with the descriptors of its control file and
    // directory. The set-up lock is not held: this may take long.
    void sync(int, int) const noexcept {}
};
static_assert(backing_object<no_backing_object>);

}  // namespace strait::detail

#endif
