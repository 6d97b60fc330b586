// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_OVER_HPP
#define SUPPORT_OVER_HPP

#include <strait/transport.hpp>

#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace support {

/// What a program was started with.
struct command {
    std::string transport;
    std::vector<std::string> words;  ///< without the options

    std::string word(std::size_t i, std::string otherwise = "") const { return i < words.size() ? words[i] : otherwise; }
};

/// On a command line shm_ring<broadcast<lossy>> is shm_ring_broadcast_lossy, shm_ring<spsc, adaptive, mapped_file> is
/// shm_ring_mapped_file.
inline std::string plain_name(std::string name)
{
    constexpr std::string_view usual = "spsc, adaptive, ";
    if (auto const at = name.find(usual); at != name.npos)
        name.erase(at, usual.size());
    std::string plain;
    for (char const c : name)
        if (c == '<')
            plain += '_';
        else if (c != '>')
            plain += c;
    return plain;
}

/// The main function of an example: `run.operator()<Transport>(command)` with the one of these transports that
/// `--transport NAME` names, without that option the first. `--transports` lists them.
template <strait::transport... Transport, class Run>
int over(int argc, char** argv, Run run)
{
    std::vector<std::string> names{plain_name(Transport::guarantees.name)...};
    command c{names.front(), {}};
    for (int i = 1; i < argc; ++i) {
        std::string const word = argv[i];
        if (word == "--transports") {
            for (std::string const& name : names)
                std::cout << name << '\n';
            return 0;
        }
        if (word == "--transport" && i + 1 < argc)
            c.transport = argv[++i];
        else
            c.words.push_back(word);
    }

    int status = 2;
    bool known = false;
    auto const run_if_named = [&]<class X>() {
        if (c.transport == plain_name(X::guarantees.name)) {
            known = true;
            status = run.template operator()<X>(c);
        }
    };
    try {
        (run_if_named.template operator()<Transport>(), ...);
    } catch (std::exception const& e) {
        std::cerr << argv[0] << ": " << e.what() << '\n';
        return 1;
    }
    if (!known)
        std::cerr << argv[0] << ": no transport '" << c.transport << "' here; --transports lists them\n";
    return status;
}

}  // namespace support

#endif
