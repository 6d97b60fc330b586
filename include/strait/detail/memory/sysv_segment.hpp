// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMORY_SYSV_SEGMENT_HPP
#define STRAIT_DETAIL_MEMORY_SYSV_SEGMENT_HPP

#include <strait/detail/membership/location.hpp>
#include <strait/detail/membership/participant.hpp>
#include <strait/detail/memory/segment_key.hpp>
#include <strait/detail/os/allocation.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/kernel_space.hpp>
#include <strait/detail/os/mapping.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>

// A ring whose messages lie in a System V segment. The control file has what lies before them: who participates, and the words
// by which the ends wait for each other. In memory the segment follows the control file, as in a file that has both.
namespace strait::detail {

// Why shmget(2) did not create a segment.
inline error_code segment_failure(bool huge_pages) noexcept
{
    int const why = errno;
    if (huge_pages && (why == ENOMEM || why == EPERM))
        return errc::huge_page_limit;
    if (why == EINVAL)
        return errc::segment_size_limit;
    if (why != ENOSPC)
        return system_failure(why);
    struct ::shminfo limits = {};
    struct ::shm_info used = {};
    bool const known = ::shmctl(0, IPC_INFO, reinterpret_cast<struct ::shmid_ds*>(&limits)) >= 0 &&
                       ::shmctl(0, SHM_INFO, reinterpret_cast<struct ::shmid_ds*>(&used)) >= 0;
    bool const too_many = known && static_cast<unsigned long>(used.used_ids) >= limits.shmmni;
    return too_many ? errc::segment_count_limit : errc::segment_memory_limit;
}

// Attaches the segment, or n bytes of it, at a given address. The whole is attached there at once. A piece that is to be mirrored
// by itself is taken out of an attachment: mremap() of a shared mapping to a second address leaves the first one as it is.
inline error_code place_segment(int id, std::uint64_t offset, std::size_t n, std::byte* to) noexcept
{
    struct ::shmid_ds found = {};
    if (::shmctl(id, IPC_STAT, &found) != 0)
        return last_failure();
    auto* const failed = reinterpret_cast<void*>(-1);
    if (n == found.shm_segsz)
        return ::shmat(id, to, SHM_REMAP) == failed ? mapping_failure(errno) : error_code();
    void* const whole = ::shmat(id, nullptr, 0);
    if (whole == failed)
        return mapping_failure(errno);
    void* const done = ::mremap(static_cast<std::byte*>(whole) + offset, 0, n, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    error_code const e = done == MAP_FAILED ? mapping_failure(errno) : error_code();
    ::shmdt(whole);
    return e;
}

// The size of the pages that shmget(2) gives for SHM_HUGETLB.
inline std::uint64_t huge_page_size() noexcept
{
    std::uint64_t const kibibytes = memory_info("Hugepagesize:");
    return kibibytes == 0 || kibibytes > (std::uint64_t{1} << 30) ? std::uint64_t{2} << 20 : kibibytes << 10;
}

// A ring's messages in a segment of System V.
//
// What a killed creator leaves: a control file with a name, which is not ready, and its segment, or not yet. The next opener
// removes both; so does remove(). A segment without a control file is left only when somebody deletes the control file by hand.
template <class Mechanism, bool HugePages = false>
struct segment_mechanism : Mechanism {
    using leftover = segment_leftover;
    static constexpr kernel_space needs = kernel_space::ipc;
    static constexpr int flags = HugePages ? SHM_HUGETLB : 0;

    static error_code create(participant const& c, location const& where) noexcept
    {
        struct ::stat file = {};
        std::uint64_t const size = c.block().beside;
        if (!is_available(size))
            return errc::out_of_memory;
        if (::fstat(c.fd(), &file) != 0)
            return last_failure();
        for (std::uint64_t number = 1; number <= segment_tries; ++number) {
            ::key_t const key = segment_key(file, number);
            if (::shmget(key, 0, 0) != -1 || errno != ENOENT)
                continue;  // this key is in use
            c.block().mechanism[0].store(number, std::memory_order_relaxed);
            STRAIT_CRASH_POINT("create: key of the segment noted");
            int const id = ::shmget(key, size, IPC_CREAT | IPC_EXCL | flags | static_cast<int>(object_mode(where.access())));
            STRAIT_CRASH_POINT("create: segment made");
            if (id != -1) {
                error_code const failed = own(id, file);
                if (failed)
                    ::shmctl(id, IPC_RMID, nullptr);
                return failed;
            }
            if (errno != EEXIST)
                return segment_failure(HugePages);
        }
        return errc::names_taken;
    }

    static void forget(participant const& c, location const& where) noexcept
    {
        static_cast<void>(leftover::remove(c.fd(), where));  // only its owner can
    }

    error_code reach(participant const& c, std::shared_ptr<mapping>& m) const
    {
        segment_note const note = segment_note::read(c.fd());
        std::uint64_t const first = Mechanism::data_offset();
        int const id = note.find();
        if (id == -1 || static_cast<std::uint64_t>(note.control_file.st_size) != first)
            return errc::peer_corrupt;
        std::uint64_t const alignment = HugePages ? huge_page_size() : 1;
        mirror const twice = Mechanism::mirrored(first + note.size);
        if (twice.first != 0 && note.size % alignment != 0)
            return errc::peer_corrupt;
        return mapping::map(c.fd(), first + note.size, twice, memory_beside{&place_segment, id, first, alignment}, m);
    }

private:
    // Gives the segment the group of the control file, which may be that of the directory.
    static error_code own(int id, struct ::stat const& file) noexcept
    {
        struct ::shmid_ds made = {};
        if (::shmctl(id, IPC_STAT, &made) != 0)
            return last_failure();
        made.shm_perm.gid = file.st_gid;
        if (::shmctl(id, IPC_SET, &made) != 0)
            return last_failure();
        return {};
    }
};

template <class Geometry, bool HugePages = false>
struct sysv_geometry : Geometry {
    using mechanism_type = segment_mechanism<typename Geometry::mechanism_type, HugePages>;
    static_assert(!HugePages || !requires { Geometry::mechanism_type::in_pieces; },
                  "strait: a ring with lanes, shm_ring<mpsc>, has no huge pages in sysv_memory: the kernel cannot map pieces of "
                  "them twice; choose another topology, or huge_pages<posix_memory>");

    static mechanism_type mechanism() noexcept { return {Geometry::mechanism()}; }

    static error_code traits(channel_options const& how, message_type const& type, channel_traits& t)
    {
        std::uint64_t const first = mechanism_type::data_offset();
        error_code e = Geometry::traits(how, type, t);
        if constexpr (HugePages) {
            mirror const twice = Geometry::mechanism().mirrored(t.size);
            if (!e && twice.first != 0 && (t.size - first) % huge_page_size() != 0) {
                channel_options larger = how;  // only whole pages can be mirrored
                larger.capacity = huge_page_size();
                e = Geometry::traits(larger, type, t);
            }
        }
        t.memory = HugePages ? "sysv_memory, huge pages" : segment_memory;
        t.beside = t.size - first;
        t.size = first;
        t.allocated = 0;
        return e;
    }
};

}  // namespace strait::detail

#endif
