// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_CONTROL_BLOCK_HPP
#define STRAIT_DETAIL_MEMBERSHIP_CONTROL_BLOCK_HPP

#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/fnv1a.hpp>
#include <strait/detail/schema/writer.hpp>
#include <strait/error.hpp>
#include <strait/serialization/layout.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace strait::detail {

// What an opener demands of a channel that is there, or gives to a new one.
struct channel_traits {
    std::string_view transport;      // mechanism and topology
    message_type const* type = nullptr;
    std::uint64_t fingerprint = 0;
    std::uint64_t element_size = 0;  // 0: varies
    std::uint64_t capacity = 0;
    std::uint64_t max_message_size = 0;
    std::uint64_t size = 0;          // of the whole object, control block included
    std::uint64_t least = 0;         // bytes that any object of this transport has
    std::uint64_t beside = 0;        // bytes of messages that lie outside of it, in memory of another kind
    std::string_view memory = "";    // the name of that kind; empty: they lie in the object, as in most channels
    std::uint64_t kernel_space = 0;  // the number of the name space that participants must share; 0: none, or unknown
    std::uint64_t allocated = 0;     // how many of `size` bytes get their blocks when it is created; 0: all
    std::uint64_t history = 0;       // how many of the last messages stay for later receivers, where that is decided here, and
    std::uint64_t history_room = 0;  // how many slots or bytes that takes
    bool retained = false;           // messages may outlive all participants
    bool keep = false;

    std::uint64_t first_bytes() const noexcept { return allocated == 0 ? size : allocated; }
    std::string_view type_name() const noexcept { return type ? type->name() : std::string_view(); }
    message_description const* description() const noexcept { return type ? type->description() : nullptr; }
    bool grows() const noexcept { return description() && description()->grows; }
};

// The traits of a channel whose messages do not lie in its control file.
template <message_layout L, class Options>
channel_traits traits_beside(std::string_view transport, message_type const& type, Options const& how)
{
    channel_traits t;
    t.transport = transport;
    t.type = &type;
    t.fingerprint = L.fingerprint;
    t.element_size = L.fixed_size;
    t.capacity = how.capacity;
    t.size = t.least = 2 * 4096;  // the control block, and a page for the mechanism
    t.keep = how.keep;
    return t;
}

// The first page of a channel's control file. An object of this type only exists in mapped memory, which is zero at
// first.
//
//   0 magic         8 version  12 byte_order  16 word_size  20 ready     24 fingerprint      32 element_size
//  40 capacity     48 max_message_size        56 size       64 keep      68 retained      72 beside       80 memory
// 112 checksum   120 kernel_space
// 128 joined_senders 136 left_senders 144 joined_receivers 152 left_receivers 160 event      168 schema_checksum  176 refused    184..191 unused
// 192 mechanism[8]                                                       256 transport      320 type_name
// 576 schema: u32 size, and the bytes that schema/writer.hpp describes    3840 refusal: what was said of the last end that was refused
//
// Bytes 0 to 127 and from 256 on are written before the file gets its name and never again, except `ready`, `keep` and the schema
// with its checksum, which are written under the set-up lock: of an extensible type an end that knows more members than the schema
// writes its own there. A schema that does not have its checksum is half written, and is not believed. `refused` and `refusal` are
// written under that lock, too, and read without it. Ends that join and leave write the counters, rarely. mechanism[] belongs to the
// transport; its last two words are `history_room` and `history`, written once as those are.
struct control_block {
    static constexpr std::uint64_t magic_value = 0x0074'6961'7274'7373U;  // "sstrait"
    static constexpr std::uint32_t version_value = 2;
    static constexpr std::uint32_t byte_order_value = 0x01020304;
    static constexpr std::size_t size_in_file = 4096;

    std::uint64_t magic;
    std::uint32_t version;
    std::uint32_t byte_order;
    std::uint32_t word_size;
    std::atomic<std::uint32_t> ready;
    std::uint64_t fingerprint;
    std::uint64_t element_size;
    std::uint64_t capacity;
    std::uint64_t max_message_size;
    std::uint64_t size;
    std::atomic<std::uint32_t> keep;
    std::uint32_t retained;
    std::uint64_t beside;
    char memory[32];
    std::uint64_t checksum;
    std::uint64_t kernel_space;  // the number of the name space that participants must share; 0: none, or unknown
    std::atomic<std::uint64_t> joined_senders;
    std::atomic<std::uint64_t> left_senders;
    std::atomic<std::uint64_t> joined_receivers;
    std::atomic<std::uint64_t> left_receivers;
    std::atomic<std::uint32_t> event;
    std::uint32_t unused_2;
    std::atomic<std::uint64_t> schema_checksum;
    std::atomic<std::uint64_t> refused;
    std::uint64_t unused_3;
    std::atomic<std::uint64_t> mechanism[8];
    char transport[64];
    char type_name[256];
    std::uint32_t schema_size;
    char schema_content[3260];
    char refusal[256];

