// Distributed under the Boost Software License, Version 1.0.
// Slots and records of one sender and one receiver in weak memory.
#include "ends.hpp"
#include "faults.hpp"

#include <strait/detail/ring/records.hpp>
#include <strait/detail/ring/slots.hpp>

#include <boost/test/unit_test.hpp>

#include <initializer_list>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace strait::detail;
using strait::message_layout;

using model::mortal;

template <class Writer, class Reader>
class stream : public model::succession<ring_view, Writer, Reader> {
    using base = model::succession<ring_view, Writer, Reader>;
    using base::messages_;
    using base::mortal_;

public:
    stream(int capacity, int messages, bool varies, mortal who) : base(messages, who), varies_(varies)
    {
        if (varies)
            model::map_twice(data_, static_cast<std::size_t>(capacity));
        base::open_both({&header_, data_, static_cast<std::uint64_t>(capacity), 16});
    }

private:
    void send(model::sending<Writer>& s, int from, int to) override
    {
        for (int k = from; k != to; ++k) {
            auto const v = static_cast<model::word>(k);
            ++begun_;
            s.send(size_of(v), [&](std::span<std::byte> room) {
                for (std::size_t j = 0; j != size_of(v) / 8; ++j)
                    model::write(model::word_of(room, j), v + 100 * j);
            });
            ++sent_;
        }
    }

    void receive(model::receiving<Reader>& r, bool first) override
    {
        bool fresh = !first && mortal_ == mortal::receiver;
        auto const last = static_cast<model::word>(messages_ - 1);
        for (bool over = false; first ? released_ != messages_ - 1 : !over;) {
            r.receive([&](std::span<std::byte const> m) {
                model::word const v = model::read(model::word_of(m, 0));
                over = v == last;
                model::expect(m.size() == size_of(v), "a message has another size");
                for (std::size_t j = 0; j != size_of(v) / 8; ++j)
                    model::expect(model::read(model::word_of(m, j)) == v + 100 * j, "a message is torn");
                // A receiver that died may have released one more than it knows. A sender that died leaves out what it had not sent.
                bool const skips = mortal_ == mortal::sender && v == last && next_ <= last;
                if (fresh)
                    model::expect(v == static_cast<model::word>(released_) || v == static_cast<model::word>(releasing_),
                                  "a message is lost or seen too often");
                else
                    model::expect(skips || v == next_, "a message is lost, repeated or out of turn");
                fresh = false;
                next_ = v + 1;
                releasing_ = static_cast<int>(next_);
            });
            released_ = static_cast<int>(next_);
        }
    }

    std::size_t size_of(model::word v) const { return varies_ && v % 2 == 1 ? 16 : 8; }

    bool varies_;
    int begun_ = 0, sent_ = 0, released_ = 0, releasing_ = 0;
    model::word next_ = 0;
    ring_header header_{};
    alignas(64) std::byte data_[128]{};
};

constexpr message_layout eight{8, 8, 1};
constexpr message_layout varying{0, 1, 2};
using slots = stream<slot_writer<eight>, slot_reader<eight>>;
using records = stream<record_writer<varying>, record_reader<varying>>;

struct extent {
    int capacity;
    int messages;
    mortal who;
    bool is_long = false;
};

template <class Stream>
std::vector<model::trial> trials(std::string const& what, bool varies, std::initializer_list<extent> extents)
{
    std::vector<model::trial> all;
    for (extent const& e : extents)
        all.push_back({what + " of " + std::to_string(e.capacity) + ", " + std::to_string(e.messages) + " messages" +
                           (e.who == mortal::sender     ? ", the sender may die"
                            : e.who == mortal::receiver ? ", the receiver may die"
                                                        : ""),
                       [=] { return new Stream(e.capacity, e.messages, varies, e.who); }, {.deaths = e.who != mortal::no}, e.is_long});
    return all;
}

constexpr auto no = mortal::no;
constexpr auto sender = mortal::sender;
constexpr auto receiver = mortal::receiver;

std::vector<model::trial> const all_slots =
    trials<slots>("slots", false,
                  {{2, 1, no}, {2, 2, no}, {2, 2, sender}, {2, 2, receiver}, {1, 2, no}, {1, 2, sender, true}, {1, 2, receiver, true}, {2, 3, no, true}});
std::vector<model::trial> const all_records =
    trials<records>("records", true,
                    {{64, 1, no}, {64, 2, no}, {64, 2, sender}, {64, 2, receiver}, {32, 2, no}, {32, 2, sender, true}, {32, 2, receiver, true}, {64, 3, no, true}});

// The exchange publishes nothing: what was published lies before the fence of peer_sleeps().
std::set<std::string> const harmless{"wait/sleep_word.hpp wake_peer: no acquire", "wait/sleep_word.hpp wake_peer: no release"};

}  // namespace

BOOST_AUTO_TEST_SUITE(model_weak_spsc)

BOOST_AUTO_TEST_CASE(slots_are_right) { model::show_right(all_slots); }
BOOST_AUTO_TEST_CASE(records_are_right) { model::show_right(all_records); }
BOOST_AUTO_TEST_CASE(faults_of_slots_are_found) { model::find_faults(all_slots, harmless); }
BOOST_AUTO_TEST_CASE(faults_of_records_are_found) { model::find_faults(all_records, harmless); }

BOOST_AUTO_TEST_SUITE_END()
