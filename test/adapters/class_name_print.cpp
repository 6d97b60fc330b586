// Distributed under the Boost Software License, Version 1.0.
#include <strait/detail/codec/class_name.hpp>

#include <iostream>

namespace outer::inner {
class plain;
struct nested {
    struct part;
    enum class kind;
};
}  // namespace outer::inner

class global;

int main()
{
    using strait::detail::class_name;
    using strait::detail::hash_of_name;
    std::cout << class_name<global>() << ' ' << hash_of_name<global>() << '\n'
              << class_name<outer::inner::plain>() << ' ' << hash_of_name<outer::inner::plain>() << '\n'
              << class_name<outer::inner::nested::part>() << ' ' << class_name<outer::inner::nested::kind>() << '\n';
}
