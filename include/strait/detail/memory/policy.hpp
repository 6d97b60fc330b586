// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMORY_POLICY_HPP
#define STRAIT_DETAIL_MEMORY_POLICY_HPP

#include <strait/version.hpp>  // first: it says what compiler is needed

#include <cstddef>
#include <string_view>

namespace strait::detail {

// What a memory policy makes of a ring. Specialised beside each policy:
//   geometry<G>     the geometry G of a ring, in this memory
//   mechanism<M>    what membership needs to know of such a ring, M, in this memory
//   nameless        whether it has pairs
//   is_usual        only in the policy of a ring that does not name its memory
template <class Memory>
struct ring_memory;

// Concatenates a name when the program is compiled.
struct built_name {
    char text[192]{};
    std::size_t size = 0;

    constexpr built_name& operator+=(std::string_view more)
    {
        for (char const c : more)
            text[size++] = c;
        return *this;
    }
};

// The name of shm_ring<mpsc> in another memory: shm_ring<mpsc, adaptive, mapped_file>.
template <class Ends, class Wait, class Memory>
inline constexpr built_name ring_name = [] {
    constexpr std::string_view plain = Ends::guarantees.name;
    constexpr std::string_view begin = "shm_ring<";
    built_name n;
    n += begin;
    n += plain.size() > begin.size() ? plain.substr(begin.size(), plain.size() - begin.size() - 1) : "spsc";
    n += ", ";
    n += Wait::name;
    n += ", ";
    n += Memory::name;
    n += ">";
    return n;
}();

template <class Ends, class Wait, class Memory>
consteval auto guarantees_in()
{
    auto g = Ends::guarantees;
    if constexpr (!requires { ring_memory<Memory>::is_usual; }) {
        g.name = ring_name<Ends, Wait, Memory>.text;
        g.nameless = g.nameless && ring_memory<Memory>::nameless;
    }
    return g;
}

}  // namespace strait::detail

#endif
