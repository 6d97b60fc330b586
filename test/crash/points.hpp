// Distributed under the Boost Software License, Version 1.0.
#ifndef CRASH_POINTS_HPP
#define CRASH_POINTS_HPP

#ifdef STRAIT_DETAIL_OS_CRASH_POINT_HPP
#error "The crash points of this program are defined here: include this before any header of the library."
#endif

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <csignal>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

// Every source of this folder that uses the library includes this first: in this program a crash point is a place to die.
namespace crash {

template <std::size_t N>
struct literal {
    char text[N]{};
    consteval literal(char const (&t)[N]) { std::copy_n(t, N, text); }
};

// A header's path below include/: what comes before it depends on the build.
struct header_path {
    char text[64]{};

    consteval header_path(char const* file)
    {
        std::string_view path(file);
        constexpr std::string_view root = "include/";
        if (auto const at = path.rfind(root); at != path.npos)
            path.remove_prefix(at + root.size());
        std::copy_n(path.data(), path.size(), text);  // does not compile where it does not fit
    }
};

// One crash point of the source, which is known before a process reaches it: by file and line, since names repeat.
class point {
public:
    static constexpr std::size_t most = 256;

    point(char const* name, char const* file, int line)
        : name_(name), place_(std::string(file) + ':' + std::to_string(line)), index_(all().size())
    {
        all().push_back(this);
    }

    static std::vector<point const*>& all()
    {
        static std::vector<point const*> points;
        return points;
    }

    char const* name() const noexcept { return name_; }
    std::string const& place() const noexcept { return place_; }  // header:line
    std::size_t index() const noexcept { return index_; }
    void reached() const noexcept;

private:
    char const* name_;
    std::string place_;
    std::size_t index_;
};

// What is to happen in a victim; in memory that its parent sees too.
struct plan {
    std::atomic<std::uint64_t> hits[point::most];  // how often each point was reached

    // This process dies when it reaches `where` the `hit`th time, from 1; never for no point. From now on it counts.
    static inline plan* followed = nullptr;
    static inline point const* where = nullptr;
    static inline std::uint64_t hit = 0;
    void follow(point const* p, std::uint64_t n) noexcept
    {
        for (auto& count : hits)
            count.store(0, std::memory_order_relaxed);
        where = p;
        hit = n;
        followed = this;
    }
};

inline void point::reached() const noexcept
{
    if (!plan::followed)
        return;
    std::uint64_t const n = plan::followed->hits[index_].fetch_add(1, std::memory_order_relaxed) + 1;
    if (this == plan::where && n == plan::hit)
        ::kill(::getpid(), SIGKILL);
}

template <literal Name, header_path File, int Line>
struct at {
    static inline point const here{Name.text, File.text, Line};
};

// How many turns of loops over shared memory this process has made.
inline std::uint64_t steps_made = 0;

}  // namespace crash

#define STRAIT_STEP() static_cast<void>(++::crash::steps_made)
#define STRAIT_CRASH_POINT(name) ::crash::at<name, __FILE__, __LINE__>::here.reached()

#endif
