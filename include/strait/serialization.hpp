// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SERIALIZATION_HPP
#define STRAIT_SERIALIZATION_HPP

// Message types to bytes and back: serializable<T> (concept), serializer<T> (customisation point), the built-in tiers.
#include <strait/detail/codec/codec.hpp>
#include <strait/serialization/concept.hpp>
#include <strait/serialization/layout.hpp>
#include <strait/serialization/serializer.hpp>

#endif
