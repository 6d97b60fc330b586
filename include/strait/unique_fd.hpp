// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_UNIQUE_FD_HPP
#define STRAIT_UNIQUE_FD_HPP

#include <strait/detail/codec/handles.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/error.hpp>
#include <strait/serialization/serializer.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace strait {

/// Owns a descriptor and closes it when it is destroyed. It can be a message or a part of one, over transports that
/// carry descriptors (`guarantees.passes_handles`): the receiver gets a descriptor of its own, with close-on-exec set,
/// for the open file, socket or memfd; the sender still has the one that it sent. An empty unique_fd arrives empty.
///
///     struct job {
///         std::string name;
///         strait::unique_fd input;
///     };
///     strait::sender<job, strait::unix_stream> out{"jobs"};
///     out.send({"sort", strait::unique_fd(::open("words", O_RDONLY | O_CLOEXEC))});
///
/// A message has at most 64 descriptors, else errc::too_many_descriptors. A receiver whose limit of open descriptors is
/// reached gets errc::descriptor_limit instead of the message, which is lost. Every process that may open the channel
/// may send any descriptor: check what you get before you trust it.
///
/// Distinct objects: safe. Shared objects: unsafe. Move only.
class unique_fd {
public:
    unique_fd() = default;

    /// Takes ownership of this descriptor; -1: none.
    explicit unique_fd(int fd) noexcept : fd_(detail::descriptor::of_application(fd)) {}

    /// The descriptor, which stays owned; -1: none.
    int get() const noexcept { return fd_.get(); }

    /// Whether there is a descriptor.
    explicit operator bool() const noexcept { return static_cast<bool>(fd_); }

    /// Gives up ownership of the descriptor, which stays open; -1: none.
    int release() noexcept { return fd_.release(); }

    /// Closes the descriptor, and takes ownership of `fd`.
    void reset(int fd = -1) noexcept { fd_ = detail::descriptor::of_application(fd); }

private:
    detail::descriptor fd_;
};

/// Sends the descriptor beside the message, and in the message its number: 4 bytes.
template <>
struct serializer<unique_fd> {
    static constexpr std::uint64_t fingerprint = 0x6664'2062'6573'6964;
    static constexpr std::size_t fixed_size = 4;
    static constexpr bool carries_handle = true;

    static std::size_t size(unique_fd const&) { return fixed_size; }

    static void encode(unique_fd const& fd, std::span<std::byte> out)
    {
        std::uint32_t const number = fd ? detail::departing_handles::add(fd.get()) : none;
        for (std::size_t i = 0; i != fixed_size; ++i)
            out[i] = static_cast<std::byte>(number >> 8 * i);
    }

    static result<unique_fd> decode(std::span<std::byte const> in)
    {
        std::uint32_t number = 0;
        for (std::size_t i = 0; i != fixed_size; ++i)
            number |= std::to_integer<std::uint32_t>(in[i]) << 8 * i;
        if (number == none)
            return unique_fd();
        auto taken = detail::arriving_handles<detail::descriptor>::take(number);
        if (!taken)
            return errc::malformed_message;
        return unique_fd(taken.release());
    }

private:
    static constexpr std::uint32_t none = 0xffff'ffff;
};

}  // namespace strait

#endif
