// Distributed under the Boost Software License, Version 1.0.
// Frames of requests and replies: a server that a hostile client asks, and a client that a hostile server answers, of an
// interface whose messages are sent as they lie in memory and of one whose messages are encoded; and a client of a later version.
#include "fuzz.hpp"

#include <strait/detail/rpc/outstanding_requests.hpp>
#include <strait/detail/rpc/refused_requests.hpp>
#include <strait/detail/rpc/request_handler.hpp>

#include <algorithm>
#include <atomic>
#include <stdexcept>

using namespace fuzz;
using strait::result;
using strait::detail::answer_request;
using strait::detail::codec;
using strait::detail::decode_body;
using strait::detail::encode_body;
using strait::detail::frame_head;
using strait::detail::instead_of;
using strait::detail::longest_failure;
using strait::detail::outstanding_requests;
using strait::detail::reply_kind;
using strait::detail::request_key;
using strait::detail::request_kind;
using strait::detail::rpc_reply;
using strait::detail::rpc_request;

namespace {

struct query {
    std::uint64_t account;
};
struct balance {
    std::int64_t cents;
    bool sound;
};
struct transfer {
    std::uint64_t from, to;
    bool urgent;
};
struct closing {
    std::uint32_t why;
};
using plain = strait::rpc_interface<balance(query), bool(transfer), void(closing)>;

struct page_request {
    std::string path;
};
struct page {
    std::vector<std::string> lines;
};
struct search {
    std::map<std::string, bool> options;
};
struct note {
    std::string text;
    std::uint32_t size = 0;
};
using coded = strait::rpc_interface<page(page_request), std::vector<std::uint32_t>(search), void(note)>;

// As `coded`, with another type for the reply to one request, and with one request more in the place of another.
namespace later {
struct page_request {
    std::string path;
};
struct page {
    std::vector<std::string> lines;
    bool whole;
};
struct listing {
    std::string directory;
};
struct note {
    std::string text;
    std::string author;
};
}  // namespace later
using coded_later = strait::rpc_interface<later::page(later::page_request), std::string(later::listing), void(later::note)>;

}  // namespace

template <>
inline constexpr std::size_t strait::extensible<note> = 1;
template <>
inline constexpr std::size_t strait::extensible<later::note> = 1;

namespace {

// Whatever is asked, some of it throws.
struct handler {
    balance operator()(query const& q) const
    {
        if (q.account % 3 == 0)
            throw std::runtime_error(std::string(q.account % 2000, 'x'));
        return {static_cast<std::int64_t>(q.account), q.account % 2 == 0};
    }
    bool operator()(transfer const& t) const
    {
        if (t.from == t.to)
            throw 7;
        return t.urgent;
    }
    void operator()(closing const& c) const
    {
        if (c.why == 1)
            throw std::runtime_error("");
    }
    void operator()(note const& n) const
    {
        if (n.size == 1)
            throw std::runtime_error(n.text);
    }
    page operator()(page_request const& r) const
    {
        if (r.path.empty())
            throw std::runtime_error("no path");
        return {{r.path, "second"}};
    }
    std::vector<std::uint32_t> operator()(search const& s) const { return std::vector<std::uint32_t>(s.options.size()); }
};

template <class Frame>
bytes encoded(Frame const& f)
{
    bytes out(codec<Frame>::size(f));
    codec<Frame>::encode(f, out);
    return out;
}

template <class Frame>
result<Frame> decoded(std::span<std::byte const> some)
{
    auto const memory = exactly(some);
    return codec<Frame>::decode({memory.get(), some.size()});
}

// A server of one interface and a client of another one, or of the same.
template <class Interface, class Asked = Interface>
class both_sides {
    using table = outstanding_requests<int>;
    using outcome = typename table::outcome;

    enum class state { asked, abandoned, answered };

public:
    // The client asks; some of what it asks reaches the server, which may answer at once, later, twice or never.
    void play(input& in)
    {
        while (!in.empty()) {
            unsigned const op = in.byte();
            switch (op % 8) {
            case 0: ask(op / 8); break;
            case 1:
                if (!requests_.empty())
                    serve(requests_[in.byte() % requests_.size()]);
                break;
            case 2:
                if (!replies_.empty())
                    hear(replies_[in.byte() % replies_.size()]);
                break;
            case 3: serve(in.take_bytes(op / 8 + in.byte())); break;
            case 4: hear(in.take_bytes(op / 8 + in.byte())); break;
            case 5:
            case 6: {  // one of ours with a byte changed
                auto const& all = op % 8 == 5 ? requests_ : replies_;
                if (all.empty())
                    break;
                bytes changed = all[op / 8 % all.size()];
                std::size_t const at = in.byte() % changed.size();
                changed[at] = in.take<std::byte>();
                op % 8 == 5 ? serve(changed) : hear(changed);
                break;
            }
            default: forget(op / 8);
            }
            require(client_.awaited() == count(state::asked) + count(state::answered), "what is awaited is counted");
        }
    }

private:
    void ask(unsigned what)
    {
        if (asked_.size() == 40)
            return;
        std::uint64_t const number = client_.draw();
        switch (what % 3) {
        case 0: add<0>(number, what); break;
        case 1: add<1>(number, what); break;
        default: add<2>(number, what);
        }
    }

