// Distributed under the Boost Software License, Version 1.0.
// Two shared libraries are made of this, with hidden visibility: one sends, one receives.
#include <strait/channel.hpp>
#include <strait/transport/in_process.hpp>

#include <cstdio>
#include <string>

struct order {
    int number;
    std::string text;
};

namespace {
struct unnamed {
    int number;
};
}  // namespace

template <class T>
bool refuses(char const* name)
{
    auto const end = strait::receiver<T, strait::in_process>::open(name);
    return !end && end.error() == strait::errc::type_mismatch;
}

#ifdef SENDS
extern "C" [[gnu::visibility("default")]] void run()
{
    static strait::sender<order, strait::in_process> out{"orders"};
    out.send({7, "seven"});
    static strait::sender<unnamed, strait::in_process> other{"unnamed"};
    static strait::sender<int, strait::in_process> numbers{"numbers"};
}
#else
extern "C" [[gnu::visibility("default")]] int run()
{
    strait::receiver<order, strait::in_process> in{"orders"};
    auto const message = in.try_receive();
    bool const met = message && message->number == 7 && message->text == "seven";
    std::puts(met ? "the libraries meet" : "the libraries do not meet");
    bool const checked = refuses<unnamed>("unnamed") && refuses<long>("numbers");
    std::puts(checked ? "other types are refused" : "other types are not refused");
    return met && checked ? 0 : 1;
}
#endif
