// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMORY_MAPPED_FILE_HPP
#define STRAIT_DETAIL_MEMORY_MAPPED_FILE_HPP

#include <strait/detail/membership/control_block.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>

#include <string_view>

#include <unistd.h>

// A ring in a file on a disk: its control file lies in another directory, and is written to the disk.
namespace strait::detail {

template <class Mechanism>
struct file_mechanism : Mechanism {
    static constexpr std::string_view root = "/var/tmp";  // its files survive a reboot, in every distribution

    static constexpr bool on_disk = true;

    // Errors are ignored: the last participant leaves in any case. shm_ring::sync() reports them.
    void sync(int fd, int dir) const noexcept
    {
        static_cast<void>(::fdatasync(fd));
        static_cast<void>(::fsync(dir));
    }
};

template <class Geometry>
struct file_geometry : Geometry {
    using mechanism_type = file_mechanism<typename Geometry::mechanism_type>;

    static mechanism_type mechanism() noexcept { return {Geometry::mechanism()}; }

    static error_code traits(channel_options const& how, message_type const& type, channel_traits& t)
    {
        t.memory = "mapped_file";
        return Geometry::traits(how, type, t);
    }
};

}  // namespace strait::detail

#endif
