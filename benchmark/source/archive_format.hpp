// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_ARCHIVE_FORMAT_HPP
#define STRAIT_BENCHMARK_ARCHIVE_FORMAT_HPP

#include "serialization.hpp"

#include <cstddef>
#include <istream>
#include <ostream>
#include <span>
#include <streambuf>
#include <vector>

namespace benchmark {

/// A std::streambuf over memory of the caller, which it is told anew for each message.
class memory_buffer : public std::streambuf {
public:
    void write_to(std::span<std::byte> room)
    {
        char* const first = reinterpret_cast<char*>(room.data());
        setp(first, first + room.size());
    }

    std::size_t written() const { return static_cast<std::size_t>(pptr() - pbase()); }

    void read_from(std::span<std::byte const> bytes)
    {
        char* const first = const_cast<char*>(reinterpret_cast<char const*>(bytes.data()));
        setg(first, first, first + bytes.size());
    }
};

/// A library whose archives write to and read from a std::streambuf: Archives::writer with write(order), and
/// Archives::reader with read(order). Both are made once, since making one costs more than a message.
template <class Archives, bool Reused>
class archive_format {
public:
    explicit archive_format(std::vector<order> const& orders) : orders_(orders) {}

    std::size_t encode(std::size_t i)
    {
        out_.write_to(encoded_.place(i));
        writer_.write(orders_[i]);
        return encoded_.set_size(i, out_.written());
    }

    template <class Use>
    void decode(std::size_t i, Use use)
    {
        in_.read_from(encoded_.bytes(i));
        if constexpr (Reused) {
            reader_.read(decoded_);
            use(decoded_);
        } else {
            order fresh;
            reader_.read(fresh);
            use(fresh);
        }
    }

    static order const& as_order(order const& o) { return o; }

private:
    std::vector<order> const& orders_;
    encoded_orders encoded_;
    memory_buffer out_;
    memory_buffer in_;
    typename Archives::writer writer_{out_};
    typename Archives::reader reader_{in_};
    order decoded_{};
};

}  // namespace benchmark

#endif
