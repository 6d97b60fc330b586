// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_INSPECT_HPP
#define STRAIT_INSPECT_HPP

#include <strait/channel_info.hpp>
#include <strait/detail/inspect/enumeration.hpp>
#include <strait/detail/inspect/sweeping.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>

#include <string>
#include <vector>

namespace strait {

/// Which channels channels() and sweep() look at.
struct inspect_options {
    /// Directories; channels with a path are looked for in them and below them, and symbolic links are not followed.
    std::vector<std::string> below = {};
    /// Also the channels with a name, which lie in /dev/shm/strait-UID and /var/tmp/strait-UID.
    bool named = true;
};

/// Every channel of this user with a name, and every channel below the given directories. Channels without a name, over tcp or udp
/// with an address, and in_process have no control file and are not found. `no_directory`: a given directory is not there;
/// `untrusted_directory`: another user could change what lies in the directory of names.
///
/// Nothing is written and no lock is held. Ends that wait in an event loop are woken once, and go on waiting.
[[nodiscard]] inline result<std::vector<channel_info>> channels(inspect_options const& which = {})
{
    return detail::enumerate(which.below, which.named);
}

/// The channel at this endpoint, a name or a path. `boost::system::errc::no_such_file_or_directory`: there is none;
/// `invalid_endpoint`: it is an address.
[[nodiscard]] inline result<channel_info> inspect(endpoint const& where) { return detail::inspect_one(where); }

/// Removes every channel of this user that no living end uses and in which nothing is unread, as the last end that leaves does: what
/// killed processes have left. Ends that open at the same moment find the channel as it was, or make a new one. Returns
/// each channel that has no living end, removed or not, and why it stays. With `dry_run` nothing is removed, and the answer is
/// what would be. A channel that only another user may remove, is damaged, or whose unread messages cannot be counted stays.
[[nodiscard]] inline result<std::vector<swept_channel>> sweep(inspect_options const& which = {}, bool dry_run = false)
{
    return detail::sweep(which.below, which.named, dry_run);
}

/// Removes the channel at this endpoint whatever is in it, over whatever transport, as channel::remove() does; living ends go on
/// with what they have open. Returns what was there. Errors as of inspect() and of channel::remove().
inline result<channel_info> remove_channel(endpoint const& where) { return detail::remove_one(where); }

}  // namespace strait

#endif
