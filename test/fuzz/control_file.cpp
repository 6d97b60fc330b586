// Distributed under the Boost Software License, Version 1.0.
// The control file as any participant may have written it: what each transport reads of it when it opens the channel, asks
// whether something is unread, looks for its peers, and looks for the objects that lie beside it. The files are made once.
#include "rings.hpp"

#include <strait/detail/acknowledged/records.hpp>
#include <strait/detail/inet/name.hpp>
#include <strait/detail/inet/udp_protocol.hpp>
#include <strait/detail/membership/peer_watch.hpp>
#include <strait/detail/memory/segment_key.hpp>
#include <strait/detail/signal/member.hpp>
#include <strait/detail/sysv/queue.hpp>

using namespace fuzz;
using strait::detail::ack_records;
using strait::detail::channel_traits;
using strait::detail::control_block;
using strait::detail::control_copy;
using strait::detail::descriptor;
using strait::detail::location;
using strait::detail::participant;

namespace {

// A file of one size, and a participant of each role that has it mapped.
class file {
public:
    file(channel_traits const& t, std::uint64_t size, strait::detail::mirror twice, ::off_t senders, ::off_t receivers) : traits_(t)
    {
        using membership = strait::detail::membership<opener, opener>;
        fd_.reset(::memfd_create("fuzz", MFD_CLOEXEC));
        require(::ftruncate(fd_.get(), static_cast<::off_t>(size)) == 0, "there is memory");
        auto const memory = map_between_guards(fd_.get(), size, twice);
        membership::join(sender, fd_.get(), memory, role::sender, senders);
        membership::join(receiver, fd_.get(), memory, role::receiver, receivers);
        at_ = memory->data();
        changeable_ = twice.each != 0 ? twice.first : size;
        sender.block().fill(t);
        sender.block().ready.store(1);
        pristine_.assign(at_, at_ + changeable_);
    }

    // A list of words and where they are written. Bytes that are left at the end go over the beginning.
    void write(input& in)
    {
        std::memcpy(at_, pristine_.data(), changeable_);
        if (in.byte() % 4 == 0) {
            sender.block().ready.store(in.byte() % 2U);
            auto const rest = in.rest();
            copy(rest, {at_, std::min<std::size_t>(changeable_, sizeof(control_block))});
            return;
        }
        for (unsigned n = in.byte() % 16; n != 0; --n) {
            unsigned const where = in.take<std::uint16_t>();
            std::uint64_t const words = changeable_ / 8;
            std::size_t const at = (where % 2 != 0 ? where / 2 % 32 : where / 2) % words * 8;
            std::uint64_t word = 0;
            std::memcpy(&word, at_ + at, sizeof word);
            unsigned const how = in.byte();
            switch (how % 4) {
            case 0: word = how / 4; break;
            case 1: word ^= std::uint64_t{1} << how / 4; break;
            case 2: word += how < 128 ? how / 4 : ~std::uint64_t{how / 4}; break;
            default: word = in.take<std::uint64_t>();
            }
            std::memcpy(at_ + at, &word, sizeof word);
        }
        if (in.byte() % 2 == 0)  // the checksum is none that a hostile peer could not write
            repair_checksum();
    }

    // What an opener finds in it.
    void check()
    {
        control_block const& block = sender.block();
        error_code const e = block.check(traits_, sender.memory()->size());
        bool const intact = block.is_intact();
        require(block.transport_name().size() <= sizeof block.transport && block.memory_name().size() <= sizeof block.memory, "names lie in it");
        read_all(std::as_bytes(std::span(block.transport_name())));
        read_all(std::as_bytes(std::span(block.memory_name())));
        if (!e)
            require(block.fingerprint == traits_.fingerprint && block.element_size == traits_.element_size && block.size == sender.memory()->size(), "what passes is of this type and size");
        control_copy const copied(fd_.get());
        require(copied.is_known() && copied.is_intact() == (intact && sender.memory()->size() >= sizeof(control_block)), "a copy says the same");
        auto const note = strait::detail::segment_note::read(fd_.get());
        require(note.number <= strait::detail::segment_tries, "a segment has one of its keys");
    }

