// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_SHARED_HPP
#define STRAIT_BENCHMARK_SHARED_HPP

#include <cerrno>
#include <concepts>
#include <memory>
#include <new>
#include <system_error>
#include <utility>

#include <sys/mman.h>

namespace benchmark {

template <class T>
T checked(T result, char const* what)
{
    if (result < 0)
        throw std::system_error(errno, std::system_category(), what);
    return result;
}

/// An object in memory that is shared with the children of this process. All its pages are there from the start.
template <class T>
class shared {
public:
    template <class... A>
        requires std::constructible_from<T, A...>
    explicit shared(A&&... a)
    {
        void* const place =
            ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (place == MAP_FAILED)
            throw std::system_error(errno, std::system_category(), "mmap");
        object_ = std::shared_ptr<T>(::new (place) T(std::forward<A>(a)...), [](T* object) {
            std::destroy_at(object);
            ::munmap(static_cast<void*>(object), sizeof(T));
        });
    }

    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_.get(); }

private:
    std::shared_ptr<T> object_;
};

}  // namespace benchmark

#endif
