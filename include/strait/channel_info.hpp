// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_CHANNEL_INFO_HPP
#define STRAIT_CHANNEL_INFO_HPP

#include <strait/error.hpp>
#include <strait/schema.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace strait {

/// Whether the process of an end runs.
enum class process_state : std::uint8_t {
    unknown,  ///< its process cannot be seen: another user's, or of another process name space
    running,  ///< it runs, or waits for something
    stopped,  ///< by a signal or a debugger
    zombie,   ///< its first thread has ended, and it is not reaped
};

/// An end that takes part in a channel.
struct end_info {
    bool is_sender = false;                                ///< a receiver otherwise
    unsigned place = 0;                                    ///< among the ends of its role
    ::pid_t process = 0;                                   ///< 0: the kernel does not tell this user
    process_state state = process_state::unknown;          ///< of the process
    std::string command = {};                              ///< the name of its program, at most 15 printable characters
    std::chrono::system_clock::time_point started = {};    ///< when the process was started
};

/// A channel as it was at one moment. Text has no control characters, whatever a peer has written, and but for the paths it has
/// printable characters of ASCII only.
struct channel_info {
    std::string where = {};                    ///< its endpoint: a name or a path
    std::string file = {};                     ///< the path of its control file
    std::string transport = {};                ///< mechanism and topology, such as `shm_ring/spsc`
    std::string memory = {};                   ///< where the messages of a ring lie, if not in the control file in memory
    std::string type = {};                     ///< the name of the message type, as the compiler of the first end wrote it
    std::optional<strait::schema> schema = {}; ///< none where it is damaged
    std::uint64_t fingerprint = 0;             ///< which both ends must have
    std::uint64_t message_size = 0;            ///< bytes; 0: it varies
    std::uint64_t max_message_size = 0;        ///< bytes; 0: the mechanism's
    std::uint64_t capacity = 0;                ///< messages of one size, or bytes; 0: the mechanism's
    ::uid_t owner = 0;                         ///< of the control file
    ::gid_t group = 0;                         ///< of the control file
    unsigned mode = 0;                         ///< permissions of the control file
    bool keep = false;                         ///< options.keep was set
    bool retained = false;                     ///< unread messages outlive all ends
    std::vector<end_info> ends = {};        ///< that live
    std::uint64_t joined_senders = 0;          ///< how many have joined
    std::uint64_t left_senders = 0;            ///< how many have left; the others live or were killed
    std::uint64_t joined_receivers = 0;        ///< how many have joined
    std::uint64_t left_receivers = 0;          ///< how many have left; the others live or were killed
    std::optional<std::uint64_t> unread = {};  ///< messages; nothing where only the ends know
    bool unread_at_least = false;              ///< there may be more
    std::uint64_t file_bytes = 0;              ///< memory or disk that the control file takes
    std::uint64_t beside_bytes = 0;            ///< of a System V segment
    std::uint64_t kernel_bytes = 0;            ///< of messages in a queue of the kernel
    std::string damage = {};                   ///< what is wrong with it, in words; empty: nothing was seen
    error_code unreadable = {};                ///< why the control file could not be read

    /// Whether no living end uses it.
    bool is_orphaned() const noexcept { return ends.empty() && !unreadable; }

    /// All memory of this host that it takes, in bytes.
    std::uint64_t bytes() const noexcept { return file_bytes + beside_bytes + kernel_bytes; }
};

/// What sweep() has done with a channel.
enum class sweep_outcome : std::uint8_t {
    removed,    ///< or would be
    used,       ///< an end has come meanwhile, or one holds the set-up lock
    unread,     ///< messages are in it, or it cannot be said that none is
    kept,       ///< options.keep was set
    foreign,    ///< only another user may remove it, or a process of another container
    damaged,    ///< it is not what an end leaves; remove_channel() removes it
};

/// A channel that no end used, and what became of it.
struct swept_channel {
    channel_info channel = {};                      ///< as it was before
    sweep_outcome outcome = sweep_outcome::removed; ///< whether it was removed, and why not
    error_code error = {};                          ///< where an attempt has failed
};

}  // namespace strait

#endif
