// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMORY_ATTACHED_SEGMENT_HPP
#define STRAIT_DETAIL_MEMORY_ATTACHED_SEGMENT_HPP

#include <strait/detail/membership/contents.hpp>
#include <strait/detail/memory/segment_key.hpp>

#include <cstddef>
#include <cstdint>

#include <sys/shm.h>

namespace strait::detail {

// Lays the System V segment of a channel beside its view, attached for reading, where the channel has one and this user may
// read it. The view must not be read any more when this object is gone.
class attached_segment {
public:
    explicit attached_segment(channel_view& v) noexcept
    {
        control_copy const& control = v.control();
        if (!control.is_intact() || !control.memory().starts_with(segment_memory) || control.word(0) > segment_tries)
            return;
        segment_note note;
        note.control_file = control.status();
        note.number = control.word(0);
        note.size = control.beside();
        int const id = note.find();
        void* const at = id == -1 ? reinterpret_cast<void*>(-1) : ::shmat(id, nullptr, SHM_RDONLY);
        if (at == reinterpret_cast<void*>(-1))
            return;
        at_ = at;
        size_ = note.size;
        v.lay_beside(static_cast<std::byte const*>(at), size_);
    }
    attached_segment(attached_segment const&) = delete;
    attached_segment& operator=(attached_segment const&) = delete;
    ~attached_segment()
    {
        if (at_)
            ::shmdt(at_);
    }

    // Bytes of the segment; 0: there is none, or none that can be attached.
    std::uint64_t size() const noexcept { return size_; }

private:
    void* at_ = nullptr;
    std::uint64_t size_ = 0;
};

}  // namespace strait::detail

#endif
