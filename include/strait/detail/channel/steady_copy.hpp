// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CHANNEL_STEADY_COPY_HPP
#define STRAIT_DETAIL_CHANNEL_STEADY_COPY_HPP

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>

namespace strait::detail {

// A copy of a message that lies in memory to which its sender can write, for serializers that look at bytes, trust what
// they saw, and look again. It is valid until the next one is made. Its memory is reused.
template <std::size_t Alignment>
class steady_copy {
public:
    // Throws std::bad_alloc.
    std::span<std::byte const> of(std::span<std::byte const> message)
    {
        if (message.size() > capacity_ || !bytes_) {  // it has no memory after a move
            bytes_.reset();
            capacity_ = 0;
            bytes_.reset(static_cast<std::byte*>(::operator new(message.size(), std::align_val_t(Alignment))));
            capacity_ = message.size();
        }
        if (!message.empty())
            std::memcpy(bytes_.get(), message.data(), message.size());
        return {bytes_.get(), message.size()};
    }

private:
    struct release {
        void operator()(std::byte* p) const noexcept { ::operator delete(p, std::align_val_t(Alignment)); }
    };
    std::unique_ptr<std::byte, release> bytes_;
    std::size_t capacity_ = 0;
};

}  // namespace strait::detail

#endif
