// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_IN_PROCESS_REGISTRY_HPP
#define STRAIT_DETAIL_IN_PROCESS_REGISTRY_HPP

#include <strait/detail/in_process/queue.hpp>
#include <strait/detail/os/fork_guard.hpp>
#include <strait/detail/schema/mismatch.hpp>
#include <strait/serialization/layout.hpp>
#include <strait/stats.hpp>
#include <strait/version.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>

namespace strait::detail {

// Which type a channel carries, so that ends in different shared libraries of a process agree. There each library may
// have a mark of its own, when it hides its symbols; then the name decides, unless it is one of which two libraries can
// have a type each.
struct object_type {
    void const* mark;
    std::string_view name;  // mangled; empty without RTTI
    std::size_t size;

    template <class T>
    static object_type of() noexcept
    {
#ifdef __cpp_rtti
        return {&mark_of<T>, typeid(T).name(), sizeof(T)};
#else
        return {&mark_of<T>, {}, sizeof(T)};
#endif
    }

    friend bool operator==(object_type const& a, object_type const& b) noexcept
    {
        return a.mark == b.mark || (a.name == b.name && a.size == b.size && a.is_of_all_libraries());
    }

private:
    // False for types of unnamed namespaces and of functions that only one source sees, and for some other names that
    // look so.
    bool is_of_all_libraries() const noexcept
    {
        for (std::string_view const part : {"*", "_GLOBAL__N", "ZL", "Ul", "Ut"})
            if (name.find(part) != name.npos)
                return false;
        return !name.empty();
    }

    template <class T>
    static inline char const mark_of = 0;
};

// The in-process channels that have a name. Joining and leaving hold its mutex first and the channel's then. A child of
// fork() starts with an empty registry, because other threads of the parent may have held any of the mutexes.
//
// Shared objects: safe.
class object_registry : fork_guard {
public:
    // One for all shared libraries of a process that were built with this version of strait, also with those that hide
    // their symbols.
    [[gnu::visibility("default")]] static object_registry& get() { return of_version<STRAIT_VERSION>(); }

    template <class T>
    result<std::shared_ptr<object_queue<T>>> join(std::string const& name, std::size_t capacity, bool keep, message_type const& what,
                                                  role r)
    {
        std::lock_guard const hold(content_.mutex);
        auto at = content_.channels.find(name);
        if (at == content_.channels.end()) {
            auto made = std::make_shared<object_queue<T>>(name, capacity, keep);  // first: without memory nothing is registered
            at = content_.channels.try_emplace(name, channel{object_type::of<T>(), what, std::move(made)}).first;
        }
        channel const& found = at->second;
        if (!(found.type == object_type::of<T>())) {
            schema_bytes there;
            schema_writer::write(found.what.description(), there);
            error_code const e = noted_type_mismatch(found.what.name(), there.view(), &what);
            std::lock_guard const hold_queue(found.queue->mutex);
            ++found.queue->refused.count;
            bounded_text(found.queue->refused.text, sizeof found.queue->refused.text) << error_note(e);
            return e;
        }
        auto queue = std::static_pointer_cast<object_queue<T>>(found.queue);
        queue->join(r);
        if (keep)
            queue->keep = true;
        return queue;
    }

    template <class T>
    void leave(std::shared_ptr<object_queue<T>> const& queue, role r)
    {
        std::lock_guard const hold(content_.mutex);
        std::lock_guard const hold_queue(queue->mutex);
        if (!queue->leave(r, queue->messages.size()) || queue->name.empty())
            return;
        auto const at = content_.channels.find(queue->name);
        if (at != content_.channels.end() && at->second.queue == queue)
            content_.channels.erase(at);
    }

    void erase(std::string const& name)
    {
        std::lock_guard const hold(content_.mutex);
        auto const at = content_.channels.find(name);
        if (at == content_.channels.end())
            return;
        at->second.queue->remove();
        content_.channels.erase(at);
    }

private:
    struct channel {
        object_type type;
        message_type what;
        std::shared_ptr<object_channel> queue;
    };

    struct content {
        std::mutex mutex;
        std::map<std::string, channel> channels;
    };

    template <long Version>
    [[gnu::visibility("default")]] static object_registry& of_version()
    {
        static object_registry& all = *new object_registry;  // never destroyed: ends may outlive other statics
        return all;
    }

    object_registry() : fork_guard(&disarm) {}

    static void disarm(fork_guard& g) noexcept
    {
        // The old content is left as it is, because its objects belong to the parent's threads.
        auto& self = static_cast<object_registry&>(g);
        static_assert(sizeof(content) != 0);
        ::new (static_cast<void*>(&self.content_)) content;
    }

    union {
        content content_{};  // in a union, so that replacing it in a child is not followed by a second destruction
    };

public:
    ~object_registry() {}
};

// What an end of an in-process channel consists of.
//
// Distinct objects: safe. Shared objects: unsafe.
template <class T>
class object_member : fork_guard {
public:
    object_member(std::shared_ptr<object_queue<T>> joined, role r) : fork_guard(&disarm), queue_(std::move(joined)), role_(r) {}
    object_member(object_member&& other)
        : fork_guard(&disarm), queue_(std::move(other.queue_)), stats_(other.stats_), role_(other.role_), inherited_(other.inherited_)
    {
        other.queue_.reset();
    }
    object_member& operator=(object_member&& other)
    {
        if (this != &other) {
            leave();
            queue_ = std::move(other.queue_);
            other.queue_.reset();
            stats_ = other.stats_;
            role_ = other.role_;
            inherited_ = other.inherited_;
        }
        return *this;
    }
    ~object_member() { leave(); }

    // Why it cannot be used: inherited_handle, not_open; nothing if it can.
    std::optional<errc> unusable() const noexcept
    {
        if (inherited_) [[unlikely]]
            return errc::inherited_handle;
        if (!queue_) [[unlikely]]
            return errc::not_open;
        return std::nullopt;
    }

    object_queue<T>& queue() noexcept { return *queue_; }
    std::uint64_t& waits() noexcept { return stats_.waits; }
    void count_message() noexcept
    {
        ++stats_.messages;
        stats_.bytes += sizeof(T);
    }

    channel_stats stats() const
    {
        channel_stats s = stats_;
        if (queue_ && !inherited_) {
            std::lock_guard const hold(queue_->mutex);
            s.depth = queue_->messages.size();
        }
        return s;
    }

    refusals refused() const
    {
        if (!queue_ || inherited_)
            return {};
        std::lock_guard const hold(queue_->mutex);
        return queue_->refused;
    }

    void leave()
    {
        if (inherited_)
            new std::shared_ptr<object_queue<T>>(std::move(queue_));  // never destroyed: it is the parent's, and nothing in it may be touched
        else if (queue_)
            object_registry::get().leave(queue_, role_);
        queue_.reset();
    }

private:
    static void disarm(fork_guard& g) noexcept { static_cast<object_member&>(g).inherited_ = true; }

    std::shared_ptr<object_queue<T>> queue_;
    channel_stats stats_;
    role role_;
    bool inherited_ = false;
};

}  // namespace strait::detail

#endif
