// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SHARED_MEMORY_HPP
#define STRAIT_SHARED_MEMORY_HPP

#include <strait/detail/os/allocation.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/error.hpp>
#include <strait/serialization/serializer.hpp>
#include <strait/unique_fd.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strait {

/// A block of memory that can be a message or a part of one, over transports that carry descriptors
/// (`guarantees.passes_handles`). The receiver maps the memory of the sender, and nothing is copied, however large it
/// is. Both can read and write it; the program decides who does so when, for instance by messages. The block lives as
/// long as a process has it, and no longer.
///
///     auto picture = strait::shared_memory::create(width * height * 4);
///     draw(picture->bytes());
///     out.send({width, height, std::move(*picture)});
///
/// It can neither shrink nor grow, so a process that maps it need not fear SIGBUS. A block that arrives is checked: one
/// that could shrink, cannot be written, or does not have the size that the message says, is errc::malformed_message.
///
/// Distinct objects: safe. Shared objects: unsafe; the bytes are shared on purpose. Move only.
class shared_memory {
public:
    /// An empty object without memory. It can be sent, and arrives empty.
    shared_memory() = default;

    /// Makes a block of `size` bytes, which are zero, and allocates all of them now. Errors: out_of_memory,
    /// file_size_limit, descriptor_limit, those of memfd_create(2).
    static result<shared_memory> create(std::size_t size)
    {
        shared_memory made;
        made.fd_.reset(detail::descriptor(::memfd_create("strait", MFD_CLOEXEC | MFD_ALLOW_SEALING)).release());
        if (!made.fd_)
            return detail::last_failure();
        if (size != 0)
            if (auto allocated = detail::allocate(made.fd_.get(), size); !allocated)
                return allocated.error();
        if (::fcntl(made.fd_.get(), F_ADD_SEALS, seals) != 0)
            return detail::last_failure();
        if (error_code const e = made.map(size))
            return e;
        return made;
    }

    shared_memory(shared_memory&& other) noexcept : fd_(std::move(other.fd_)), bytes_(std::exchange(other.bytes_, {})) {}
    shared_memory& operator=(shared_memory&& other) noexcept
    {
        if (this != &other) {
            unmap();
            fd_ = std::move(other.fd_);
            bytes_ = std::exchange(other.bytes_, {});
        }
        return *this;
    }
    ~shared_memory() { unmap(); }

    /// The memory; empty without a block. A peer that has the block may write to it at any time.
    std::span<std::byte> bytes() const noexcept { return bytes_; }

    /// The size in bytes; 0 without a block.
    std::size_t size() const noexcept { return bytes_.size(); }

    /// Whether there is a block; it may have 0 bytes.
    explicit operator bool() const noexcept { return static_cast<bool>(fd_); }

private:
    friend struct serializer<shared_memory>;
    static constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

    error_code map(std::size_t size)
    {
        if (size == 0)
            return {};
        void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
        if (at == MAP_FAILED)
            return detail::mapping_failure(errno);
        bytes_ = {static_cast<std::byte*>(at), size};
        return {};
    }

    void unmap() noexcept
    {
        if (!bytes_.empty())
            ::munmap(bytes_.data(), bytes_.size());
    }

    unique_fd fd_;
    std::span<std::byte> bytes_;
};

/// Sends the block's descriptor and its size: 12 bytes.
template <>
struct serializer<shared_memory> {
    static constexpr std::uint64_t fingerprint = 0x6d65'6d6f'7279'2062;
    static constexpr std::size_t fixed_size = 12;
    static constexpr bool carries_handle = true;

    static std::size_t size(shared_memory const&) { return fixed_size; }

    static void encode(shared_memory const& block, std::span<std::byte> out)
    {
        serializer<unique_fd>::encode(block.fd_, out.first(4));
        std::uint64_t const size = block.size();
        for (std::size_t i = 0; i != 8; ++i)
            out[4 + i] = static_cast<std::byte>(size >> 8 * i);
    }

    static result<shared_memory> decode(std::span<std::byte const> in)
    {
        auto fd = serializer<unique_fd>::decode(in.first(4));
        if (!fd)
            return fd.error();
        std::uint64_t size = 0;
        for (std::size_t i = 0; i != 8; ++i)
            size |= std::to_integer<std::uint64_t>(in[4 + i]) << 8 * i;
        shared_memory block;
        block.fd_ = std::move(*fd);
        if (!block)
            return size == 0 ? result<shared_memory>(std::move(block)) : errc::malformed_message;
        struct ::stat found = {};
        // Only a memfd has seals; one that cannot shrink stays as large as it is now.
        int const sealed = ::fcntl(block.fd_.get(), F_GET_SEALS);
        if (sealed < 0 || (sealed & F_SEAL_SHRINK) == 0 || (sealed & F_SEAL_WRITE) != 0 ||
            ::fstat(block.fd_.get(), &found) != 0 || static_cast<std::uint64_t>(found.st_size) != size)
            return errc::malformed_message;
        if (error_code const e = block.map(static_cast<std::size_t>(size)))
            return e;
        return block;
    }
};

}  // namespace strait

#endif
