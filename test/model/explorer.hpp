// Distributed under the Boost Software License, Version 1.0.
#ifndef MODEL_EXPLORER_HPP
#define MODEL_EXPLORER_HPP

#include <support/messages.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

namespace model {

class set_of_hashes {
public:
    bool insert(std::uint64_t h)
    {
        if (2 * ++count_ > slots_.size()) {
            std::vector<std::uint64_t> old(slots_.empty() ? 1 << 16 : 2 * slots_.size());
            old.swap(slots_);
            for (std::uint64_t const o : old)
                if (o != 0)
                    place(o);
        }
        bool const fresh = place(h == 0 ? 1 : h);
        count_ -= !fresh;
        return fresh;
    }
    std::size_t size() const { return count_; }

private:
    bool place(std::uint64_t h)
    {
        std::size_t i = h & (slots_.size() - 1);
        for (; slots_[i] != 0; i = (i + 1) & (slots_.size() - 1))
            if (slots_[i] == h)
                return false;
        slots_[i] = h;
        return true;
    }

    std::vector<std::uint64_t> slots_;
    std::size_t count_ = 0;
};

/// Looks at every state that a model can come to from State{}. States are remembered by a hash of 64 bits, so one may be
/// missed, at odds of about one to a million.
template <class State>
    requires std::has_unique_object_representations_v<State>
class explorer {
public:
    virtual ~explorer() = default;

    /// What was found to be wrong first; empty: nothing in any state.
    std::string const& run()
    {
        visit(State{});
        while (!open_.empty() && wrong_.empty()) {
            State const s = open_.back();
            open_.pop_back();
            explore(s);
        }
        return wrong_;
    }

    std::size_t states() const { return seen_.size(); }

protected:
    /// Visits every state that one step leads to.
    virtual void explore(State const& s) = 0;

    void visit(State const& s)
    {
        std::array<unsigned char, (sizeof(State) + 7) / 8 * 8> bytes{};
        std::memcpy(bytes.data(), &s, sizeof s);
        std::uint64_t h = 0;
        for (std::size_t i = 0; i != bytes.size(); i += 8) {
            std::uint64_t part;
            std::memcpy(&part, bytes.data() + i, 8);
            h = support::mixed(h * 0x9e37'79b9'7f4a'7c15U + part + i);
        }
        if (seen_.insert(h))
            open_.push_back(s);
    }

    bool expect(bool right, char const* what)
    {
        if (!right && wrong_.empty())
            wrong_ = what;
        return right;
    }

private:
    set_of_hashes seen_;
    std::vector<State> open_;
    std::string wrong_;
};

}  // namespace model

#endif