    // What ends ask that wait for peers.
    void ask_for_peers()
    {
        strait::detail::sender_watch senders;
        (void)senders.gone(receiver, 1, true, 0);
        (void)senders.gone(receiver, 2, false, 0);
        (void)receiver.senders_gone();
        (void)sender.receivers_gone();
        (void)sender.has_lost_receiver();
        (void)sender.is_removed(0, true);
        (void)sender.event();
    }

    participant sender;
    participant receiver;

private:
    // fill() writes the checksum of what it writes, which a copy of the block has too.
    void repair_checksum()
    {
        control_block& block = sender.block();
        channel_traits t;
        std::string const transport(block.transport_name());
        std::string const memory(block.memory_name());
        t.type = &type_name;
        t.transport = transport;
        t.memory = memory;
        t.fingerprint = block.fingerprint;
        t.element_size = block.element_size;
        t.capacity = block.capacity;
        t.max_message_size = block.max_message_size;
        t.size = block.size;
        t.beside = block.beside;
        t.retained = block.retained != 0;
        t.kernel_space = block.kernel_space;
        block.fill(t);
    }

    channel_traits traits_;
    descriptor fd_;
    std::byte* at_;
    std::size_t changeable_;
    bytes pristine_;
};

template <class Topology, message_layout L>
class ring_files {
    using ends = strait::detail::ring_topology<Topology, strait::adaptive>;
    using geometry = typename ends::template geometry<L>;
    using view_type = typename geometry::view_type;

public:
    ring_files()
    {
        strait::channel_options how;
        // Opening a ring of mpmc looks at each place that the memory has room for.
        how.capacity = L.fixed_size == 0 && !std::is_same_v<Topology, strait::mpmc> ? 4096 : 8;
        how.max_message_size = L.fixed_size == 0 ? 100 : 0;
        channel_traits traits;
        require(!geometry::traits(how, type_name, traits), "such a ring can be");
        auto const mechanism = geometry::mechanism();
        // As it was made, and as a peer may have left it: of another type, cut off, or longer.
        for (std::uint64_t const size : {traits.size, traits.size + 4096, mechanism.data_offset() + 64, mechanism.data_offset(), std::uint64_t{4096}})
            files_.push_back(std::make_unique<file>(traits, size, mechanism.mirrored(size), geometry::places(role::sender), geometry::places(role::receiver)));
    }

    void play(input& in)
    {
        file& f = *files_[in.byte() % files_.size()];
        f.write(in);
        f.check();
        f.ask_for_peers();
        auto const mechanism = geometry::mechanism();
        end_operation();
        (void)mechanism.unread(f.sender, {});
        end_operation();
        (void)mechanism.is_good(f.sender, role::sender, in.byte() % 64);
        end_operation();
        open<role::sender>(f.sender);
        end_operation();
        open<role::receiver>(f.receiver);
        end_operation();
    }

private:
    template <role Role>
    static void open(participant const& member)
    {
        view_type view{};
        if (geometry::view(member, Role, view))
            return;
        if constexpr (Role == role::sender) {
            auto& ring = part_of<typename ends::template sender<L, geometry>>();
            ring = {};
            if (ring.attach(view))
                return;
            std::size_t const n = L.fixed_size == 0 ? 40 : L.fixed_size;
            if (ring.has_room(n)) {
                auto const room = ring.room(n);
                require(room.size() >= n, "there is room for the message");
                std::memset(room.data(), 1, n);
                ring.commit(n);
            }
        } else {
            auto& ring = part_of<typename ends::template receiver<L, geometry>>();
            ring = {};
            if (ring.attach(view))
                return;
            if (ring.look()) {
                read_all(ring.message());
                (void)ring.release();
            }
        }
    }

    // The writer or the reader of an end, which is not open.
    template <class End>
    static auto& part_of()
    {
        using access = strait::detail::ring_pair<opener, End, opener>;
        static auto& end = *access::make().release();
        return access::ring(end);
    }

