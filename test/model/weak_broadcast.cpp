// Distributed under the Boost Software License, Version 1.0.
// Broadcast rings in weak memory: lossless, lossy and latest, slots and records.
#include "ends.hpp"
#include "faults.hpp"

#include <strait/detail/broadcast/lossless_reader.hpp>
#include <strait/detail/broadcast/lossless_writer.hpp>
#include <strait/detail/broadcast/lossy_record_reader.hpp>
#include <strait/detail/broadcast/lossy_record_writer.hpp>
#include <strait/detail/broadcast/lossy_slots.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace strait::detail;
using strait::message_layout;

constexpr message_layout eight{8, 8, 1};
constexpr message_layout sixteen{16, 8, 1};
constexpr message_layout varying{0, 1, 2};

struct extent {
    int capacity;
    int receivers;
    int messages;
    int before;  // of these, how many were sent before the threads begin
    enum { no, sender, receiver } mortal = no;  // of receivers the last one
    bool leaves = false;  // the second receiver of a lossless ring was there, too, and leaves
    bool joins = false;   // the first receiver of a lossy ring joins, too
    bool is_long = false;
    std::uint64_t history = 0;  // what those who join a lossless ring ask for, and how much it keeps
    bool looks = false;         // receivers of the latest look at it once more, without taking it
};

// One sender. The first receiver is there from the beginning, and receives up to the last message; others
// join while it sends, and receive what is there.
class lossless : public model::program {
    static constexpr int most = 2;

public:
    explicit lossless(extent const& e) : size_(e)
    {
        sender_[0].open(view(0, true));
        join(0);
        if (e.leaves)
            join(1);
        for (int k = 0; k != e.before; ++k) {
            send(sender_[0], k, k + 1);
            receiver_[0].receive([&](std::span<std::byte const> m) {
                model::expect(model::read(model::word_of(m, 0)) == static_cast<model::word>(k), "a message is torn");
            });
        }
    }

    int threads() const override { return 1 + size_.receivers + (size_.mortal == extent::sender); }
    bool is_mortal(int i) const override
    {
        return (size_.mortal == extent::sender && i == 0) || (size_.mortal == extent::receiver && i == size_.receivers);
    }
    int succeeds(int i) const override { return i == 1 + size_.receivers ? 0 : -1; }

    void run(int i) override
    {
        if (i == 0) {
            send(sender_[0], size_.before, size_.mortal == extent::sender ? size_.messages - 1 : size_.messages);
        } else if (i == 2 && size_.leaves) {
            // It leaves while it reads.
            if (receiver_[1].ring.look())
                (void)model::read(model::word_of(receiver_[1].ring.message(), 0));
            receiver_[1].ring.leave();
            receiver_[1].ring.left();
        } else if (i > size_.receivers) {
            sender_[1].open(view(0, true));
            send(sender_[1], size_.messages - 1, size_.messages);
        } else {
            auto const place = static_cast<std::uint64_t>(i - 1);
            model::receiving<lossless_reader<eight>>& r = receiver_[place];
            bool const to_the_end = !joins(i);
            if (joins(i))
                join(place);
            int next = -1;
            for (bool over = false; !over;) {
                if (!to_the_end) {
                    auto const seen = r.ring.inspect();
                    model::expect(!seen || !*seen, "a receiver reports damage where there is none");
                    if (!seen)
                        break;
                }
                r.receive([&](std::span<std::byte const> m) {
                    int const k = static_cast<int>(model::read(model::word_of(m, 0)));
                    bool const skips = size_.mortal == extent::sender && k == size_.messages - 1;
                    model::expect(next == -1 || k == next || (skips && k > next), "a message is lost, repeated or out of turn");
                    next = k + 1;
                    over = next == size_.messages;
                });
            }
            model::expect(to_the_end || size_.history == 0 || size_.before == 0 || next > 0, "a history is not there");
            r.ring.leave();
            r.ring.left();
        }
    }

private:
    static bool joins(int thread) { return thread != 1; }
    void join(std::uint64_t place)
    {
        model::hold(static_cast<int>((static_cast<std::uint64_t>(lock_bytes::first(role::receiver)) + place) % 8));
        receiver_[place].open(view(place, false));
    }

