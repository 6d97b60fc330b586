// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_ERROR_HPP
#define STRAIT_ERROR_HPP

#include <strait/version.hpp>  // first: it says what compiler is needed

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/error_condition.hpp>
#include <boost/system/result.hpp>
#include <boost/system/system_error.hpp>

#include <cstdint>
#include <string>
#include <type_traits>

namespace strait {

/// What an operation reports. `full`, `empty`, `timed_out` and `closed` are ordinary outcomes; the rest are failures.
/// Every value has one sentence, which is its message().
enum class errc {
    full = 1,
    empty,
    timed_out,
    closed,
    no_receiver,
    busy,
    type_mismatch,
    transport_mismatch,
    incompatible_peer,
    untrusted_object,
    refused,
    peer_corrupt,
    malformed_message,
    message_too_large,
    invalid_endpoint,
    name_too_long,
    address_unavailable,
    out_of_memory,
    descriptor_limit,
    queue_limit,
    queue_memory_limit,
    queue_count_limit,
    capacity_limit,
    file_size_limit,
    segment_size_limit,
    segment_memory_limit,
    segment_count_limit,
    huge_page_limit,
    inherited_handle,
    wrong_thread,
    signal_limit,
    removed,
    handler_failed,
    server_gone,
    not_open,
};

/// Why a stream ended. `none`: it has not. `died`: a sender vanished without
/// leaving, so what was read may be a part only.
enum class end_reason : std::uint8_t { none, left, died };

using boost::system::error_code;

/// A T, or why there is none.
template <class T>
using result = boost::system::result<T>;

namespace detail {

class category final : public boost::system::error_category {
public:
    // The id makes the category equal in every shared library of a process.
    constexpr category() noexcept : error_category(0x9d1f5a0c7e63b2d4U) {}

    char const* name() const noexcept override { return "strait"; }

    // [begin: one sentence for each error]
    char const* message(int value, char*, std::size_t) const noexcept override
    {
        switch (static_cast<errc>(value)) {
        case errc::full:
            return "The channel is full: receive from it, or wait with send, send_for or send_until.";
        case errc::empty:
            return "No message is there: wait with receive, receive_for or receive_until.";
        case errc::timed_out:
            return "The time given was over before the operation could be done.";
        case errc::closed:
            return "Every sender has left and every message has been read.";
        case errc::no_receiver:
            return "No receiver is there, and this transport keeps no messages for a later one: start the receiver, or "
                   "raise options.connect_timeout.";
        case errc::busy:
            return "The channel already has a living end of this kind and takes only one: use a transport with several, "
                   "or close the other end.";
        case errc::type_mismatch:
            return "The channel carries another message type, or the same with another layout: use the same definition "
                   "at both ends, or remove() the channel if it is stale.";
        case errc::transport_mismatch:
            return "The channel of this name runs over another transport: use the same transport argument at both ends, "
                   "or remove() the channel if it is stale.";
        case errc::incompatible_peer:
            return "The other end was built with an incompatible version of strait, byte order or word size: rebuild it.";
        case errc::untrusted_object:
            return "The object at this name has another owner, kind or mode than options.access allows: remove it, or "
                   "widen options.access at both ends.";
        case errc::refused:
            return "One end does not accept the process at the other: see options.accept and options.access at both.";
        case errc::peer_corrupt:
            return "The shared state of the channel is damaged, by a faulty or hostile peer: close both ends and open "
                   "them afresh.";
        case errc::malformed_message:
            return "A message does not decode as its type and was discarded: the sender is faulty or hostile.";
        case errc::message_too_large:
            return "The message is larger than the channel takes: split it, or raise options.capacity or "
                   "options.max_message_size when the channel is created; a System V queue takes no more than "
                   "/proc/sys/kernel/msgmax.";
        case errc::invalid_endpoint:
            return "The endpoint is not of a form that this transport takes: a name has 1 to 64 of A-Z a-z 0-9 . _ - "
                   "and does not start with a dot, a path is absolute, an address is host:port.";
        case errc::name_too_long:
            return "The path is longer than the mechanism allows (107 bytes for a Unix socket, 255 for a file name).";
        case errc::address_unavailable:
            return "The address cannot be used: it is taken, does not resolve, or is not of this host.";
        case errc::out_of_memory:
            return "There is not enough memory, or space in the file system of the channel: free some (in /dev/shm, or where "
                   "the path is), or choose a smaller options.capacity.";
        case errc::descriptor_limit:
            return "The limit of open descriptors is reached: close some, or raise it with `ulimit -n`.";
        case errc::queue_limit:
            return "The kernel refuses a queue of this capacity or message size: lower them, or raise msg_max and "
                   "msgsize_max in /proc/sys/fs/mqueue, for System V queues msgmnb and msgmax in /proc/sys/kernel.";
        case errc::queue_memory_limit:
            return "The limit of memory in message queues is reached: lower options.capacity, or raise it with "
                   "`ulimit -q`.";
        case errc::queue_count_limit:
            return "The limit of message queues is reached: remove some, or raise /proc/sys/fs/mqueue/queues_max, for "
                   "System V queues /proc/sys/kernel/msgmni.";
        case errc::capacity_limit:
            return "The kernel refuses a buffer of this capacity: lower options.capacity, or raise "
                   "/proc/sys/fs/pipe-max-size and pipe-user-pages-soft, for packets of sockets /proc/sys/net/core/wmem_max.";
        case errc::file_size_limit:
            return "The channel is larger than a file of this process may be: choose a smaller options.capacity, or raise "
                   "the limit with `ulimit -f`.";
        case errc::segment_size_limit:
            return "The kernel refuses a System V segment of this size: lower options.capacity, or raise "
                   "/proc/sys/kernel/shmmax.";
        case errc::segment_memory_limit:
            return "The limit of memory in System V segments is reached: remove some with ipcrm(1), lower "
                   "options.capacity, or raise /proc/sys/kernel/shmall.";
        case errc::segment_count_limit:
            return "The limit of System V segments is reached: remove some with ipcrm(1), or raise "
                   "/proc/sys/kernel/shmmni.";
        case errc::huge_page_limit:
            return "There are not enough huge pages for the channel, or this user may not have them: raise "
                   "/proc/sys/vm/nr_hugepages, or join the group of /proc/sys/vm/hugetlb_shm_group.";
        case errc::inherited_handle:
            return "This end was opened before fork() and belongs to the parent: open it in the child, or hand a "
                   "make_pair() over.";
        case errc::wrong_thread:
            return "This end reads the signals of the thread that opened it: use it there, or open one in this thread.";
        case errc::signal_limit:
            return "Every real-time signal is blocked in this thread or handled in this process: receive in another thread, or "
                   "free one.";
        case errc::removed:
            return "The channel was removed, and its queue with it: open this end afresh.";
        case errc::handler_failed:
            return "The server's handler of this request has thrown: what it said stands before this sentence.";
        case errc::server_gone:
            return "The server has left or died, or has dropped this client, before it replied: connect anew, and ask again if "
                   "asking twice does no harm.";
        case errc::not_open:
            return "This end has been closed or moved from.";
        }
        return "This is not an error of strait.";
    }
    // [end]

