// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMORY_PREPARED_HPP
#define STRAIT_DETAIL_MEMORY_PREPARED_HPP

#include <strait/detail/membership/participant.hpp>
#include <strait/detail/memory/policy.hpp>
#include <strait/error.hpp>

#include <cstddef>

namespace strait::detail {

// A ring to whose pages something is done when an end maps them, before it looks at a message; beneath it, and before,
// what the geometry itself does to them.
template <class Geometry, error_code (*How)(std::byte* at, std::size_t n) noexcept>
struct prepared_geometry : Geometry {
    static error_code prepare(std::byte* at, std::size_t n) noexcept
    {
        if constexpr (requires { Geometry::prepare(at, n); })
            if (error_code const e = Geometry::prepare(at, n))
                return e;
        return How(at, n);
    }

    static error_code view(participant const& c, role r, typename Geometry::view_type& v)
    {
        return look(&prepare, c, r, v);
    }

    // Of all that is done to the pages the outermost knows.
    static error_code look(error_code (*all)(std::byte*, std::size_t) noexcept, participant const& c, role r,
                           typename Geometry::view_type& v)
    {
        if constexpr (requires { Geometry::look(all, c, r, v); }) {
            return Geometry::look(all, c, r, v);
        } else {
            std::size_t before_pieces = 0;
            if constexpr (requires { Geometry::mechanism_type::in_pieces; })
                before_pieces = Geometry::mechanism_type::data_offset();
            error_code const e = c.memory()->prepare_by(all, before_pieces);
            return e ? e : Geometry::view(c, r, v);
        }
    }
};

template <class Memory, error_code (*How)(std::byte* at, std::size_t n) noexcept>
struct prepared_memory {
    static constexpr bool nameless = ring_memory<Memory>::nameless;
    template <class G>
    using geometry = prepared_geometry<typename ring_memory<Memory>::template geometry<G>, How>;
    template <class M>
    using mechanism = typename ring_memory<Memory>::template mechanism<M>;
};

}  // namespace strait::detail

#endif
