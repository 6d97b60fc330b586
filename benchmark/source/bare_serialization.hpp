// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_BARE_SERIALIZATION_HPP
#define STRAIT_BENCHMARK_BARE_SERIALIZATION_HPP

#include "serialization.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace benchmark {

/// An order, its members one after the other, as one would write it by hand for this struct alone.
class order_by_hand {
public:
    static std::size_t encode(order const& o, std::byte* to)
    {
        std::byte* const start = to;
        put(to, &o.id, sizeof(o.id));
        put(to, &o.time, sizeof(o.time));
        put(to, &o.price, sizeof(o.price));
        put(to, &o.quantity, sizeof(o.quantity));
        put(to, &o.flags, sizeof(o.flags));
        put_string(to, o.symbol);
        put_string(to, o.account);
        put_string(to, o.note);
        put_count(to, o.tags.size());
        for (std::string const& tag : o.tags)
            put_string(to, tag);
        put_count(to, o.fills.size());
        put(to, o.fills.data(), o.fills.size() * sizeof(double));
        return static_cast<std::size_t>(to - start);
    }

    static bool decode(std::span<std::byte const> in, order& o)
    {
        if (in.size() < 32)
            return false;
        std::byte const* from = in.data();
        std::byte const* const end = from + in.size();
        get(from, &o.id, sizeof(o.id));
        get(from, &o.time, sizeof(o.time));
        get(from, &o.price, sizeof(o.price));
        get(from, &o.quantity, sizeof(o.quantity));
        get(from, &o.flags, sizeof(o.flags));
        std::uint32_t n = 0;
        if (!get_string(from, end, o.symbol) || !get_string(from, end, o.account) || !get_string(from, end, o.note) ||
            !get_count(from, end, 4, n))
            return false;
        o.tags.resize(n);
        for (std::string& tag : o.tags)
            if (!get_string(from, end, tag))
                return false;
        if (!get_count(from, end, sizeof(double), n))
            return false;
        o.fills.resize(n);
        get(from, o.fills.data(), n * sizeof(double));
        return from == end;
    }

private:
    static void put(std::byte*& to, void const* from, std::size_t n)
    {
        std::memcpy(to, from, n);
        to += n;
    }

    static void put_count(std::byte*& to, std::size_t count)
    {
        auto const n = static_cast<std::uint32_t>(count);
        put(to, &n, sizeof(n));
    }

    static void put_string(std::byte*& to, std::string const& s)
    {
        put_count(to, s.size());
        put(to, s.data(), s.size());
    }

    static void get(std::byte const*& from, void* to, std::size_t n)
    {
        std::memcpy(to, from, n);
        from += n;
    }

    // How many follow, of `each` bytes at least.
    static bool get_count(std::byte const*& from, std::byte const* end, std::size_t each, std::uint32_t& n)
    {
        if (end - from < 4)
            return false;
        get(from, &n, sizeof(n));
        return n * each <= static_cast<std::size_t>(end - from);
    }

    static bool get_string(std::byte const*& from, std::byte const* end, std::string& s)
    {
        std::uint32_t n = 0;
        if (!get_count(from, end, 1, n))
            return false;
        s.assign(reinterpret_cast<char const*>(from), n);
        from += n;
        return true;
    }
};

template <bool Reused>
class bare_format {
public:
    explicit bare_format(std::vector<order> const& orders) : orders_(orders) {}

    std::size_t encode(std::size_t i)
    {
        return encoded_.set_size(i, order_by_hand::encode(orders_[i], encoded_.place(i).data()));
    }

    template <class Use>
    void decode(std::size_t i, Use use)
    {
        if constexpr (Reused)
            decode_into(i, decoded_, use);
        else {
            order fresh;
            decode_into(i, fresh, use);
        }
    }

    static order const& as_order(order const& o) { return o; }

private:
    template <class Use>
    void decode_into(std::size_t i, order& o, Use use)
    {
        if (!order_by_hand::decode(encoded_.bytes(i), o)) [[unlikely]]
            cannot_decode(i);
        use(o);
    }

    std::vector<order> const& orders_;
    encoded_orders encoded_;
    order decoded_{};
};

}  // namespace benchmark

#endif