    lossless_view view(std::uint64_t place, bool sends)
    {
        return {&header_, {sends ? &header_.slowest : &header_.cursors[place], data_, static_cast<std::uint64_t>(size_.capacity), 8}, place,
                size_.history, size_.history, sends || place == 0 ? 0 : size_.history};
    }

    void send(model::sending<lossless_writer<eight>>& s, int from, int to)
    {
        for (int k = from; k != to; ++k)
            s.send(8, [&](std::span<std::byte> room) { model::write(room.data(), static_cast<model::word>(k)); });
    }

    extent size_;
    lossless_header header_{};
    alignas(64) std::byte data_[64]{};
    model::sending<lossless_writer<eight>> sender_[2];
    model::receiving<lossless_reader<eight>> receiver_[most];
};

// One sender that overwrites; receivers that were there from the beginning, or join, read up to the last message.
template <class Writer, class Reader, bool Varies>
class lossy : public model::program {
    static constexpr int most = 2;

public:
    explicit lossy(extent const& e) : size_(e)
    {
        view_ = {&header_, data_, static_cast<std::uint64_t>(e.capacity), 16};
        if (Varies)
            model::map_twice(data_, static_cast<std::size_t>(e.capacity));
        sender_[0].open(view_);
        if (!e.joins)
            receiver_[0].open(view_);
        for (int k = 0; k != e.before; ++k)
            send_one(sender_[0], k);
    }

    int threads() const override { return 1 + size_.receivers + (size_.mortal == extent::sender); }
    bool is_mortal(int i) const override { return size_.mortal == extent::sender && i == 0; }
    int succeeds(int i) const override { return i == 1 + size_.receivers ? 0 : -1; }

    void run(int i) override
    {
        if (i == 0) {
            for (int k = size_.before; k != size_.messages - (size_.mortal == extent::sender); ++k) {
                ++begun_;
                send_one(sender_[0], k);
                ++sent_;
            }
        } else if (i > size_.receivers) {
            sender_[1].open(view_);
            send_one(sender_[1], size_.messages - 1);
        } else {
            receive(receiver_[i - 1], i != 1 || size_.joins);
        }
    }

private:
    static std::size_t words(int k) { return Varies && k % 2 == 1 ? 1 : 2; }

    void send_one(model::sending<Writer>& s, int k)
    {
        s.send(8 * words(k), [&](std::span<std::byte> room) {
            for (std::size_t j = 0; j != words(k); ++j)
                shared_word(room.data() + 8 * j).store(static_cast<model::word>(k + 1) + 1000 * j, std::memory_order_relaxed);
        });
    }

    void receive(model::receiving<Reader>& r, bool joins)
    {
        if (joins)
            r.open(view_);
        int next = 0;
        int got = 0;
        for (bool over = false; !over;) {
            if (joins) {  // it may have come behind the last one
                auto const seen = r.ring.inspect();
                model::expect(!seen || !*seen, "a receiver reports damage where there is none");
                if (!seen)
                    break;
            }
            r.receive([&](std::span<std::byte const> m) {
                model::word w[2] = {};
                std::memcpy(w, m.data(), m.size());
                int const k = static_cast<int>(w[0]) - 1;
                model::expect(k >= 0 && k < size_.messages && m.size() == 8 * words(k) && (m.size() == 8 || w[1] == w[0] + 1000),
                              "a message is torn");
                model::expect(k >= next, "a message is repeated or out of turn");
                next = k + 1;
                ++got;
                over = next == size_.messages;
            });
            if constexpr (requires(std::span<std::byte const>& shown) { r.ring.copy_newest(shown); })
                if (size_.looks)
                    look(r, next - 1);
        }
        // One that a dead sender did not send, it has not missed.
        int const missed = static_cast<int>(r.ring.dropped());
        if (!joins)
            model::expect(got + missed == size_.messages - (size_.mortal == extent::sender ? size_.messages - 1 - size_.before - sent_ : 0) ||
                              (size_.mortal == extent::sender && begun_ != sent_ &&
                               got + missed == size_.messages - (size_.messages - 1 - size_.before - begun_)),
                          "a receiver counts wrong how many it has missed");
    }

    // What is looked at is whole, and no older than what was taken.
    void look(model::receiving<Reader>& r, int taken)
    {
        std::span<std::byte const> shown;
        model::must(r.ring.copy_newest(shown), "the newest message cannot be looked at");
        model::word w[2] = {};
        std::memcpy(w, shown.data(), shown.size());
        int const k = static_cast<int>(w[0]) - 1;
        model::expect(k >= taken && k < size_.messages && shown.size() == 8 * words(k) && (shown.size() == 8 || w[1] == w[0] + 1000),
                      "a message that is looked at is torn, or older than what was taken");
    }

