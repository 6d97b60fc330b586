// Distributed under the Boost Software License, Version 1.0.
// What each transport promises when its processes are killed, and whether a ledger shows that.

#include "account.hpp"

#include <strait/transport.hpp>

#include <algorithm>

namespace soak {
namespace {

using conformance::subject;
using strait::commit_point;
using strait::multiplicity;

bool to_all(subject const& x) { return x.guarantees.delivery == strait::delivery_mode::each_to_all; }
bool acknowledges(subject const& x) { return x.guarantees.committed_when == commit_point::acknowledged; }
bool many_receivers(subject const& x) { return x.guarantees.receivers == multiplicity::many; }
// A receiver consumes a message before its user sees it, so that a kill in between loses that one.
bool consumes_first(subject const& x) { return x.guarantees.retained && many_receivers(x); }
// Nothing is lost with a sender that is killed, once its send() has returned.
bool survives_sender(subject const& x)
{
    auto const when = x.guarantees.committed_when;
    return when == commit_point::stored || when == commit_point::call_returned;
}
// A receiver sees everything that a sender sends while it is there.
bool sees_all(subject const& x)
{
    return x.guarantees.reliable && x.guarantees.bounded && (to_all(x) || !many_receivers(x));
}

class examination {
public:
    examination(subject const& x, account const& all, std::vector<past> const& lives, bool removed)
        : x_(x), all_(all), lives_(lives), removed_(removed)
    {
    }

    findings verdict()
    {
        count();
        look_into_lives();
        if (sees_all(x_))
            look_for_gaps();
        if (acknowledges(x_) && !removed_)
            look_at_tails();
        allow();
        if (f_.lost > f_.may_be_lost)
            broken(f_.lost - f_.may_be_lost, "lost");
        if (f_.twice > f_.may_be_twice)
            broken(f_.twice - f_.may_be_twice, "twice");
        return f_;
    }

private:
    void broken(std::uint64_t n, std::string const& what)
    {
        if (n == 0)
            return;
        f_.broken += n;
        f_.why += (f_.why.empty() ? "" : ", ") + std::to_string(n) + " " + what;
    }
    std::string pair(std::size_t r, std::size_t s) const
    {
        return " (receiver " + std::to_string(r) + ", sender " + std::to_string(s) + ")";
    }

    void count()
    {
        auto const v = support::judge(all_.book, lives_.size(), false);
        f_.messages = v.received;
        f_.lost = to_all(x_) || removed_ ? 0 : v.lost;
        f_.twice = to_all(x_) ? 0 : v.twice;
        broken(v.unsent, "never sent");
    }

    void look_into_lives()
    {
        for (std::size_t i = 0; i != lives_.size(); ++i) {
            broken(all_.book[i].torn, "torn, by " + std::to_string(i));
            if (x_.guarantees.ordered)
                broken(all_.book[i].unordered, "out of order, by " + std::to_string(i));
        }
    }

    // Between the first and the last message of a sender that a receiver has seen none is missing. Nor is one after the
    // last, where the receiver has read until the end, or the next sender's.
    void look_for_gaps()
    {
        for (std::size_t r = 0; r != lives_.size(); ++r) {
            if (lives_[r].sends)
                continue;
            broken(all_.of(r).gaps, "missing in a row, at " + std::to_string(r));
            bool goes_on = lives_[r].to_the_end;  // it has seen something behind what this sender has sent
            for (std::size_t s = lives_.size(); s-- != 0;) {
                if (!lives_[s].sends || lives_[s].channel != lives_[r].channel)
                    continue;
                auto const& seen = all_.seen(r, s);
                std::uint64_t const last = seen.last;
                std::uint64_t const sent = all_.book[s].sent;
                bool const committed = survives_sender(x_) || !lives_[s].killed;
                bool const met = last != 0 || (lives_[r].was_joined && s >= lives_[r].lives_before_it_joined);
                if (goes_on && met && committed && last < sent)
                    broken(sent - last, "missing at the end" + pair(r, s));
                if (last != 0 && x_.guarantees.senders == multiplicity::one)
                    goes_on = true;
            }
        }
    }

    // Of a sender that was killed only the last messages may be missing.
    void look_at_tails()
    {
        for (std::size_t s = 0; s != lives_.size(); ++s) {
            if (!lives_[s].sends)
                continue;
            auto const& life = all_.book[s];
            std::uint64_t missing = 0;
            for (std::uint64_t k = 0, inside = 0; k != life.sent; ++k) {
                inside += life.times[k] == 0;
                if (life.times[k] != 0)
                    missing = inside;
            }
            lost_inside_ += missing;
            if (!lives_[s].killed)
                for (std::uint64_t k = life.sent; k != 0 && life.times[k - 1] == 0; --k)
                    ++lost_inside_;
        }
    }

    void allow()
    {
        std::uint64_t killed = 0;
        for (auto const& l : lives_)
            killed += l.killed && !l.sends;
        if (to_all(x_))
            return;
        bool const any = !x_.guarantees.reliable || (!x_.guarantees.retained && !acknowledges(x_));
        f_.may_be_lost = any || removed_ || acknowledges(x_) ? any_number : consumes_first(x_) ? killed : 0;
        if (acknowledges(x_) && lost_inside_ > killed)
            broken(lost_inside_ - killed, "lost of living senders");
        bool const again = acknowledges(x_) || (x_.guarantees.retained && !many_receivers(x_));
        f_.may_be_twice = again ? killed : 0;
    }

    subject const& x_;
    account const& all_;
    std::vector<past> const& lives_;
    bool removed_;
    findings f_;
    std::uint64_t lost_inside_ = 0;
};

}  // namespace

findings judge(subject const& x, account const& all, std::vector<past> const& lives, bool removed)
{
    return examination(x, all, lives, removed).verdict();
}

std::string allowed(subject const& x)
{
    if (!x.guarantees.bounded && to_all(x))
        return "a receiver misses what was overwritten";
    if (to_all(x))
        return "nothing";
    if (!x.guarantees.reliable)
        return "loses what the receiver's buffer has no room for";
    if (acknowledges(x))
        return "the last messages of a killed sender; one for each killed receiver is lost or comes twice";
    if (x.guarantees.retained && many_receivers(x))
        return "one lost for each killed receiver";
    if (x.guarantees.retained)
        return "one twice for each killed receiver";
    if (many_receivers(x))
        return "with a killed receiver its pack; with the last participant all that is unread";
    if (!survives_sender(x))
        return "what was on its way to a killed receiver, or from a killed sender";
    return "what was on its way to a killed receiver";
}

}  // namespace soak
