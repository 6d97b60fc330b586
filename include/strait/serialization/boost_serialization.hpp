// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SERIALIZATION_BOOST_SERIALIZATION_HPP
#define STRAIT_SERIALIZATION_BOOST_SERIALIZATION_HPP

#include <strait/detail/codec/class_name.hpp>
#include <strait/detail/codec/fingerprint.hpp>
#include <strait/serialization/serializer.hpp>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <streambuf>

namespace strait {

namespace detail {

inline constexpr unsigned archive_flags = boost::archive::no_header | boost::archive::no_codecvt;

// A stream buffer that counts all bytes written and stores those for which there is room.
class archive_sink : public std::streambuf {
public:
    explicit archive_sink(std::span<std::byte> room) : room_(room) {}
    std::size_t size() const noexcept { return size_; }

private:
    std::streamsize xsputn(char const* from, std::streamsize n) override
    {
        auto const count = static_cast<std::size_t>(n);
        if (size_ < room_.size())
            std::copy_n(reinterpret_cast<std::byte const*>(from), std::min(count, room_.size() - size_), room_.data() + size_);
        size_ += count;
        return n;
    }
    int_type overflow(int_type c) override
    {
        char const one = traits_type::to_char_type(c);
        xsputn(&one, 1);
        return c;
    }

    std::span<std::byte> room_;
    std::size_t size_ = 0;
};

class archive_source : public std::streambuf {
public:
    explicit archive_source(std::span<std::byte const> bytes)
    {
        char* const first = const_cast<char*>(reinterpret_cast<char const*>(bytes.data()));  // never written to
        setg(first, first, first + bytes.size());
    }
};

}  // namespace detail

/// A serializer for types that Boost.Serialization knows: it sends a binary archive. Opt in, and link Boost::serialization:
///
///     template <>
///     struct strait::serializer<order> : strait::archived<order> {};
///
/// For peers that trust each other: the library believes the lengths that it reads, so a hostile peer can make it ask for
/// any amount of memory. What it does notice is errc::malformed_message. Both ends need the same Boost and ABI: their
/// versions and sizes are in the fingerprint, and the name of T, but not its members: give a `fingerprint` of your own
/// where these may differ, and where T is a template. A message is written twice, once to learn its size. Needs a default
/// constructor. Thread safe.
template <class T>
struct archived {
    /// What the format is called, for schemas.
    static constexpr char const* encoding = "Boost.Serialization";
    static constexpr std::uint64_t fingerprint =
        detail::hash_words(BOOST_VERSION, detail::little_endian, sizeof(int), sizeof(long), sizeof(wchar_t),
                           detail::hash_of_name<T>());

    static std::size_t size(T const& value) { return write(value, {}); }

    static void encode(T const& value, std::span<std::byte> out) { write(value, out); }

    static error_code decode(std::span<std::byte const> in, T& out)
    {
        try {
            detail::archive_source bytes(in);
            boost::archive::binary_iarchive(bytes, detail::archive_flags) >> out;
            return bytes.in_avail() > 0 ? errc::malformed_message : error_code();
        } catch (std::exception const&) {  // of the archive, or of a container that was to become too large
            return errc::malformed_message;
        }
    }

    static result<T> decode(std::span<std::byte const> in) { return detail::decode_new<archived, T>(in); }

private:
    static std::size_t write(T const& value, std::span<std::byte> out)
    {
        detail::archive_sink bytes(out);
        boost::archive::binary_oarchive(bytes, detail::archive_flags) << value;
        return bytes.size();
    }
};

}  // namespace strait

#endif