    extent size_;
    int begun_ = 0, sent_ = 0;
    lossy_view view_{};
    lossy_header header_{};
    alignas(64) std::byte data_[512]{};
    model::sending<Writer> sender_[2];
    model::receiving<Reader> receiver_[most];
};

template <class Program>
std::vector<model::trial> trials(std::string const& what, std::initializer_list<extent> extents)
{
    std::vector<model::trial> all;
    for (extent const& e : extents)
        all.push_back({what + " of " + std::to_string(e.capacity) + ", " + std::to_string(e.receivers) +
                           (e.receivers == 1 ? " receiver, " : " receivers, ") + std::to_string(e.messages - e.before) +
                           (e.messages - e.before == 1 ? " message" : " messages") +
                           (e.before != 0 ? " behind " + std::to_string(e.before) : "") +
                           (e.mortal == extent::sender     ? ", the sender may die"
                            : e.mortal == extent::receiver ? ", a receiver may die"
                                                           : ""),
                       [=] { return new Program(e); },
                       {.deaths = e.mortal != extent::no, .most = e.is_long ? 10'000'000U : 10'000U}, e.is_long});
    return all;
}

constexpr auto no = extent::no;
constexpr auto sender = extent::sender;
constexpr auto receiver = extent::receiver;

std::vector<model::trial> const all_lossless = trials<lossless>("lossless", {{2, 1, 1, 0},
                                                                             {2, 1, 2, 0},
                                                                             {1, 1, 2, 0},
                                                                             {1, 2, 2, 1, no, true},
                                                                             {1, 2, 1, 0, receiver},
                                                                             {1, 2, 2, 0, receiver},
                                                                             {2, 1, 2, 0, sender},
                                                                             {1, 2, 3, 1},
                                                                             {2, 2, 1, 0},
                                                                             {.capacity = 2, .receivers = 2, .messages = 3, .before = 1, .history = 1},
                                                                             {.capacity = 2, .receivers = 2, .messages = 3, .before = 2, .history = 1}});
template <bool Newest>
using slots = lossy<lossy_slot_writer<sixteen>, lossy_slot_reader<sixteen, Newest>, false>;
template <bool Newest>
using records = lossy<lossy_record_writer<varying>, lossy_record_reader<varying, Newest>, true>;

std::vector<model::trial> const lossy_slots = trials<slots<false>>("lossy slots", {{2, 1, 1, 0},
                                                                                   {2, 1, 2, 0},
                                                                                   {2, 1, 3, 2},
                                                                                   {2, 2, 2, 1},
                                                                                   {2, 1, 3, 1, sender},
                                                                                   {2, 1, 3, 0, no, false, true},
                                                                                   {2, 1, 3, 1, sender, false, true},
                                                                                   {2, 1, 4, 1}});
std::vector<model::trial> const latest_slots =
    trials<slots<true>>("latest slots", {{2, 1, 1, 0}, {2, 1, 2, 0}, {2, 1, 3, 2}, {2, 1, 4, 2}, {2, 1, 3, 0, no, false, true},
                                                   {.capacity = 2, .receivers = 1, .messages = 3, .before = 1, .looks = true},
                                                   {.capacity = 2, .receivers = 1, .messages = 4, .before = 2, .joins = true, .looks = true}});
std::vector<model::trial> const lossy_records = trials<records<false>>("lossy records", {{256, 1, 1, 0},
                                                                                         {256, 1, 2, 0},
                                                                                         {256, 1, 9, 8},
                                                                                         {256, 1, 10, 8},
                                                                                         {256, 2, 2, 1},
                                                                                         {256, 1, 10, 8, sender},
                                                                                         {256, 1, 10, 8, no, false, true},
                                                                                         {256, 1, 3, 1, sender, false, true}});
std::vector<model::trial> const latest_records =
    trials<records<true>>("latest records", {{256, 1, 1, 0}, {256, 1, 2, 0}, {256, 1, 9, 8}, {256, 1, 10, 8}, {256, 1, 10, 8, no, false, true},
                                                     {.capacity = 256, .receivers = 1, .messages = 10, .before = 8, .looks = true}});

bool in_this_room(model::mutation const& m)
{
    return m.what != model::mutation::late && (m.file.starts_with("broadcast/") || m.function == "wake_from_futex");
}

std::vector<model::trial> both(std::vector<model::trial> a, std::vector<model::trial> const& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

// Of lossless: a receiver that joins has read nothing yet that a sender would have to wait for, and has a fence behind the bit that
// it sets; the lock of a dead receiver's place orders what it did. Of slots: a sender that takes over is ordered by the lock of the dead one's place. A receiver that finds a tail finds the slots
// that it counts by the release fence of room(), or takes none for a moment; a slot says which message it holds. A walk over the
// past of a lossless ring reads no message, only where each ends.
std::set<std::string> const harmless{
    "broadcast/lossy_slots.hpp attach: no acquire",   "broadcast/lossy_slots.hpp attach: no acquire#2",
    "broadcast/lossy_slots.hpp attach: no release",   "broadcast/lossy_slots.hpp commit: no release#2",
    "broadcast/lossy_slots.hpp skip: no acquire",     "broadcast/lossy_slots.hpp catch_up: no acquire",
    "broadcast/lossy_record_writer.hpp attach: no acquire",
    "broadcast/lossless_history.hpp step: no acquire",
    "broadcast/lossless_reader.hpp attach: no acquire",     "broadcast/lossless_reader.hpp attach: no release#2",
    "broadcast/lossless_reader.hpp attach: no release#3",   "broadcast/lossless_writer.hpp reap: no acquire",
    "broadcast/lossless_writer.hpp reap: no acquire#2",     "broadcast/lossless_writer.hpp reap: no release",
    "wait/sleep_word.hpp wake_from_futex: no acquire",      "wait/sleep_word.hpp wake_from_futex: no release"};

// Records would have to be overwritten again and again while one is read; and a receiver to join a lossless ring while others go
// on and the sender makes a lap, or another sender takes over.
std::set<std::string> const unshown{
    "broadcast/lossy_record_reader.hpp attach: no fence",     "broadcast/lossy_record_reader.hpp is_overwritten: no acquire",
    "broadcast/lossy_record_reader.hpp skip: no acquire",     "broadcast/lossy_record_reader.hpp skip: no acquire#2",
    "broadcast/lossy_record_reader.hpp copy_newest: no acquire#2", "broadcast/lossy_record_reader.hpp copy: no fence",
    "broadcast/lossy_record_reader.hpp find_back: no acquire", "broadcast/lossy_record_reader.hpp find_back: no fence",
    "broadcast/lossy_record_reader.hpp skip: no fence",       "broadcast/lossy_record_reader.hpp catch_up: no acquire",
    "broadcast/lossy_record_reader.hpp catch_up: no acquire#2", "broadcast/lossy_record_reader.hpp catch_up: no fence",
    "broadcast/lossy_record_writer.hpp commit: no release#2", "broadcast/lossy_record_writer.hpp claim: no release",
    "broadcast/lossless_writer.hpp attach: no release",     "broadcast/lossless_writer.hpp farthest: no fence"};

}  // namespace

BOOST_AUTO_TEST_SUITE(model_weak_broadcast)

BOOST_AUTO_TEST_CASE(lossless_is_right) { model::show_right(all_lossless); }
BOOST_AUTO_TEST_CASE(lossy_slots_are_right) { model::show_right(lossy_slots); }
BOOST_AUTO_TEST_CASE(latest_slots_are_right) { model::show_right(latest_slots); }
BOOST_AUTO_TEST_CASE(lossy_records_are_right) { model::show_right(lossy_records); }
BOOST_AUTO_TEST_CASE(latest_records_are_right) { model::show_right(latest_records); }
BOOST_AUTO_TEST_CASE(faults_of_lossless_are_found) { model::find_faults(all_lossless, harmless, unshown, in_this_room); }
BOOST_AUTO_TEST_CASE(faults_of_lossy_slots_are_found) { model::find_faults(both(lossy_slots, latest_slots), harmless, unshown, in_this_room); }
BOOST_AUTO_TEST_CASE(faults_of_lossy_records_are_found) { model::find_faults(both(lossy_records, latest_records), harmless, unshown, in_this_room); }

BOOST_AUTO_TEST_SUITE_END()
