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

// Descriptors in messages. They cannot be encoded: the kernel carries them beside the bytes, where they have numbers, and
// the bytes hold the number of each. A serializer whose T is such a descriptor says so by `carries_handle`.
namespace strait::detail {

/// A T that travels beside the bytes.
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

// Of the message that this thread encodes: the numbers are those of the places in it. They stay their owner's.
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

// Of the message that this thread decodes: those that came with it, which are taken in the order of their numbers.
template <class Descriptor>
class arriving_handles {
public:
    explicit arriving_handles(std::span<Descriptor> handles) : before_(std::exchange(current, this)), handles_(handles) {}
    arriving_handles(arriving_handles const&) = delete;
    arriving_handles& operator=(arriving_handles const&) = delete;
    ~arriving_handles() { current = before_; }

    bool all_taken() const noexcept { return taken_ == handles_.size(); }

    // No descriptor: it is not the next one's turn, or there is none.
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
