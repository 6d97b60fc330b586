// Distributed under the Boost Software License, Version 1.0.
// The ring of many senders and many receivers in weak memory, with its eventcounts.
#include "ends.hpp"
#include "faults.hpp"

#include <strait/detail/mpmc/reader.hpp>
#include <strait/detail/mpmc/writer.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstring>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace strait::detail;
using strait::message_layout;

struct extent {
    int capacity;
    int buffers;    // of each sender
    int senders;
    int receivers;  // the messages are shared out equally
    int messages;   // of each sender
    int take = 0;    // messages that each receiver takes; 0: all, in equal parts
    int before = 0;  // of these, how many the first sender has sent before
    bool is_long = false;
};

using model::mortal;

constexpr message_layout one_size{16, 8, 1};
constexpr message_layout varying{0, 1, 2};

template <message_layout L>
class exchange : public model::program {
    static constexpr int most = 3;

public:
    explicit exchange(extent const& e) : size_(e)
    {
        for (int i = 0; i != e.senders; ++i)
            sender_[i].open(view(i));
        for (int i = 0; i != e.receivers; ++i)
            receiver_[i].open(view(0));
        for (int k = 0; k != e.before; ++k)
            send_one(sender_[0], 0, k);
    }

    int threads() const override { return size_.senders + size_.receivers; }

    void run(int i) override
    {
        if (i < size_.senders)
            for (int k = i == 0 ? size_.before : 0; k != size_.messages; ++k)
                send_one(sender_[i], i, k);
        else
            receive(receiver_[i - size_.senders]);
    }

    void finish() override
    {
        for (int s = 0; s != size_.senders; ++s)
            for (int k = 0; k != size_.messages; ++k)
                if (seen_[s][k] != 1 && (size_.take == 0 || seen_[s][k] != 0))
                    model::fail("a message is lost or seen twice");
    }

private:
    mpmc_view view(int sender)
    {
        auto const per_sender = static_cast<std::uint64_t>(size_.buffers);
        return {&header_,
                mpmc_words(words_, static_cast<std::uint64_t>(size_.capacity)),
                buffers_,
                per_sender * static_cast<std::uint64_t>(size_.senders),
                per_sender,
                per_sender * static_cast<std::uint64_t>(sender),
                16};
    }

    void send_one(model::sending<mpmc_writer<L>>& s, int who, int k)
    {
        s.send(length(k), [&](std::span<std::byte> room) {
            for (std::size_t j = 0; j != length(k) / 8; ++j)
                shared_word(room.data() + 8 * j).store(value(who, k) + 1000 * j, std::memory_order_relaxed);
        });
    }

    void receive(model::receiving<mpmc_reader<L>>& r)
    {
        int const share = size_.take != 0 ? size_.take : size_.senders * size_.messages / size_.receivers;
        std::array<int, most> last{-1, -1, -1};
        for (int taken = 0; taken != share; ++taken)
            r.receive([&](std::span<std::byte const> m) {
                model::word w[2] = {};
                std::memcpy(w, m.data(), m.size());
                auto const s = static_cast<std::size_t>(w[0] / 100);
                auto const k = static_cast<std::size_t>(w[0] % 100 - 1);
                model::expect(s < static_cast<std::size_t>(size_.senders) && k < static_cast<std::size_t>(size_.messages) &&
                                  m.size() == length(static_cast<int>(k)) && (m.size() == 8 || w[1] == w[0] + 1000),
                              "a message is torn");
                model::expect(last[s] < static_cast<int>(k), "a message is out of turn");
                last[s] = static_cast<int>(k);
                ++seen_[s][k];
            });
    }

    static model::word value(int who, int k) { return static_cast<model::word>(100 * who + k + 1); }
    static std::size_t length(int k) { return L.fixed_size != 0 || k % 2 == 0 ? 16 : 8; }

    extent size_;
    int seen_[most][8]{};
    mpmc_header header_{};
    alignas(64) atomic<std::uint64_t> words_[4]{};
    alignas(64) std::byte buffers_[256]{};
    model::sending<mpmc_writer<L>> sender_[most];
    model::receiving<mpmc_reader<L>> receiver_[most];
};

class succession : public model::succession<mpmc_view, mpmc_writer<one_size>, mpmc_reader<one_size>> {
public:
    succession(int capacity, int messages, mortal who) : model::succession<mpmc_view, mpmc_writer<one_size>, mpmc_reader<one_size>>(messages, who)
    {
        open_both({&header_, mpmc_words(words_, static_cast<std::uint64_t>(capacity)), buffers_, 2, 2, 0, 16});
    }

private:
    void send(model::sending<mpmc_writer<one_size>>& s, int from, int to) override
    {
        for (int k = from; k != to; ++k) {
            s.send(16, [&](std::span<std::byte> room) {
                for (std::size_t j = 0; j != 2; ++j)
                    shared_word(room.data() + 8 * j).store(static_cast<model::word>(k + 1) + 1000 * j, std::memory_order_relaxed);
            });
            ++sent_;
        }
    }

