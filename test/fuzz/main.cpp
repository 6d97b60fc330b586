// Distributed under the Boost Software License, Version 1.0.
#include "fuzz.hpp"

#include <cstdio>
#include <cstdlib>

// No object of a decoder is larger than what the library allows: less quarantine keeps the caches warm.
extern "C" char const* __asan_default_options() { return "quarantine_size_mb=8:allocator_may_return_null=1:handle_abort=1"; }
extern "C" char const* __ubsan_default_options() { return "print_stacktrace=1"; }

// `--seeds DIR` writes the seeds there, a file each, and ends.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv)
{
    if (*argc != 3 || std::string_view((*argv)[1]) != "--seeds")
        return 0;
    int number = 0;
    for (fuzz::bytes const& seed : fuzz::harness::seeds()) {
        std::string const name = std::string((*argv)[2]) + "/seed-" + std::to_string(number++);
        std::FILE* const file = std::fopen(name.c_str(), "wb");
        if (!file || std::fwrite(seed.data(), 1, seed.size(), file) != seed.size() || std::fclose(file) != 0) {
            std::perror(name.c_str());
            std::_Exit(1);
        }
    }
    std::_Exit(0);
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    fuzz::steps_made = 0;
    fuzz::harness::run(std::as_bytes(std::span(data, size)));
    return 0;
}
