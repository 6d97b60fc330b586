// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_IN_PROCESS_HPP
#define STRAIT_TRANSPORT_IN_PROCESS_HPP

#include <strait/detail/in_process/registry.hpp>
#include <strait/transport.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace strait {

/// Moves objects between threads of one process without encoding them. It is the reference that every other transport
/// is compared with, and the first step of splitting a program into processes.
///
/// `options.capacity` is in messages, 1024 by default. Names belong to this process: its program and its shared libraries meet in
/// them where they are built with one version of strait, also with hidden visibility, and where the dynamic linker lets
/// them share a symbol. So link the program with -rdynamic if libraries that it opens are to meet it, and open
/// libraries that Clang has built with RTLD_GLOBAL: there each one opened with RTLD_LOCAL has names of its own. Types
/// of unnamed namespaces and of functions belong to one library (`type_mismatch`). A library whose code has made a
/// channel must not be unloaded before the channel ends.
///
/// A channel is a mutex and a deque, so there is no bound on the time that an operation waits for another one. In a
/// child of fork() an end of the parent reports `inherited_handle`.
///
/// Distinct objects: safe. Shared objects: unsafe.
class in_process {
public:
    static constexpr transport_guarantees guarantees{
        .name = "in_process",
        .senders = multiplicity::many,
        .receivers = multiplicity::many,
        .retained = true,
        .passes_handles = true,
        .nameless = true,
        .committed_when = commit_point::stored,
    };

    using options = channel_options;

    template <class T>
    class sender_end;
    template <class T>
    class receiver_end;
    template <class T>
    class pair;

    /// Removes the name. Living ends that wait report `removed`; ends that are opened later meet in a new channel.
    /// `invalid_endpoint`: an address of a network.
    static result<void> remove(endpoint const& where)
    {
        if (where.is_address())
            return errc::invalid_endpoint;
        detail::object_registry::get().erase(where.text());
        return {};
    }

private:
    static constexpr std::size_t default_capacity = 1024;

    template <class T>
    static result<std::shared_ptr<detail::object_queue<T>>> join(endpoint const& where, options const& how, message_type const& type,
                                                                 detail::role r)
    {
        if (where.is_address())
            return errc::invalid_endpoint;
        return detail::object_registry::get().join<T>(where.text(), capacity(how), how.keep, type, r);
    }

    static std::size_t capacity(options const& how) noexcept { return how.capacity ? how.capacity : default_capacity; }
};

/// The sending end. Distinct objects: safe. Shared objects: unsafe.
template <class T>
class in_process::sender_end : detail::object_member<T> {
    using base = detail::object_member<T>;

public:
    static result<sender_end> open(endpoint const& where, options const& how, message_type const& type)
    {
        auto queue = join<T>(where, how, type, detail::role::sender);
        if (!queue)
            return queue.error();
        return sender_end(std::move(*queue));
    }

    sender_end(sender_end&&) = default;
    sender_end& operator=(sender_end&&) = default;

    result<void> push(T const& message, deadline until)
        requires std::copy_constructible<T>
    {
        return put(message, until);
    }
    result<void> push(T&& message, deadline until) { return put(std::move(message), until); }

    // No message is promised the room: other senders may take it.
    result<void> await_room(deadline until)
    {
        if (auto e = base::unusable())
            return *e;
        return base::queue().await_room(until, base::waits());
    }

    detail::wake_source arm()
    {
        return base::unusable() ? detail::wake_source() : base::queue().arm(detail::role::sender);
    }
    void disarm() const noexcept {}

    // What push() would say without waiting, no error where there is room; nothing where it would wait.
    std::optional<error_code> readiness()
    {
        if (auto e = base::unusable())
            return make_error_code(*e);
        return base::queue().look_for_room();
    }

    result<void> close(deadline)
    {
        base::leave();
        return {};
    }

    channel_stats stats() const { return base::stats(); }
    detail::refusals refused() const { return base::refused(); }

private:
    friend class pair<T>;

    explicit sender_end(std::shared_ptr<detail::object_queue<T>> q) : base(std::move(q), detail::role::sender) {}

    template <class U>
    result<void> put(U&& message, deadline until)
    {
        if (auto e = base::unusable())
            return *e;
        auto pushed = base::queue().push(std::forward<U>(message), until, base::waits());
        if (pushed)
            base::count_message();
        return pushed;
    }
};

/// The receiving end. Distinct objects: safe. Shared objects: unsafe.
template <class T>
class in_process::receiver_end : detail::object_member<T> {
    using base = detail::object_member<T>;

public:
    static result<receiver_end> open(endpoint const& where, options const& how, message_type const& type)
    {
        auto queue = join<T>(where, how, type, detail::role::receiver);
        if (!queue)
            return queue.error();
        return receiver_end(std::move(*queue));
    }

    receiver_end(receiver_end&&) = default;
    receiver_end& operator=(receiver_end&&) = default;

    detail::wake_source arm()
    {
        return base::unusable() ? detail::wake_source() : base::queue().arm(detail::role::receiver);
    }
    void disarm() const noexcept {}

    // What pop() would find without waiting; nothing else where it would wait.
    std::optional<error_code> readiness()
    {
        if (auto e = base::unusable())
            return make_error_code(*e);
        return base::queue().look();
    }

    result<T> pop(deadline until)
    {
        if (auto e = base::unusable())
            return result<T>{unexpect, *e};
        auto popped = base::queue().pop(until, base::waits());
        if (popped)
            base::count_message();
        else if (popped.error() == errc::closed)
            ended_ = base::queue().had_sender ? end_reason::left : end_reason::died;
        return popped;
    }

    end_reason ended() const noexcept { return ended_; }

    result<void> close(deadline)
    {
        base::leave();
        return {};
    }

    channel_stats stats() const { return base::stats(); }
    detail::refusals refused() const { return base::refused(); }

private:
    friend class pair<T>;

    explicit receiver_end(std::shared_ptr<detail::object_queue<T>> q) : base(std::move(q), detail::role::receiver) {}

    end_reason ended_ = end_reason::none;
};

/// Both ends before they are taken. It is of no use across fork(), because it carries objects of one process.
///
/// Distinct objects: safe. Shared objects: unsafe.
template <class T>
class in_process::pair {
public:
    static result<pair> make(options const& how, message_type const&)
    {
        return pair(std::make_shared<detail::object_queue<T>>(std::string(), capacity(how), how.keep));
    }

    pair(pair&&) = default;
    pair& operator=(pair&&) = default;

    result<sender_end<T>> sender() &&
    {
        if (!queue_)
            return errc::not_open;
        return sender_end<T>(take(detail::role::sender));
    }
    result<receiver_end<T>> receiver() &&
    {
        if (!queue_)
            return errc::not_open;
        queue_->abandoned = true;
        return receiver_end<T>(take(detail::role::receiver));
    }
    result<std::pair<sender_end<T>, receiver_end<T>>> split() &&
    {
        if (!queue_)
            return errc::not_open;
        auto const other = queue_;
        other->join(detail::role::receiver);
        return std::pair(sender_end<T>(take(detail::role::sender)), receiver_end<T>(other));
    }

private:
    explicit pair(std::shared_ptr<detail::object_queue<T>> q) : queue_(std::move(q)) {}

    std::shared_ptr<detail::object_queue<T>> take(detail::role r)
    {
        queue_->join(r);
        return std::exchange(queue_, nullptr);
    }

    std::shared_ptr<detail::object_queue<T>> queue_;
};

}  // namespace strait

#endif
