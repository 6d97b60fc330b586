// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_ERROR_HPP
#define STRAIT_ERROR_HPP

#include <strait/version.hpp>  // first: it says what compiler is needed

#include <strait/result.hpp>

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/error_condition.hpp>
#include <boost/system/system_error.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace strait {

/// What an operation reports. `full`, `empty`, `timed_out` and `closed` are ordinary outcomes; the rest are failures.
/// Every value has one sentence for people, which is its message(), and an equivalent std::errc, so that
/// `error == boost::system::errc::timed_out` works, too.
enum class errc {
    /// The channel is full, and the operation may not wait. From `try_send` and other forms of a sender that never wait; try
    /// again when there is room, or use a form that waits.
    full = 1,
    /// No message is there, and the operation may not wait. From `try_receive` and other forms of a receiver that never wait,
    /// and from select() with deadline::poll().
    empty,
    /// The time given was over before the operation could be done. From the `_for` and `_until` forms, from flush when some
    /// is left, from connecting and accepting, and from opening when another process has stopped while it held the channel's
    /// set-up lock for 5 seconds. Nothing was sent or taken.
    timed_out,
    /// The end of the stream: every sender has left or died, and every message has been read. From receivers, whose forms that
    /// wait without a limit return nothing instead. end_reason() says how it came; if another sender joins, the stream goes on.
    closed,
    /// No receiver is there, and the transport keeps no messages for a later one. From senders: at once when the last receiver
    /// has gone, after options.connect_timeout when none has come, and without waiting from forms that never wait. Also from
    /// connecting to an acceptor that is not there, and from peer() when the other process is not known.
    no_receiver,
    /// The channel has as many living ends of this role as it takes. From opening an end. Use a transport that takes several, or
    /// close the other end. Also from an awaited operation while another one of the same object is outstanding: wait
    /// for that one's handler. And from every operation of an end that is called by the serializer of the message that
    /// this end is sending or receiving: do it before or afterwards, or use another end.
    busy,
    /// The channel carries another message type, or this one with another layout. From opening an end, and over sockets from
    /// the first operation after connecting. Also from a call of an RPC client whose request the server knows with other types:
    /// it fails alone. Use the same definition at both ends, or remove() a channel that is stale.
    type_mismatch,
    /// The channel of this name runs over another transport. From opening an end. Use the same transport at both ends, or
    /// remove() a channel that is stale.
    transport_mismatch,
    /// The other end was built with an incompatible version of strait, another byte order or another word size. From opening an
    /// end and from connecting. Rebuild the other program.
    incompatible_peer,
    /// The object at this name has another owner, kind or mode than options.access allows. From opening an end. Somebody else
    /// may have put it there: look at it before you remove it or widen options.access.
    untrusted_object,
    /// Another user could exchange the channel's objects: the directory of the channel belongs to another user or is
    /// writable for others, or no directory lies there. From opening an end. Take a directory of your own (mode 0700 or
    /// 0755), or widen options.access at both ends. Where another user has made /dev/shm/strait-UID first, only that
    /// user and root can remove it.
    untrusted_directory,
    /// An object of the channel, or what former participants have left at its path, belongs to another user, and only
    /// that user or root can remove it, as in a sticky directory like /tmp. From remove(), and from opening an end over
    /// another type or transport, or where what was left is not complete. Let that user, whom `ls -l` names, or root
    /// remove() it, or use another name or path.
    foreign_object,
    /// Every name or key that the channel's queue or segment could have is taken, by another program or another user on
    /// purpose. From opening an end over a queue or in sysv_memory. Remove those objects (`ipcs`, /dev/mqueue), or use
    /// another name.
    names_taken,
    /// The directory of the channel does not exist: that of the path, or for a name /dev/shm, over mapped_file
    /// /var/tmp. From opening an end. Make it, or mount /dev/shm, or use a path in another directory.
    no_directory,
    /// /proc is not mounted. From opening an end that needs it: one end of a make_pair() over a ring or a pipe, and any
    /// end over realtime_signal. Mount it, or use a channel with a name over another transport.
    no_proc,
    /// The other ends are in another IPC, PID or network name space of the kernel: in another container that shares
    /// only the directory. From opening an end over kernel queues and sysv_memory (IPC), realtime_signal (PID), or tcp
    /// and udp by a name (network). Let the containers share that name space, or take shm_ring, named_pipe or a Unix
    /// socket.
    other_kernel_space,
    /// One end does not accept the process at the other one. From connecting over Unix sockets; options.accept and
    /// options.access of both ends decide.
    refused,
    /// The shared state of the channel is damaged, by a faulty or hostile process. From any operation on it. Close all ends,
    /// remove() the channel and open it afresh. Over sealed_memory the peer has said what cannot be: this end has left that
    /// peer, and goes on with others.
    peer_corrupt,
    /// A message did not decode as its type and was discarded. From receivers. The next operation goes on behind it.
    malformed_message,
    /// The message is larger than the channel takes. From senders, and from opening an end when options ask for more than the
    /// mechanism has. Split the message, or raise options.capacity or options.max_message_size of who creates the channel.
    message_too_large,
    /// The end asks for more messages of the past, with options.history, than the channel can hold or keeps. From opening an
    /// end over a broadcast ring. Ask for fewer, or raise options.capacity, over broadcast<lossless> options.history, of who
    /// creates the channel.
    history_too_large,
    /// The message has more descriptors beside it than one message may have, 64. From senders over Unix sockets. Send
    /// them in several messages.
    too_many_descriptors,
    /// The serializer of a message has thrown an exception that has no error code of its own. From awaited operations,
    /// whose handlers take no exceptions; other forms let the exception through. Nothing was sent.
    serializer_failed,
    /// The endpoint is not of a form that the transport takes. From making an endpoint, from opening, and from remove().
    invalid_endpoint,
    /// The path is longer than the mechanism allows: 107 bytes for a Unix socket, 255 for the name of a file. From opening.
    name_too_long,
    /// The address is taken, does not resolve, or is not of this host. From opening an end over tcp or udp.
    address_unavailable,
    /// There is not enough memory, or not enough space in the file system of the channel. From opening an end, and from
    /// operations that need a larger buffer. Free some, or choose a smaller options.capacity. From receivers also when
    /// a message takes more memory to decode than there is, or than a message of its size may take: it was discarded.
    out_of_memory,
    /// This process or the system has as many open descriptors as it may have. From opening an end and from connecting. Raise the
    /// limit with `ulimit -n`.
    descriptor_limit,
    /// The kernel refuses a message queue of this capacity or message size. From opening an end over a kernel queue. Lower them,
    /// or raise the limits in /proc/sys/fs/mqueue or, for System V queues, in /proc/sys/kernel.
    queue_limit,
    /// The user's limit of bytes in POSIX message queues is reached. From opening. Lower options.capacity, or raise it with
    /// `ulimit -q`.
    queue_memory_limit,
    /// The limit of message queues of the system is reached. From opening. Remove some, or raise
    /// /proc/sys/fs/mqueue/queues_max or, for System V queues, /proc/sys/kernel/msgmni.
    queue_count_limit,
    /// The kernel refuses a buffer of this capacity for a pipe or a socket. From opening. Lower options.capacity, or raise the
    /// limits that the message names.
    capacity_limit,
    /// The channel is larger than a file of this process may be. From opening a ring. Choose a smaller options.capacity, or
    /// raise the limit with `ulimit -f`.
    file_size_limit,
    /// The kernel refuses a System V segment of this size. From opening a ring in sysv_memory. Lower options.capacity, or raise
    /// /proc/sys/kernel/shmmax.
    segment_size_limit,
    /// The limit of memory in System V segments is reached. From opening a ring in sysv_memory. Remove some with ipcrm(1), or
    /// raise /proc/sys/kernel/shmall.
    segment_memory_limit,
    /// The limit of System V segments is reached. From opening a ring in sysv_memory. Remove some with ipcrm(1), or raise
    /// /proc/sys/kernel/shmmni.
    segment_count_limit,
    /// The process locks its memory with mlockall(2), and may not lock as much as the channel maps. From opening a
    /// ring, and from mapping shared_memory. Raise the limit with `ulimit -l`, or choose a smaller options.capacity.
    locked_memory_limit,
    /// There are not enough huge pages, or this user may not have them. From opening a ring in huge_pages. Raise
    /// /proc/sys/vm/nr_hugepages, or join the group of /proc/sys/vm/hugetlb_shm_group.
    huge_page_limit,
    /// This end was opened before fork() and belongs to the parent. From every operation of it in the child, which has no
    /// effect. Open an end in the child, or hand a make_pair() over.
    inherited_handle,
    /// This end reads the signals of the thread that opened it. From a receiver over realtime_signal that another thread uses.
    wrong_thread,
    /// Every real-time signal is blocked in this thread or handled in this process. From opening a receiver over
    /// realtime_signal. Receive in another thread, or free one.
    signal_limit,
    /// The channel was removed, or its files were deleted, while this end had it open: no other end will come. From
    /// operations that find no message or no room, at once or within 100 ms while they wait, and from a sender's next
    /// operation after its receiver has been told. What was sent and not received is lost with the channel. Open this
    /// end afresh.
    removed,
    /// The server's handler of this request has thrown, or its reply could not be sent, for example because it is
    /// larger than the channel takes. From calls of an RPC client; the rpc_error that is thrown says what.
    handler_failed,
    /// The server has left or died, or has dropped this client, before it replied. From calls of an RPC client. It is not known
    /// whether the request was handled: connect anew, and ask again if asking twice does no harm.
    server_gone,
    /// The server does not know a request of this name: it was built with another version of the interface. From calls of an
    /// RPC client; other requests of this client are answered. Update the server, or do without this request. Where the
    /// server knows the name with other types, the call fails with type_mismatch instead.
    unknown_request,
    /// This end has been closed or moved from. From every operation.
    not_open,
};

