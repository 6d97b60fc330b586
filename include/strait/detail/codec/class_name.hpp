// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CODEC_CLASS_NAME_HPP
#define STRAIT_DETAIL_CODEC_CLASS_NAME_HPP

#include <strait/detail/os/fnv1a.hpp>

#include <cstdint>
#include <string_view>

namespace strait::detail {

template <class T>
consteval std::string_view class_name()
{
    // GCC: "... [with T = a::b; std::string_view = ...]", Clang: "... [T = a::b]".
    std::string_view name = __PRETTY_FUNCTION__;
    name.remove_prefix(name.find("T = ") + 4);
    return name.substr(0, name.find_first_of(";]"));
}

/// A hash (FNV-1a) of the name of T, as the fingerprint of classes whose encoding strait cannot look into. Compilers agree on
/// it unless T is made by a template or lies in a namespace without a name.
template <class T>
consteval std::uint64_t hash_of_name()
{
    return fnv1a(class_name<T>());
}

}  // namespace strait::detail

#endif