    template <std::size_t I>
    void add(std::uint64_t number, unsigned what)
    {
        using Q = std::tuple_element_t<I, typename Asked::requests>;
        Q q;
        if constexpr (std::is_same_v<Q, query>)
            q = {what * 7U};
        else if constexpr (std::is_same_v<Q, transfer>)
            q = {1, what % 5U, false};
        else if constexpr (std::is_same_v<Q, closing>)
            q = {what % 4U};
        else if constexpr (std::is_same_v<Q, search>)
            q = {{{"a", true}}};
        else if constexpr (std::is_same_v<Q, note> || std::is_same_v<Q, later::note>)
            q = {std::string(what, 'n'), {}};
        else
            q = {std::string(what, 'p')};
        if (Asked::keys[I]->grows)
            requests_.push_back(encoded(strait::detail::types_frame(*Asked::keys[I])));
        rpc_request f;
        require(!encode_body(q, f.body), "a request of ours can be sent");
        f.id = Asked::keys[I]->id;
        f.head = frame_head(number, request_kind::call);
        requests_.push_back(encoded(f));
        client_.add(number, *Asked::keys[I], 1);
        asked_.emplace(number, state::asked);
    }

    void serve(std::span<std::byte const> some)
    {
        auto f = decoded<rpc_request>(some);
        if (!f)
            return;
        bool refused = false;
        if (refused_.take(*f, Interface::keys, reply_, [&](rpc_reply const& r) { refused = r.number() == f->number(); })) {
            require(refused || f->kind() != request_kind::call, "a call that is refused is answered");
            return;
        }
        handler h;
        std::size_t replies = 0;
        std::atomic<std::uint64_t> unsendable{0};
        bool const is_known = std::any_of(Interface::keys.begin(), Interface::keys.end(), [&](request_key const* k) { return k->id == f->id; });
        bool const answered = answer_request<Interface>(*f, h, unsendable, reply_, [&](rpc_reply const& r) {
            require(r.number() == f->number(), "a reply has the number of its request");
            require((r.kind() == reply_kind::unknown) == !is_known, "only a request that is not known is said to be unknown");
            ++replies;
            if (replies_.size() < 100)
                replies_.push_back(encoded(r));
            std::size_t turns = 0;
            for (auto other = instead_of(r, "too large"); other; other = instead_of(*other, "too large"), ++turns)
                require(other->number() == f->number() && turns < 16, "so has what is sent instead, which becomes smaller");
        });
        require(replies == (answered ? 1U : 0U), "a request is answered once");
        require(answered || is_known, "only a known request can be malformed");
    }

    void hear(std::span<std::byte const> some)
    {
        auto f = decoded<rpc_reply>(some);
        if (!f)
            return client_.count_malformed();
        std::uint64_t const number = f->number();
        typename table::request* whose = nullptr;
        outcome const said = client_.receive(*f, whose);
        auto const at = asked_.find(number);
        switch (said) {
        case outcome::malformed: return;
        case outcome::late:
            require(at != asked_.end() && at->second == state::abandoned, "only what was abandoned is late");
            asked_.erase(at);
            return;
        case outcome::reply:
        case outcome::failure:
            require(at != asked_.end() && at->second == state::asked, "a request is answered once");
            require(whose && whose->number == number && whose->failure.text.size() <= longest_failure, "an answer is of its request");
            require((said == outcome::failure) == whose->failure.code.failed(), "a failure has a reason");
            at->second = state::answered;
            if (said == outcome::reply)
                read(*f, whose->key);
        }
    }

    template <std::size_t I = 0>
    void read(rpc_reply const& f, request_key const* key)
    {
        if constexpr (I < std::tuple_size_v<typename Asked::replies>) {
            if (key != Asked::keys[I])
                return read<I + 1>(f, key);
            if (!decode_body<std::tuple_element_t<I, typename Asked::replies>>(f.body))
                client_.count_malformed();
        } else
            fail("a reply has the key of a request");
    }

    void forget(unsigned which)
    {
        if (asked_.empty())
            return;
        auto const at = std::next(asked_.begin(), static_cast<std::ptrdiff_t>(which % asked_.size()));
        if (at->second == state::answered) {
            client_.remove(at->first);
            asked_.erase(at);
        } else {
            client_.abandon(at->first);
            at->second = state::abandoned;
        }
    }

    std::size_t count(state wanted) const
    {
        return static_cast<std::size_t>(std::count_if(asked_.begin(), asked_.end(), [&](auto const& a) { return a.second == wanted; }));
    }

    table client_;
    strait::detail::refused_requests refused_;
    rpc_reply reply_;
    std::map<std::uint64_t, state> asked_;
    std::vector<bytes> requests_;
    std::vector<bytes> replies_;
};

}  // namespace

void fuzz::harness::run(std::span<std::byte const> all)
{
    input in(all);
    switch (in.byte() % 3) {
    case 0: both_sides<plain>().play(in); break;
    case 1: both_sides<coded>().play(in); break;
    default: both_sides<coded, coded_later>().play(in);
    }
}

std::vector<bytes> fuzz::harness::seeds()
{
    std::vector<bytes> all;
    for (unsigned kind = 0; kind != 3; ++kind) {
        all.push_back(output().byte(kind).byte(0).byte(8).byte(16).byte(1).byte(0).byte(1).byte(1).byte(1).byte(2).byte(2).byte(0).byte(2).byte(1).byte(7).byte(2).byte(2));
        all.push_back(output().byte(kind).byte(8 * 9).byte(1).byte(0).byte(7).byte(2).byte(0).byte(2).byte(0));
        all.push_back(output().byte(kind).byte(0).byte(8).byte(4).byte(9).byte(1).add(frame_head(0, reply_kind::unknown)));
    }
    return all;
}
