// Distributed under the Boost Software License, Version 1.0.
// Frames of 4 MiB, filled and looked at in the channel's own memory.
#include "../support/over.hpp"
#include "../support/process.hpp"

#include <strait.hpp>

#include <algorithm>
#include <array>

struct frame {
    std::uint64_t number;
    std::array<std::uint8_t, 4 << 20> pixels;
};

// Stands for the camera: frame n is of the shade n, with a white dot that wanders.
void expose(frame& f, std::uint64_t n)
{
    f.number = n;
    f.pixels.fill(static_cast<std::uint8_t>(n % 200));
    f.pixels[n * 1000] = 255;
}

std::size_t brightest(frame const& f)
{
    return static_cast<std::size_t>(std::max_element(f.pixels.begin(), f.pixels.end()) - f.pixels.begin());
}

template <strait::transport X>
void film(std::string const& channel, std::uint64_t frames)
{
    strait::sender<frame, X> out{channel};
    for (std::uint64_t n = 1; n <= frames; ++n) {
        auto f = out.claim();  // a frame in the ring, no copy of ours
        expose(*f, n);
        f.commit();
    }
}

template <strait::transport X>
void watch(support::command const& command, std::uint64_t frames)
{
    std::string const channel = support::unique_name("camera");
    support::process camera(command, {"film", channel, std::to_string(frames)});
    strait::receiver<frame, X> in{channel};
    while (auto f = in.borrow())  // there it is looked at, and its place is free again at the end of this scope
        std::cout << "frame " << f->number << ": brightest at " << brightest(*f) << '\n';
}

int main(int argc, char** argv)
{
    using namespace strait;
    using in_a_file = shm_ring<spsc, adaptive, mapped_file>;
    return support::over<shm_ring<>, in_a_file, shm_ring<broadcast<lossless>>, unix_stream, tcp>(
        argc, argv, []<transport X>(support::command const& c) {
            if (c.word(0) == "film")
                film<X>(c.word(1), std::stoull(c.word(2)));
            else
                watch<X>(c, std::stoull(c.word(0, "8")));
            return 0;
        });
}