/// Why a stream has ended.
enum class end_reason : std::uint8_t {
    none,  ///< it has not
    left,  ///< every sender has closed its end
    died,  ///< a sender has vanished without closing, so what was read may be a part only
};

namespace detail {

class category final : public boost::system::error_category {
public:
    // The number makes the category equal in every shared library of a process.
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
            return "The channel already has a living end of this kind and takes only one (use a transport with several, or "
                   "close the other end), or an operation of this object is already under way: wait until it is done.";
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
        case errc::untrusted_directory:
            return "Another user could exchange the channel's objects, since the directory belongs to another user or is writable "
                   "for others: take one of your own with mode 0700 or 0755, or widen options.access at both ends; another "
                   "user's /dev/shm/strait-UID only that user and root can remove.";
        case errc::foreign_object:
            return "An object of the channel, or what was left at its path, belongs to another user: let that user, whom `ls -l` "
                   "names, or root remove() it, or use another name or path.";
        case errc::names_taken:
            return "Every name or key that the channel's queue or segment could have is taken: remove those objects (ipcs, "
                   "/dev/mqueue), or use another name.";
        case errc::no_directory:
            return "The directory of the channel does not exist: make that of the path, or for a name mount /dev/shm (over "
                   "mapped_file make /var/tmp), or use the path of a directory that is there.";
        case errc::no_proc:
            return "/proc is not mounted, which this channel needs: mount it (mount -t proc proc /proc), or use a channel with a "
                   "name over another transport.";
        case errc::other_kernel_space:
            return "The other ends are in another container and share only the directory: let both share the IPC name space (queues, "
                   "sysv_memory), the PID name space (realtime_signal) or the network (tcp, udp), or take shm_ring, named_pipe or "
                   "unix_stream.";
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
        case errc::history_too_large:
            return "The channel does not hold so many messages of the past: ask for fewer, or raise options.capacity (over "
                   "broadcast<lossless> options.history) when the channel is created.";
        case errc::too_many_descriptors:
            return "A message takes at most 64 descriptors along: send them in several messages.";
        case errc::serializer_failed:
            return "The serializer of the message has thrown an exception.";
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
        case errc::locked_memory_limit:
            return "This process locks its memory (mlockall) and may not lock as much as the channel maps: raise the limit with "
                   "`ulimit -l`, or choose a smaller options.capacity.";
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
            return "The channel was removed, or its files were deleted, while this end had it open: open this end afresh.";
        case errc::handler_failed:
            return "The server's handler of this request has thrown, or its reply could not be sent: the reason stands before this "
                   "sentence.";
        case errc::server_gone:
            return "The server has left or died, or has dropped this client, before it replied: connect anew, and ask again if "
                   "asking twice does no harm.";
        case errc::unknown_request:
            return "The server does not know a request of this name: it has another version of the interface.";
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
        case errc::untrusted_directory: return e::make_error_condition(e::permission_denied);
        case errc::foreign_object: return e::make_error_condition(e::operation_not_permitted);
        case errc::names_taken: return e::make_error_condition(e::address_in_use);
        case errc::no_directory: return e::make_error_condition(e::no_such_file_or_directory);
        case errc::no_proc: return e::make_error_condition(e::no_such_file_or_directory);
        case errc::other_kernel_space: return e::make_error_condition(e::operation_not_supported);
        case errc::refused: return e::make_error_condition(e::permission_denied);
        case errc::peer_corrupt: return e::make_error_condition(e::protocol_error);
        case errc::malformed_message: return e::make_error_condition(e::bad_message);
        case errc::message_too_large: return e::make_error_condition(e::message_size);
        case errc::history_too_large: return e::make_error_condition(e::value_too_large);
        case errc::too_many_descriptors: return e::make_error_condition(e::argument_list_too_long);
        case errc::serializer_failed: return e::make_error_condition(e::bad_message);
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
        case errc::locked_memory_limit: return e::make_error_condition(e::not_enough_memory);
        case errc::huge_page_limit: return e::make_error_condition(e::not_enough_memory);
        case errc::inherited_handle: return e::make_error_condition(e::operation_not_permitted);
        case errc::wrong_thread: return e::make_error_condition(e::operation_not_permitted);
        case errc::signal_limit: return e::make_error_condition(e::resource_unavailable_try_again);
        case errc::removed: return e::make_error_condition(e::identifier_removed);
        case errc::handler_failed: return e::make_error_condition(e::state_not_recoverable);
        case errc::server_gone: return e::make_error_condition(e::connection_reset);
        case errc::unknown_request: return e::make_error_condition(e::function_not_supported);
        case errc::not_open: return e::make_error_condition(e::bad_file_descriptor);
        }
        return {value, *this};
    }
};

inline constexpr category category_instance{};

}  // namespace detail

/// The category of every errc. Thread safe.
inline boost::system::error_category const& error_category() noexcept { return detail::category_instance; }

/// Makes an errc an error_code; called by the conversion.
inline error_code make_error_code(errc value) noexcept { return {static_cast<int>(value), detail::category_instance}; }

/// What there is to say of the last error of this thread besides its message, if it was this one. For type_mismatch and
/// transport_mismatch: what the channel carries, what this program has asked for, and the first member that differs. Exceptions
/// have it in their text. Else empty. Valid until the thread's next operation that fails or opens an end.
inline std::string_view error_note(error_code const& e) noexcept
{
    return e && detail::failure_note.error == e ? std::string_view(detail::failure_note.text) : std::string_view();
}

}  // namespace strait

template <>
struct boost::system::is_error_code_enum<strait::errc> : std::true_type {};

#endif
