// Distributed under the Boost Software License, Version 1.0.
#include <strait/detail/frame/row.hpp>

#include <support/raw_peer.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <string>
#include <vector>

namespace frame_row {

using namespace strait;
using detail::frame_row;
using detail::stream_frame;
using support::frame_of;

namespace {

constexpr message_layout text{0, 1, 1};
constexpr message_layout number{8, 8, 2};

struct heard {
    std::vector<std::string> messages;
    bool sound = true;
};

// All messages of a row, up to its first bad frame. The bytes have memory of their own, so that a sanitizer sees what lies behind.
template <message_layout L>
heard walk(std::string const& bytes, std::uint64_t limit = 1024)
{
    std::vector<std::byte> const row(reinterpret_cast<std::byte const*>(bytes.data()), reinterpret_cast<std::byte const*>(bytes.data()) + bytes.size());
    heard h;
    frame_row<L> at;
    for (std::size_t begin = 0; begin != row.size();) {
        if (!at.enter(row.data() + begin, row.size() - begin, limit)) {
            h.sound = false;
            return h;
        }
        std::size_t done = 0;
        while (done == 0) {
            h.messages.emplace_back(reinterpret_cast<char const*>(row.data()) + begin + at.front, at.size);
            done = at.take(1);
        }
        begin += done;
    }
    return h;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(frames_in_a_row)

BOOST_AUTO_TEST_CASE(all_messages_of_a_sound_row_are_shown)
{
    auto const a = walk<text>(frame_of(3, "one") + frame_of(0, "") + frame_of(8, "12345678"));
    BOOST_TEST(a.sound);
    BOOST_TEST((a.messages == std::vector<std::string>{"one", "", "12345678"}));
    auto const b = walk<number>(frame_of(16, "message1message2") + frame_of(8, "message3"));
    BOOST_TEST(b.sound);
    BOOST_TEST((b.messages == std::vector<std::string>{"message1", "message2", "message3"}));
}

BOOST_AUTO_TEST_CASE(a_row_cut_at_any_byte_shows_its_whole_frames)
{
    std::string const whole = frame_of(3, "one") + frame_of(13, "thirteen char");
    for (std::size_t cut = 0; cut != whole.size(); ++cut) {
        auto const h = walk<text>(whole.substr(0, cut));
        BOOST_TEST(h.messages.size() == (cut < 16 ? 0U : 1U), "cut at " << cut);
        BOOST_TEST(h.sound == (cut == 0 || cut == 16), "cut at " << cut);
    }
}

BOOST_AUTO_TEST_CASE(each_corrupt_byte_of_a_header_is_seen_or_is_another_sound_length)
{
    std::string const good = frame_of(40, std::string(40, 'x'));
    for (std::size_t i = 0; i != sizeof(stream_frame); ++i)
        for (int value = 0; value != 256; ++value) {
            std::string bad = good;
            bad[i] = static_cast<char>(value);
            stream_frame const f = stream_frame::at(reinterpret_cast<std::byte const*>(bad.data()));
            auto const t = walk<text>(bad);
            bool const first = f.kind == stream_frame::data && stream_frame::bytes(f.size) <= bad.size();
            BOOST_TEST(t.messages.empty() == !first, "byte " << i << " is " << value);
            auto const n = walk<number>(bad);
            BOOST_TEST(n.messages.size() == (first && f.size != 0 && f.size % 8 == 0 ? f.size / 8 : 0), "byte " << i << " is " << value);
        }
}

BOOST_AUTO_TEST_CASE(a_message_above_the_limit_is_not_sound)
{
    BOOST_TEST(walk<text>(frame_of(100, std::string(100, 'x')), 100).sound);
    BOOST_TEST(!walk<text>(frame_of(101, std::string(101, 'x')), 100).sound);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace frame_row
