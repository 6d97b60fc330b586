// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_HANDLES_HPP
#define STRAIT_DETAIL_CODEC_HANDLES_HPP

#include <strait/detail/codec/parts.hpp>
#include <strait/serialization/serializer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

// Descriptors in messages. They cannot be encoded: the kernel carries them beside the bytes in a row, and the bytes hold the
// place of each in that row. The serializer of such a descriptor has the constant `carries_handle`.
namespace strait::detail {

/// A T that the kernel carries beside the bytes.
template <class T>
concept handle = requires { requires serializer<T>::carries_handle; };

template <class... Part>
consteval bool any_handle(types<Part...>)
{
    return (handle<Part> || ...);
}

template <class T, class... Inside>
consteval bool find_handles(types<Inside...>)
{
    return handle<T> || any_handle(parts_of<T>{}) || (any_handle(parts_of<Inside>{}) || ...);
}

/// Whether T is a descriptor or has one inside.
template <class T>
inline constexpr bool has_handles = find_handles<T>(inside<T>{});

// The descriptors of the message that this thread is encoding. They are not owned.
class departing_handles {
public:
    departing_handles() : before_(std::exchange(current, this)) {}
    departing_handles(departing_handles const&) = delete;
    departing_handles& operator=(departing_handles const&) = delete;
    ~departing_handles() { current = before_; }

    std::span<int const> all() const noexcept { return handles_; }

    static std::uint32_t add(int fd)
    {
        if (!current)
            return 0;
        current->handles_.push_back(fd);
        return static_cast<std::uint32_t>(current->handles_.size() - 1);
    }

private:
    static inline thread_local departing_handles* current = nullptr;

    departing_handles* before_;
    std::vector<int> handles_;
};

// The descriptors that came with the message that this thread is decoding. They are taken in the order of their numbers.
template <class Descriptor>
class arriving_handles {
public:
    explicit arriving_handles(std::span<Descriptor> handles) : before_(std::exchange(current, this)), handles_(handles) {}
    arriving_handles(arriving_handles const&) = delete;
    arriving_handles& operator=(arriving_handles const&) = delete;
    ~arriving_handles() { current = before_; }

    bool all_taken() const noexcept { return taken_ == handles_.size(); }

    // Returns no descriptor when this number is not the next one, or when there is none left.
    static Descriptor take(std::uint32_t number) noexcept
    {
        if (!current || number != current->taken_ || number >= current->handles_.size())
            return {};
        return std::move(current->handles_[current->taken_++]);
    }

private:
    static inline thread_local arriving_handles* current = nullptr;

    arriving_handles* before_;
    std::span<Descriptor> handles_;
    std::size_t taken_ = 0;
};

}  // namespace strait::detail

#endif
