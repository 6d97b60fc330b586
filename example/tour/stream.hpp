// Distributed under the Boost Software License, Version 1.0.
#ifndef TOUR_STREAM_HPP
#define TOUR_STREAM_HPP

#include "line.hpp"
#include "meter.hpp"
#include "rebuilt.hpp"
#include "sampled.hpp"
#include <strait.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tour {

// The whole use of the library: the same two functions for every transport.

template <strait::transport X>
void produce(strait::sender<line, X> out, std::vector<file> const& files)
{
    line l;
    for (file const& f : files)
        for (splitter lines{f}; lines.next(l);)
            out.send(l);
}  // leaving the scope ends the stream

template <strait::transport X>
rebuilt consume(strait::receiver<line, X> in, meter& progress)
{
    rebuilt files;
    for (line const& l : in) {  // the range ends when the sender has left
        progress.count(l);
        files.add(l);
    }
    if (in.end_reason() != strait::end_reason::left)
        throw std::runtime_error("the producer died before the end of its stream");
    return files;
}

// Where messages may be lost: what comes is as it was sent, and the gaps are counted.
template <strait::transport X>
sampled consume_what_comes(strait::receiver<line, X> in, std::vector<file> originals, meter& progress)
{
    sampled files(std::move(originals));
    for (line const& l : in) {
        progress.count(l);
        files.add(l);
    }
    if (in.end_reason() != strait::end_reason::left)
        throw std::runtime_error("the producer died before the end of its stream");
    files.finish(in.stats().dropped);
    return files;
}

// Where a message has 8 bytes: each line's digest, which the consumer compares with that of the original.
template <strait::transport X>
void produce_digests(strait::sender<std::uint64_t, X> out, std::vector<file> const& files)
{
    line l;
    for (file const& f : files)
        for (splitter lines{f}; lines.next(l);)
            out.send(digest(l));
}

template <strait::transport X>
void compare_digests(strait::receiver<std::uint64_t, X> in, std::vector<file> const& originals, meter& progress)
{
    line l;
    for (file const& f : originals)
        for (splitter lines{f}; lines.next(l);) {
            auto const sent = in.receive();
            if (sent != digest(l))
                throw std::runtime_error(sent ? "another line came where " + f.path + " " + std::to_string(l.number) + " was due"
                                              : "the stream ended before " + f.path);
            progress.count(l);
        }
    if (in.receive())
        throw std::runtime_error("more came than there is");
    if (in.end_reason() != strait::end_reason::left)
        throw std::runtime_error("the producer died before the end of its stream");
}

}  // namespace tour

#endif
