// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MQUEUE_CONTENTS_HPP
#define STRAIT_DETAIL_MQUEUE_CONTENTS_HPP

#include <strait/detail/membership/contents.hpp>
#include <strait/detail/mqueue/queue.hpp>

#include <cstdint>
#include <string>

#include <fcntl.h>
#include <mqueue.h>
#include <sys/stat.h>

namespace strait::detail {

// The kernel counts the messages, and among them the hints, which are empty. Where all messages have one size, hints are
// seen by the bytes. Where sizes vary, they are told from empty messages as leaving does, under the set-up lock only.
struct mqueue_contents {
    static bool is_of(channel_view const& v) noexcept
    {
        return v.control().transport() == mqueue_transport || is_packed(v);
    }

    static void look(channel_view const& v, channel_contents& c)
    {
        std::uint64_t const size = v.control().block().element_size;
        std::string const name = queue_name(v.where(), v.control().word(mqueue_noted_attempt) % mqueue_attempts);
        descriptor queue(::mq_open(name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        struct ::stat found = {};
        ::mq_attr now = {};
        if (!queue || ::fstat(queue.get(), &found) != 0 || ::mq_getattr(queue.get(), &now) != 0 ||
            !v.control().can_have_made(found.st_uid, found.st_gid, found.st_mode))
            return;
        c.kernel_bytes = mqueue_mechanism::bytes_in(queue.get());
        auto const messages = static_cast<std::uint64_t>(now.mq_curmsgs);
        if (is_packed(v))
            c.count(c.kernel_bytes == 0 ? 0 : messages, channel_contents::knowledge::at_least);
        else if (size != 0)
            c.count(c.kernel_bytes / size);
        else if (c.kernel_bytes != 0 || messages == 0)
            c.count(messages);
        else if (v.is_locked())
            c.count(holds_data(name) ? messages : 0);
        else
            c.count(0, channel_contents::knowledge::at_least);
    }

private:
    static bool is_packed(channel_view const& v) noexcept { return v.control().transport() == packed_mqueue_transport; }

    static bool holds_data(std::string const& name)
    {
        descriptor const queue(::mq_open(name.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
        return !queue || mqueue_mechanism::holds_data(queue.get());
    }
};
static_assert(contents_reader<mqueue_contents>);

}  // namespace strait::detail

#endif
