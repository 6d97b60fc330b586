// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MQUEUE_JOIN_HPP
#define STRAIT_DETAIL_MQUEUE_JOIN_HPP

#include <strait/detail/companion_door.hpp>
#include <strait/detail/mqueue.hpp>
#include <strait/detail/read_ahead.hpp>
#include <strait/options.hpp>
#include <strait/serialization/layout.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace strait::detail {

inline constexpr char mqueue_transport[] = "posix_mqueue";

using mqueue_door = companion_door<mqueue_mechanism>;

// What both kinds of ends have: membership, the queue, and room for one message.
struct mqueue_member {
    companion member;
    location where;
    guarded_descriptor queue;
    std::size_t message_size = 0;
    page_memory pages;

    bool is_member() const noexcept { return member.is_member(); }

    // What an operation on a closed, moved or inherited end reports.
    result<void> check() const
    {
        if (!is_member())
            return member.missing();
        return {};
    }

    std::uint64_t depth() const noexcept
    {
        ::mq_attr now = {};
        return queue && ::mq_getattr(queue.get(), &now) == 0 ? static_cast<std::uint64_t>(now.mq_curmsgs) : 0;
    }

    void leave(deadline until) noexcept
    {
        mqueue_mechanism mechanism;
        mqueue_door::leave(member, where, mechanism, until);
    }

    template <message_layout L>
    static result<mqueue_member> join(endpoint const& at, channel_options const& how, std::string_view type_name, role r)
    {
        location place;
        if (error_code const e = location::find(at, how.access, place))
            return e;
        mqueue_mechanism mechanism;
        mechanism.messages = how.capacity != 0
                                 ? how.capacity
                                 : std::min<std::size_t>(10, queue_setting("/proc/sys/fs/mqueue/msg_max", 10));
        if (L.fixed_size != 0)
            mechanism.message_size = L.fixed_size;
        else if (how.max_message_size != 0)
            mechanism.message_size = how.max_message_size;
        else
            mechanism.message_size = std::min<std::size_t>(8192, queue_setting("/proc/sys/fs/mqueue/msgsize_max", 8192));
        channel_traits traits = traits_beside<L>(mqueue_transport, type_name, how);
        traits.capacity = mechanism.messages;
        traits.max_message_size = mechanism.message_size;
        traits.retained = true;
        for (int attempts = 16;; --attempts) {
            companion c;
            if (error_code const e = mqueue_door::join(place, traits, r, lock_bytes::most, mechanism, c))
                return e;
            mqueue_member joined{std::move(c), place, {}, 0, nullptr};
            auto opened = joined.open(r == role::sender ? O_WRONLY : O_RDONLY, L.fixed_size);
            if (opened)
                return joined;
            joined.leave(deadline::after(mqueue_door::patience));
            if (opened.error() != queue_removed || attempts == 0)
                return opened.error();  // else: removed between joining and opening
        }
    }

private:
    result<void> open(int mode, std::size_t least)
    {
        auto opened = open_queue(member, where, mode);
        if (!opened)
            return opened.error();
        if (opened->second < least)
            return errc::peer_corrupt;
        pages = allocate_pages(opened->second);
        if (!pages)
            return errc::out_of_memory;
        queue = guarded_descriptor(std::move(opened->first));
        message_size = opened->second;
        return {};
    }
};

}  // namespace strait::detail

#endif
