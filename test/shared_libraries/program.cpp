// Distributed under the Boost Software License, Version 1.0.
// Opens the two libraries of its arguments, and lets the first send and the second receive.
#include <cstdio>

#include <dlfcn.h>

int main(int, char** argv)
{
    void* const sends = ::dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
    void* const receives = ::dlopen(argv[2], RTLD_NOW | RTLD_GLOBAL);
    if (!sends || !receives) {
        std::puts(::dlerror());
        return 1;
    }
    reinterpret_cast<void (*)()>(::dlsym(sends, "run"))();
    return reinterpret_cast<int (*)()>(::dlsym(receives, "run"))();
}