    std::vector<std::unique_ptr<file>> files_;
};

// The transports whose messages lie elsewhere.
class beside_files {
public:
    beside_files()
    {
        strait::channel_options how;
        how.capacity = 16;
        auto const traits = strait::detail::traits_beside<text>("tcp", type_name, how);
        for (std::uint64_t const size : {traits.size, traits.size + 4096})  // no opener takes a shorter one
            files_.push_back(std::make_unique<file>(traits, size, 0, 64, 64));
    }

    void play(input& in)
    {
        file& f = *files_[in.byte() % files_.size()];
        f.write(in);
        f.check();
        f.ask_for_peers();
        control_block& block = f.sender.block();
        std::uint64_t const asked = block.max_message_size;
        require(strait::detail::stream_limit<text>(asked) <= strait::detail::stream_frame::largest_payload, "a limit fits into a frame");
        require(strait::detail::udp_limit<text>(asked) <= strait::detail::udp_largest_message, "a limit fits into a datagram");
        ask_records(block, in);
        ask_signals(f, in);
        strait::detail::sysv_mechanism const queue;
        (void)queue.unread(f.sender, {});
        ask_name(f);
    }

private:
    static void ask_records(control_block& block, input& in)
    {
        ack_records records(block);
        strait::detail::session_id const id{in.byte(), in.byte()};
        if (auto* const found = records.find(id))
            require(found->is_of(id), "a record is of its session");
        auto* const oldest = records.oldest([](auto const&) { return true; });
        require(oldest != nullptr, "there is a record that may be taken");
        ack_records::begin(*oldest, id, 5);
        records.use(*oldest);
        require(records.find(id) != nullptr, "a record that was begun is found");
    }

    static void ask_signals(file& f, input& in)
    {
        auto const a = strait::detail::signal_address::read(f.sender.block());
        (void)a.process();
        (void)a.tid();
        (void)a.number();
        auto& counts = strait::detail::signal_eventcounts::of(f.sender);
        (void)counts.taken[in.byte()].load();
    }

    static void ask_name(file& f)
    {
        strait::detail::inet_name name(std::move(f.sender), location());
        if (auto const there = name.find())
            require(name.is_at(there->at, there->cookie), "an address that was found is the one that is published");
        f.sender = std::move(const_cast<participant&>(name.member()));
    }

    std::vector<std::unique_ptr<file>> files_;
};

template <class Files>
void play(input& in)
{
    static auto& files = *new Files;
    files.play(in);
}

}  // namespace

void fuzz::harness::run(std::span<std::byte const> all)
{
    input in(all);
    switch (in.byte() % 12) {
    case 0: return play<ring_files<strait::spsc, text>>(in);
    case 1: return play<ring_files<strait::spsc, number>>(in);
    case 2: return play<ring_files<strait::mpsc, text>>(in);
    case 3: return play<ring_files<strait::mpsc, number>>(in);
    case 4: return play<ring_files<strait::mpmc, text>>(in);
    case 5: return play<ring_files<strait::mpmc, number>>(in);
    case 6: return play<ring_files<strait::broadcast<strait::lossless>, text>>(in);
    case 7: return play<ring_files<strait::broadcast<strait::lossless>, number>>(in);
    case 8: return play<ring_files<strait::broadcast<strait::lossy>, text>>(in);
    case 9: return play<ring_files<strait::broadcast<strait::lossy>, number>>(in);
    default: return play<beside_files>(in);
    }
}

std::vector<bytes> fuzz::harness::seeds()
{
    std::vector<bytes> all;
    for (unsigned kind = 0; kind != 11; ++kind) {
        all.push_back(output().byte(kind).byte(0).byte(1).byte(0));
        all.push_back(output().byte(kind).byte(0).byte(1).byte(2).add(std::uint16_t{11}).byte(3).add(std::uint64_t{1} << 40).add(std::uint16_t{1027}).byte(2).byte(0));
    }
    // A port of a word that has other bits, too.
    all.push_back(output().byte(10).byte(0).byte(1).byte(1).add(std::uint16_t{24 * 2 + 1}).byte(3).add(std::uint64_t{0x7'1234}).byte(1));
    return all;
}
