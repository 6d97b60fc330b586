// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_LANES_OPENED_LANES_HPP
#define STRAIT_DETAIL_LANES_OPENED_LANES_HPP

#include <strait/detail/lanes/geometry.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/geometry.hpp>
#include <strait/error.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <new>

namespace strait::detail {

using lane_set = std::uint64_t;  // a bit for each lane

inline constexpr lane_set lane_bit(unsigned i) noexcept { return lane_set{1} << i; }

// The lanes that have had a sender, as far as the receiver has noticed.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class opened_lanes {
public:
    static constexpr unsigned none = lanes_header::most;

    error_code attach(lanes_view const& v) noexcept
    {
        lanes_.reset(new (std::nothrow) std::array<spsc_reader<L>, lanes_header::most>);
        if (!lanes_)
            return errc::out_of_memory;
        view_ = v;
        return {};
    }

    void detach() noexcept { view_.header = &closed_state; }

    lanes_header& header() const noexcept { return *view_.header; }
    int fd() const noexcept { return view_.fd; }
    spsc_reader<L>& operator[](unsigned i) const noexcept { return (*lanes_)[i]; }

    lane_set all() const noexcept { return all_; }
    // Why a lane could not be opened; the last such error.
    error_code const& wrong() const noexcept { return wrong_; }

    // Opens every lane that has had its first sender meanwhile, and returns them. A lane that could not be opened is not tried
    // again.
    lane_set open_new() noexcept
    {
        lane_set const fresh = view_.header->opened.load(std::memory_order_acquire) & ~tried_;  // pairs with lane_writer::attach()
        for (lane_set left = fresh; left != 0; left &= left - 1) {
            STRAIT_STEP();
            auto const i = static_cast<unsigned>(std::countr_zero(left));
            error_code e = view_.ensure(i);
            if (!e)
                e = (*lanes_)[i].attach(view_.lane(i));
            STRAIT_CRASH_POINT("lane found");
            if (e)
                wrong_ = e;
            else
                all_ |= lane_bit(i);
        }
        tried_ |= fresh;
        return fresh & all_;
    }

    template <class Do>
    void for_each(lane_set set, Do what) const
    {
        for (; set != 0; set &= set - 1) {
            STRAIT_STEP();
            what((*lanes_)[static_cast<unsigned>(std::countr_zero(set))]);
        }
    }

    // The first lane of `set`, beginning behind `place`, for which has(lane) is true; none.
    template <class Has>
    unsigned first_behind(unsigned place, lane_set set, Has has) const noexcept
    {
        lane_set const behind = ~lane_set{0} << place << 1;
        for (lane_set part : {set & behind, set & ~behind})
            for (; part != 0; part &= part - 1) {
                STRAIT_STEP();
                auto const i = static_cast<unsigned>(std::countr_zero(part));
                if (has((*lanes_)[i]))
                    return i;
            }
        return none;
    }

    template <class Count>
    std::uint64_t sum(Count count) const
    {
        std::uint64_t total = 0;
        if (lanes_)  // null before attach() and after a move
            for_each(all_, [&](spsc_reader<L> const& lane) { total += count(lane); });
        return total;
    }

private:
    static inline constinit lanes_header closed_state{};  // no lane has ever been opened

    lane_set all_ = 0;
    lane_set tried_ = 0;
    error_code wrong_;
    std::unique_ptr<std::array<spsc_reader<L>, lanes_header::most>> lanes_;
    lanes_view view_{&closed_state};
};

}  // namespace strait::detail

#endif