    void fill(channel_traits const& t) noexcept
    {
        schema_bytes written;
        schema_writer::write(t.description(), written);
        write_schema(written);
        magic = magic_value;
        version = version_value;
        byte_order = byte_order_value;
        word_size = sizeof(void*);
        fingerprint = t.fingerprint;
        element_size = t.element_size;
        capacity = t.capacity;
        max_message_size = t.max_message_size;
        size = t.size;
        beside = t.beside;
        retained = t.retained;
        kernel_space = t.kernel_space;
        keep.store(t.keep, std::memory_order_relaxed);
        history_room().store(t.history_room, std::memory_order_relaxed);
        history().store(t.history, std::memory_order_relaxed);
        write(memory, sizeof memory, t.memory);
        write(transport, sizeof transport, t.transport);
        write(type_name, sizeof type_name, t.type_name());
        checksum = sum();
    }

    // Whether what fill() has written is still there, which a peer can overwrite.
    bool is_intact() const noexcept { return magic == magic_value && checksum == sum(); }

    std::atomic<std::uint64_t>& history_room() noexcept { return mechanism[6]; }
    std::atomic<std::uint64_t>& history() noexcept { return mechanism[7]; }

    // Only under the set-up lock, once the file has its name. A process that is killed in here leaves a schema without its checksum.
    void write_schema(schema_bytes const& s) noexcept
    {
        schema_checksum.store(0, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        schema_size = static_cast<std::uint32_t>(s.size);
        std::memcpy(schema_content, s.data, s.size / 2);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        STRAIT_CRASH_POINT("schema: half written");
        std::memcpy(schema_content + s.size / 2, s.data + s.size / 2, s.size - s.size / 2);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        schema_checksum.store(fnv1a(s.view()), std::memory_order_relaxed);
    }

    // An end could not be opened. Only under the set-up lock.
    void note_refusal(std::string_view text) noexcept
    {
        std::memset(refusal, 0, sizeof refusal);
        write(refusal, sizeof refusal, text);
        refused.fetch_add(1, std::memory_order_release);  // pairs with read_refusals(), which reads the file
    }

    // Empty where it is half written. Other processes can write to what this shows.
    std::string_view schema() const noexcept
    {
        std::string_view const s(schema_content, std::min<std::size_t>(schema_size, sizeof schema_content));
        return fnv1a(s) == schema_checksum.load(std::memory_order_relaxed) ? s : std::string_view();
    }
    std::string_view name_of_type() const noexcept { return read(type_name, sizeof type_name); }
    std::string_view transport_name() const noexcept { return read(transport, sizeof transport); }
    std::string_view memory_name() const noexcept { return read(memory, sizeof memory); }

    // Compares what the file says with what the opener demands; `file_size` comes from the kernel.
    error_code check(channel_traits const& wanted, std::uint64_t file_size) const noexcept
    {
        if (magic != magic_value)
            return errc::untrusted_object;
        if (version != version_value || byte_order != byte_order_value || word_size != sizeof(void*))
            return errc::incompatible_peer;
        if (size != file_size || size < wanted.least)
            return errc::peer_corrupt;
        if (read(transport, sizeof transport) != wanted.transport || read(memory, sizeof memory) != wanted.memory)
            return errc::transport_mismatch;
        if (kernel_space != 0 && wanted.kernel_space != 0 && kernel_space != wanted.kernel_space)
            return errc::other_kernel_space;
        if (fingerprint != wanted.fingerprint || element_size != wanted.element_size)
            return errc::type_mismatch;
        return {};
    }

private:
    std::uint64_t sum() const noexcept
    {
        std::uint64_t const words[] = {version, byte_order, word_size, fingerprint, element_size, capacity, max_message_size,
                                       size, retained, beside, kernel_space};
        std::uint64_t const h = fnv1a({reinterpret_cast<char const*>(words), sizeof words});
        return fnv1a(transport_name(), fnv1a(memory_name(), h));
    }

    static void write(char* to, std::size_t size, std::string_view text) noexcept
    {
        std::memcpy(to, text.data(), std::min(text.size(), size - 1));
    }

    static std::string_view read(char const* from, std::size_t size) noexcept
    {
        return {from, static_cast<std::size_t>(std::find(from, from + size, '\0') - from)};
    }
};

static_assert(offsetof(control_block, fingerprint) == 24 && offsetof(control_block, keep) == 64 && offsetof(control_block, retained) == 68 &&
              offsetof(control_block, beside) == 72 && offsetof(control_block, memory) == 80 &&
              offsetof(control_block, checksum) == 112 && offsetof(control_block, kernel_space) == 120 &&
              offsetof(control_block, joined_senders) == 128 && offsetof(control_block, event) == 160 && offsetof(control_block, schema_checksum) == 168 &&
              offsetof(control_block, refused) == 176 && offsetof(control_block, refusal) == 3840 &&
              offsetof(control_block, mechanism) == 192 && offsetof(control_block, transport) == 256 &&
              offsetof(control_block, type_name) == 320 && offsetof(control_block, schema_size) == 576 &&
              sizeof(control_block::schema_content) == schema_limit && sizeof(control_block) == control_block::size_in_file);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free,
              "strait needs lock-free 32 and 64 bit atomics: they are shared between processes");

}  // namespace strait::detail

#endif
