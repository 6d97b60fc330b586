// Distributed under the Boost Software License, Version 1.0.
// The lanes of many senders and one receiver in weak memory.
#include "ends.hpp"
#include "faults.hpp"

#include <strait/detail/lanes/reader.hpp>
#include <strait/detail/lanes/writer.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/mapping.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <initializer_list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <sys/mman.h>

namespace {

using namespace strait::detail;
using strait::message_layout;

struct extent {
    int capacity;
    int senders;
    int messages;  // of each sender
    bool joins;    // senders join while the receiver waits
    enum { no, sender, receiver } mortal = no;  // the first of them
    bool is_long = false;
};

constexpr message_layout eight{8, 8, 1};
constexpr std::uint64_t each = 4096;

// Where the lanes lie. Nothing is written there.
struct memory {
    memory() : file(::memfd_create("strait-model", MFD_CLOEXEC))
    {
        BOOST_REQUIRE(::ftruncate(file.get(), static_cast<::off_t>(4 * each)) == 0);
        BOOST_REQUIRE(!mapping::map(file.get(), 4 * each, {}, map));
    }
    descriptor file;
    std::shared_ptr<mapping> map;
};

class lanes : public model::program {
    static constexpr int most = 3;

public:
    lanes(extent const& e, memory const& m) : size_(e), memory_(m)
    {
        receiver_[0].open(view(0));
        if (!e.joins)
            for (int i = 0; i != e.senders; ++i)
                sender_[i].open(view(i));
    }

    int threads() const override { return size_.senders + 1 + (size_.mortal != extent::no); }
    bool is_mortal(int i) const override
    {
        return (size_.mortal == extent::sender && i == 0) || (size_.mortal == extent::receiver && i == size_.senders);
    }
    int succeeds(int i) const override
    {
        return i != size_.senders + 1 ? -1 : size_.mortal == extent::sender ? 0 : size_.senders;
    }

    void run(int i) override
    {
        if (i < size_.senders) {
            if (size_.joins)
                sender_[i].open(view(i));
            send(sender_[i], i, 0, size_.mortal == extent::sender && i == 0 ? size_.messages - 1 : size_.messages);
        } else if (i == size_.senders) {
            receive(receiver_[0], size_.mortal == extent::receiver);
        } else if (size_.mortal == extent::sender) {
            sender_[most - 1].open(view(0));
            send(sender_[most - 1], 0, size_.messages - 1, size_.messages);
        } else {
            receiver_[1].open(view(0));
            receive(receiver_[1], false);
        }
    }

private:
    lanes_view view(int lane)
    {
        lanes_view v;
        v.header = &header_;
        v.memory = memory_.map.get();
        v.fd = memory_.file.get();
        v.each = each;
        v.own = static_cast<std::uint64_t>(lane);
        v.sizes = {nullptr, nullptr, static_cast<std::uint64_t>(size_.capacity), 8};
        return v;
    }

    void send(model::sending<lane_writer<eight>>& s, int who, int from, int to)
    {
        for (int k = from; k != to; ++k)
            s.send(8, [&](std::span<std::byte> room) { model::write(room.data(), static_cast<model::word>(100 * who + k)); });
    }

    // Until the last message of each sender; one that may die leaves the last of the first sender to its successor.
    void receive(model::receiving<lane_reader<eight>>& r, bool first)
    {
        int left = 0;
        for (int s = 0; s != size_.senders; ++s)
            left += next_[s] != size_.messages;
        bool fresh = !first && size_.mortal == extent::receiver;
        while (left != 0 && !(first && released_[0] == size_.messages - 1)) {
            int s = 0;
            r.receive([&](std::span<std::byte const> m) {
                model::word const v = model::read(model::word_of(m, 0));
                s = static_cast<int>(v / 100);
                int const k = static_cast<int>(v % 100);
                model::expect(s < size_.senders && k < size_.messages, "a message is torn");
                bool const skips = size_.mortal == extent::sender && s == 0 && k == size_.messages - 1;
                bool const again = size_.mortal == extent::receiver && fresh && k == next_[s] - 1;
                model::expect(k == next_[s] || (skips && next_[s] <= k) || again, "a message is lost, repeated or out of turn");
                if (!again) {
                    next_[s] = k + 1;
                    left -= k == size_.messages - 1;
                }
                fresh = false;
            });
            released_[s] = next_[s];
        }
    }

    extent size_;
    memory const& memory_;
    int next_[most]{}, released_[most]{};
    lanes_header header_{};
    model::sending<lane_writer<eight>> sender_[most];
    model::receiving<lane_reader<eight>> receiver_[2];
};

std::vector<model::trial> trials(std::initializer_list<extent> extents)
{
    static memory const lie;
    std::vector<model::trial> all;
    for (extent const& e : extents)
        all.push_back({"lanes of " + std::to_string(e.capacity) + ", " + std::to_string(e.senders) + (e.senders == 1 ? " sender" : " senders") +
                           (e.joins ? " joining" : "") + ", " + std::to_string(e.messages) + (e.messages == 1 ? " message" : " messages") +
                           (e.mortal == extent::sender     ? ", a sender may die"
                            : e.mortal == extent::receiver ? ", the receiver may die"
                                                           : ""),
                       [=] { return new lanes(e, lie); },
                       {.deaths = e.mortal != extent::no, .most = e.is_long ? 10'000'000 : model::options{}.most}, e.is_long});
    return all;
}

std::vector<model::trial> all_lanes()
{
    constexpr auto no = extent::no;
    return trials({{2, 1, 1, false},
                   {2, 1, 1, true},
                   {2, 1, 1, true, extent::sender},
                   {2, 1, 1, false, extent::receiver},
                   {2, 1, 2, false},
                   {1, 1, 2, false, no, true},
                   {2, 1, 2, true, no, true},
                   {2, 2, 1, false, no, true},
                   {2, 2, 1, true, no, true},
                   {2, 1, 2, false, extent::sender, true},
                   {2, 1, 2, false, extent::receiver, true},
                   {1, 1, 2, false, extent::sender, true}});
}

// What a sender stores before it opens its lane, a 1, is what the receiver would store.
std::set<std::string> const harmless{"wait/sleep_word.hpp wake_peer: no acquire", "wait/sleep_word.hpp wake_peer: no release",
                                     "lanes/opened_lanes.hpp open_new: no acquire", "lanes/writer.hpp attach: no release"};

}  // namespace

BOOST_AUTO_TEST_SUITE(model_weak_lanes)

BOOST_AUTO_TEST_CASE(lanes_are_right) { model::show_right(all_lanes()); }
// Among them the one that tests with wait slices cannot see: a sender that sets its bit before it clears the word.
BOOST_AUTO_TEST_CASE(faults_of_lanes_are_found)
{
    std::size_t const late = model::find_faults(all_lanes(), harmless, {}, [](model::mutation const& m) {
        return m.file.starts_with("lanes/") && (m.what != model::mutation::late || m.function == "call");
    });
    BOOST_TEST(late == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