    void receive(model::receiving<mpmc_reader<one_size>>& r, bool first) override
    {
        for (bool over = false; first ? next_ != messages_ - 1 : !over;)
            r.receive([&](std::span<std::byte const> m) {
                model::word w[2] = {};
                std::memcpy(w, m.data(), m.size());
                int const k = static_cast<int>(w[0]) - 1;
                model::expect(k >= 0 && k < messages_ && w[1] == w[0] + 1000, "a message is torn");
                over = k == messages_ - 1;
                bool const never_sent = mortal_ == mortal::sender && over && next_ >= sent_ - 1;
                bool const died_with_it = mortal_ == mortal::receiver && model::deaths() != 0 && k == next_ + 1 && !lost_;
                model::expect(k == next_ || (k > next_ && (never_sent || died_with_it)), "a message is lost, repeated or out of turn");
                lost_ = lost_ || died_with_it;
                next_ = k + 1;
            });
    }

    int next_ = 0, sent_ = 0;
    bool lost_ = false;
    mpmc_header header_{};
    alignas(64) atomic<std::uint64_t> words_[4]{};
    alignas(64) std::byte buffers_[64]{};
};

template <message_layout L>
std::vector<model::trial> trials(std::string const& what, std::initializer_list<extent> extents)
{
    std::vector<model::trial> all;
    for (extent const& e : extents)
        all.push_back({what + " of " + std::to_string(e.capacity) + ", " + std::to_string(e.buffers) + " buffers, " +
                           std::to_string(e.senders) + " x " + std::to_string(e.receivers) + ", " + std::to_string(e.messages) + " messages",
                       [=] { return new exchange<L>(e); }, {.most = e.is_long ? 10'000'000 : model::options{}.most}, e.is_long});
    return all;
}

std::vector<model::trial> of_one_size()
{
    std::vector<model::trial> all =
        trials<one_size>("mpmc", {{1, 1, 1, 1, 1}, {1, 1, 1, 1, 2}, {2, 2, 1, 1, 2}, {2, 2, 2, 1, 1}, {4, 4, 1, 2, 5, 1, 4},
                                  {2, 2, 1, 2, 2, 0, 0, true}, {1, 1, 1, 2, 2, 0, 0, true}, {2, 2, 2, 2, 1, 0, 0, true},
                                  {1, 1, 2, 2, 1, 0, 0, true}, {2, 2, 1, 1, 3, 0, 0, true}});
    for (int const messages : {1, 2, 3})
        for (mortal const who : {mortal::sender, mortal::receiver})
            all.push_back({"mpmc of 2, " + std::to_string(messages) + " messages, the " + (who == mortal::sender ? "sender" : "receiver") + " may die",
                           [=] { return new succession(2, messages, who); },
                           {.deaths = 1, .most = messages == 3 ? 10'000'000 : model::options{}.most}, messages == 3});
    return all;
}

std::vector<model::trial> const that_vary = trials<varying>("mpmc of varying sizes", {{1, 1, 1, 1, 1}, {1, 1, 1, 1, 2}, {4, 4, 1, 2, 5, 1, 4}});

// What is ordered twice: by these and by the fences of wait_for_peer() and any(). A sender that was overtaken needs nothing of what
// the other one has sent. The fence of inspect() is for damaged memory only.
std::set<std::string> const harmless{
    "wait/eventcount.hpp wake: no acquire",     "wait/eventcount.hpp wake: no release",     "wait/eventcount.hpp announce: no acquire",
    "wait/eventcount.hpp announce: no release", "mpmc/writer.hpp put: no acquire",          "mpmc/reader.hpp inspect: no fence"};

}  // namespace

BOOST_AUTO_TEST_SUITE(model_weak_mpmc)

BOOST_AUTO_TEST_CASE(places_are_right) { model::show_right(of_one_size()); }
BOOST_AUTO_TEST_CASE(places_of_varying_sizes_are_right) { model::show_right(that_vary); }
BOOST_AUTO_TEST_CASE(faults_of_places_are_found) { model::find_faults(of_one_size(), harmless); }
BOOST_AUTO_TEST_CASE(faults_of_places_of_varying_sizes_are_found) { model::find_faults(that_vary, harmless); }

BOOST_AUTO_TEST_SUITE_END()