    std::string message(int value) const override { return message(value, nullptr, 0); }

    boost::system::error_condition default_error_condition(int value) const noexcept override
    {
        namespace e = boost::system::errc;
        switch (static_cast<errc>(value)) {
        case errc::full:
        case errc::empty: return e::make_error_condition(e::resource_unavailable_try_again);
        case errc::timed_out: return e::make_error_condition(e::timed_out);
        case errc::closed: return e::make_error_condition(e::no_message_available);
        case errc::no_receiver: return e::make_error_condition(e::broken_pipe);
        case errc::busy: return e::make_error_condition(e::device_or_resource_busy);
        case errc::type_mismatch:
        case errc::transport_mismatch: return e::make_error_condition(e::wrong_protocol_type);
        case errc::incompatible_peer: return e::make_error_condition(e::protocol_not_supported);
        case errc::untrusted_object: return e::make_error_condition(e::permission_denied);
        case errc::refused: return e::make_error_condition(e::permission_denied);
        case errc::peer_corrupt: return e::make_error_condition(e::protocol_error);
        case errc::malformed_message: return e::make_error_condition(e::bad_message);
        case errc::message_too_large: return e::make_error_condition(e::message_size);
        case errc::invalid_endpoint: return e::make_error_condition(e::invalid_argument);
        case errc::name_too_long: return e::make_error_condition(e::filename_too_long);
        case errc::address_unavailable: return e::make_error_condition(e::address_not_available);
        case errc::out_of_memory: return e::make_error_condition(e::no_space_on_device);
        case errc::descriptor_limit: return e::make_error_condition(e::too_many_files_open);
        case errc::queue_limit: return e::make_error_condition(e::argument_out_of_domain);
        case errc::queue_memory_limit: return e::make_error_condition(e::not_enough_memory);
        case errc::queue_count_limit: return e::make_error_condition(e::no_space_on_device);
        case errc::capacity_limit: return e::make_error_condition(e::argument_out_of_domain);
        case errc::file_size_limit: return e::make_error_condition(e::file_too_large);
        case errc::segment_size_limit: return e::make_error_condition(e::argument_out_of_domain);
        case errc::segment_memory_limit: return e::make_error_condition(e::not_enough_memory);
        case errc::segment_count_limit: return e::make_error_condition(e::no_space_on_device);
        case errc::huge_page_limit: return e::make_error_condition(e::not_enough_memory);
        case errc::inherited_handle: return e::make_error_condition(e::operation_not_permitted);
        case errc::wrong_thread: return e::make_error_condition(e::operation_not_permitted);
        case errc::signal_limit: return e::make_error_condition(e::resource_unavailable_try_again);
        case errc::removed: return e::make_error_condition(e::identifier_removed);
        case errc::handler_failed: return e::make_error_condition(e::state_not_recoverable);
        case errc::server_gone: return e::make_error_condition(e::connection_reset);
        case errc::not_open: return e::make_error_condition(e::bad_file_descriptor);
        }
        return {value, *this};
    }
};

inline constexpr category category_instance{};

}  // namespace detail

/// The category of every errc. Thread safe.
inline boost::system::error_category const& error_category() noexcept { return detail::category_instance; }

/// What makes an errc an error_code.
inline error_code make_error_code(errc value) noexcept { return {static_cast<int>(value), detail::category_instance}; }

namespace detail {

// Cold and out of line, so that throwing costs the hot paths no code.
[[noreturn, gnu::noinline, gnu::cold]] inline void raise(error_code const& error)
{
    throw boost::system::system_error(error);
}

}  // namespace detail
}  // namespace strait

template <>
struct boost::system::is_error_code_enum<strait::errc> : std::true_type {};

#endif
