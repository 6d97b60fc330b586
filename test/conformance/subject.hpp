// Distributed under the Boost Software License, Version 1.0.
#ifndef CONFORMANCE_SUBJECT_HPP
#define CONFORMANCE_SUBJECT_HPP

#include <support/any_ends.hpp>
#include <support/messages.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>

namespace conformance {

/// A transport under test as a value: tests that are not about types are compiled once, and run over each of these.
struct subject {
    std::string name;
    std::size_t index = 0;  // among all_subjects()
    strait::transport_guarantees guarantees{};
    bool between_processes = false;    // its ends may be in different processes
    bool named = false;                // has channels that are found by a name or an address
    bool by_address = false;           // its ends share no object of the host: the peer is checked by its handshake
    bool by_socket = false;            // so is this, and its receivers have objects on the host that senders do not touch
    bool one_word = false;             // carries 8 bytes only; its receiver stays in the thread that has opened it
    bool has_peer = false;             // the kernel tells who is at the other end
    bool is_like_another = false;      // shares most of its code with one that is not
    strait::channel_options options{};  // its defaults
    strait::endpoint (*where)() = nullptr;  // a new one for each call
    std::string (*directory)() = nullptr;   // where the objects of names lie
    support::end_makers<support::probe> probes{};
    support::end_makers<std::string> texts{};  // none where only one word is carried

    template <class T>
    support::end_makers<T> const& makers() const
    {
        if constexpr (std::is_same_v<T, std::string>)
            return texts;
        else
            return probes;
    }

    /// What a receiver leaves unread, or never sees, is there for the next one: in the channel, or with its sender.
    bool retains_for_the_next() const
    {
        return guarantees.retained || guarantees.committed_when == strait::commit_point::acknowledged;
    }
    /// Its objects lie on this host, under a name.
    bool has_objects() const { return between_processes && named && !by_address; }
    /// Channels have a path, too; what crosses hosts takes a name or an address.
    bool takes_paths() const { return has_objects() && !guarantees.crosses_hosts; }
};

/// Everything that the suite is run over, in the order of transports.hpp.
std::span<subject const> all_subjects();

/// A sender of a subject.
template <class T>
class sender_over : public support::any_sender<T> {
public:
    sender_over(subject const& x, strait::endpoint const& where) : sender_over(x, where, nullptr) {}
    sender_over(subject const& x, strait::endpoint const& where, strait::channel_options const& how)
        : sender_over(x, where, &how)
    {
    }
    sender_over(support::any_sender<T> end) : support::any_sender<T>(std::move(end)) {}

    static strait::result<sender_over> open(subject const& x, strait::endpoint const& where,
                                            strait::channel_options const* how = nullptr)
    {
        auto end = x.makers<T>().open_sender(where, how);
        if (!end)
            return end.error();
        return sender_over(std::move(*end));
    }
    static strait::result<sender_over> open(subject const& x, strait::endpoint const& where, strait::channel_options const& how)
    {
        return open(x, where, &how);
    }

private:
    sender_over(subject const& x, strait::endpoint const& where, strait::channel_options const* how)
        : support::any_sender<T>(x.makers<T>().sender(where, how))
    {
    }
};

/// A receiver of a subject.
template <class T>
class receiver_over : public support::any_receiver<T> {
public:
    receiver_over(subject const& x, strait::endpoint const& where) : receiver_over(x, where, nullptr) {}
    receiver_over(subject const& x, strait::endpoint const& where, strait::channel_options const& how)
        : receiver_over(x, where, &how)
    {
    }
    receiver_over(support::any_receiver<T> end) : support::any_receiver<T>(std::move(end)) {}

    static strait::result<receiver_over> open(subject const& x, strait::endpoint const& where,
                                              strait::channel_options const* how = nullptr)
    {
        auto end = x.makers<T>().open_receiver(where, how);
        if (!end)
            return end.error();
        return receiver_over(std::move(*end));
    }
    static strait::result<receiver_over> open(subject const& x, strait::endpoint const& where,
                                              strait::channel_options const& how)
    {
        return open(x, where, &how);
    }

private:
    receiver_over(subject const& x, strait::endpoint const& where, strait::channel_options const* how)
        : support::any_receiver<T>(x.makers<T>().receiver(where, how))
    {
    }
};

/// A pair of ends without a name.
inline support::any_pair<support::probe> make_pair(subject const& x)
{
    return x.probes.make_pair(nullptr);
}
inline support::any_pair<support::probe> make_pair(subject const& x, strait::channel_options const& how)
{
    return x.probes.make_pair(&how);
}
inline support::any_pair<std::string> make_text_pair(subject const& x)
{
    return x.texts.make_pair(nullptr);
}
inline support::any_pair<std::string> make_text_pair(subject const& x, strait::channel_options const& how)
{
    return x.texts.make_pair(&how);
}

using sender = sender_over<support::probe>;
using receiver = receiver_over<support::probe>;
using text_sender = sender_over<std::string>;
using text_receiver = receiver_over<std::string>;

// Which subjects a test is for.

/// Those of transports with names that carry messages of any size.
inline bool any_size(subject const& x) { return x.named && !x.one_word; }
/// ... or only a word: for tests that need no larger messages, whose receivers stay in the thread that has opened them.
inline bool any_named(subject const& x) { return x.named; }
/// ... which promise to lose nothing: for tests that count on each message, whichever end is slower.
inline bool reliable(subject const& x) { return any_size(x) && x.guarantees.reliable; }
inline bool reliable_named(subject const& x) { return any_named(x) && x.guarantees.reliable; }
/// ... which can be full: for tests that fill them.
inline bool bounded(subject const& x) { return any_size(x) && x.guarantees.bounded; }
inline bool bounded_named(subject const& x) { return any_named(x) && x.guarantees.bounded; }
/// Those whose channels can be removed.
inline bool removable(subject const& x) { return any_named(x) && !x.by_address; }
inline bool removable_bounded(subject const& x) { return removable(x) && x.guarantees.bounded; }
/// Those with channels without a name.
inline bool has_pairs(subject const& x) { return x.guarantees.nameless; }
/// ... between processes
inline bool has_pairs_for_fork(subject const& x) { return has_pairs(x) && x.between_processes; }
inline bool reliable_for_fork(subject const& x) { return has_pairs_for_fork(x) && x.guarantees.reliable; }
inline bool bounded_for_fork(subject const& x) { return has_pairs_for_fork(x) && x.guarantees.bounded; }

}  // namespace conformance

#endif
