// Distributed under the Boost Software License, Version 1.0.

#include "fibers.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace wakes {
namespace {

constexpr std::size_t stack_size = std::size_t{256} << 10;
fibers* running = nullptr;

std::uint32_t value(std::uint32_t const* word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

}  // namespace

fibers* fibers::active() noexcept { return running; }

fibers::fibers(std::vector<body> bodies, std::size_t first, std::vector<std::uint64_t> switches)
    : all_(bodies.size()), now_(first), switches_(std::move(switches))
{
    auto const self = reinterpret_cast<std::uintptr_t>(this);
    for (std::size_t i = 0; i != all_.size(); ++i) {
        fiber& f = all_[i];
        f.run = std::move(bodies[i]);
        f.stack.reset(new std::byte[stack_size]);
        ::getcontext(&f.context);
        f.context.uc_stack.ss_sp = f.stack.get();
        f.context.uc_stack.ss_size = stack_size;
        ::makecontext(&f.context, reinterpret_cast<void (*)()>(&enter), 2, static_cast<unsigned>(self),
                      static_cast<unsigned>(self >> 32));
    }
}

fibers::~fibers() = default;

void fibers::enter(unsigned low, unsigned high)
{
    auto* const self = reinterpret_cast<fibers*>(static_cast<std::uintptr_t>(high) << 32 | low);
    fiber& me = self->all_[self->now_];
    me.run();
    me.over = true;
    self->leave();
}

bool fibers::run()
{
    running = this;
    ::swapcontext(&main_, &all_[now_].context);
    running = nullptr;
    return !lost_;
}

// Chooses the next one. False: none is left.
bool fibers::go_on()
{
    for (std::size_t i = 1; i <= all_.size(); ++i) {
        std::size_t const next = (now_ + i) % all_.size();
        if (!all_[next].over && !all_[next].word) {
            now_ = next;
            return true;
        }
    }
    for (std::size_t next = 0; next != all_.size(); ++next)
        if (!all_[next].over) {  // all are asleep: the slice of this one ends
            lost_ = true;
            all_[next].word = nullptr;
            now_ = next;
            return true;
        }
    return false;
}

void fibers::leave()
{
    fiber& me = all_[now_];
    ::swapcontext(&me.context, go_on() ? &all_[now_].context : &main_);
}

void fibers::point()
{
    if (std::find(switches_.begin(), switches_.end(), points_++) == switches_.end())
        return;
    std::size_t const me = now_;
    if (go_on() && now_ != me)
        ::swapcontext(&all_[me].context, &all_[now_].context);
}

bool fibers::sleep(std::uint32_t const* word, std::uint32_t seen)
{
    if (value(word) != seen)
        return false;
    std::size_t const me = now_;
    all_[me].word = word;
    all_[me].seen = seen;
    go_on();
    if (now_ != me)
        ::swapcontext(&all_[me].context, &all_[now_].context);
    return true;
}

void fibers::wake() noexcept
{
    for (fiber& f : all_)
        if (f.word && value(f.word) != f.seen)
            f.word = nullptr;
}

}  // namespace wakes
