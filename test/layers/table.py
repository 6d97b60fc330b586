# Distributed under the Boost Software License, Version 1.0.
"""The table that test/layers/check holds the headers to: the rooms of include/strait/detail/, the public layers outside of
it, what each may include, and the exceptions that are still to be removed."""

from typing import NamedTuple

# The public layers; their headers are listed in LAYERS below.
VOCABULARY, SERIALIZATION, ADAPTER, RESOURCE = "vocabulary", "serialization", "adapters", "resources"
CONTRACT, TRANSPORT, FACADE, SELECT = "contract", "transports", "typed ends", "select"
CONNECTION, RPC, ASYNC, INSPECT, UMBRELLA = "connections", "rpc", "async", "inspect", "umbrella"
BOARD = "boards"


class Room(NamedTuple):
    holds: str
    rooms: str = ""            # other rooms that it may include
    layers: tuple = (VOCABULARY,)  # public layers that it may include
    system: bool = False       # whether it may include headers of the operating system (`*.h`)
    boost: tuple = ()          # prefixes of Boost headers that it may include


# Each room of detail/. A room may include its own headers, std, and what is said here, and nothing else.
ROOMS = {
    "os": Room("system calls that know no channel: descriptors, locks of byte ranges, mappings, epoll, eventfd, limits",
               system=True, boost=("boost/interprocess/",)),
    "wait": Room("how an end sleeps and is woken: futex, eventcount, adaptive spin, asymmetric fence, inotify watcher",
                 "os", system=True),
    "schema": Room("what a channel says of its message type: its bytes, their parser, and how two of them differ", "os"),
    "codec": Room("how the built-in serializers see a type: its members, its fingerprint, its bytes", "schema os",
                  layers=(VOCABULARY, SERIALIZATION)),
    "frame": Room("bytes of a frame and of a greeting, and the buffers that they are parsed in", "schema"),
    "membership": Room("a channel's control file: its participants, joining, leaving, removal", "schema os wait", system=True),
    "memory": Room("where a ring lies: posix, mapped file, System V segment", "membership os wait", system=True),
    "ring": Room("slots and records of one sender and one receiver, and the two ends that serve the topologies",
                 "membership os wait"),
    "lanes": Room("what many senders to one receiver add: a lane for each sender", "ring membership os wait"),
    "mpmc": Room("what many senders and many receivers add: words, and buffers that belong to senders", "ring membership os wait"),
    "broadcast": Room("what many receivers of every message add: lossless, lossy, latest", "ring membership os wait"),
    "pipe": Room("named and anonymous pipes", "membership os wait", system=True),
    "queue": Room("what the kernel's message queues share, and packs of small messages", "frame membership os wait", system=True),
    "mqueue": Room("POSIX message queues", "queue frame membership os wait", system=True),
    "sysv": Room("System V message queues", "queue frame membership os wait", system=True),
    "socket": Room("what ends over sockets of any family share", "codec schema frame membership os wait", system=True),
    "unix_socket": Room("what Unix sockets add: addresses, the peer's identity, connecting, listening",
                        "socket frame membership os wait", system=True),
    "host": Room("what the mechanisms together may leave on the host, and how they tell what is unread, for removing and listing "
                 "channels of any of them", "ring lanes mpmc broadcast pipe mqueue sysv unix_socket memory membership"),
    "inet": Room("what TCP and UDP add", "host socket frame membership os wait", system=True),
    "acknowledged": Room("what acknowledgements add: sessions, the retransmit buffer, delivery",
                         "socket frame membership os wait", system=True),
    "sealed": Room("rings in memory that each end makes, seals and hands over, for peers that are not trusted",
                   "unix_socket socket schema frame ring membership os wait", system=True),
    "signal": Room("real-time signals", "socket frame membership os wait", system=True),
    "in_process": Room("a queue of objects in one process, and the registry of its names", "membership schema os wait", system=True),
    "handshake": Room("how a client and a server agree on two channels where the transport has no connections",
                      "frame membership socket os wait", system=True),
    "inspect": Room("listing channels without joining them, and sweeping those that no end uses", "host memory membership schema os",
                    (VOCABULARY, SERIALIZATION, INSPECT), system=True),
    "channel": Room("what the typed ends share: reading, writing, stopping a wait", "codec os wait",
                    (VOCABULARY, SERIALIZATION, CONTRACT, FACADE), boost=("boost/assert.hpp", "boost/core/")),
    "connection": Room("how a connection or an acceptor gets the two ends of each peer",
                       "channel codec schema handshake inet unix_socket socket membership os wait", (VOCABULARY, CONTRACT, FACADE, CONNECTION)),
    "rpc": Room("frames and ids of requests and replies, outstanding requests, how requests are served", "channel codec schema os wait",
                (VOCABULARY, SERIALIZATION, CONTRACT, FACADE, SELECT, CONNECTION, RPC)),
    "async": Room("operations of Boost.Asio for ends, selections and calls", "rpc connection channel wait os",
                  (VOCABULARY, SERIALIZATION, CONTRACT, FACADE, SELECT, CONNECTION, RPC, ASYNC),
                  boost=("boost/asio/", "boost/assert.hpp", "boost/intrusive/")),
}

MECHANISMS = ("os wait membership memory ring lanes mpmc broadcast frame pipe queue mqueue sysv socket unix_socket inet "
              "acknowledged sealed signal in_process host")
VOCABULARY_BOOST = ("boost/version.hpp", "boost/system/")


class Layer(NamedTuple):
    headers: str               # below include/strait/, without .hpp; `*` stands for anything but a slash
    holds: str
    rooms: str = ""
    layers: tuple = (VOCABULARY,)
    system: bool = False
    boost: tuple = VOCABULARY_BOOST


# Outside of detail/ everything is public. A header belongs to the first layer that names it.
LAYERS = {
    UMBRELLA: Layer("../strait", "includes the headers of the other layers, and nothing else",
                    layers=(VOCABULARY, SERIALIZATION, CONTRACT, FACADE, SELECT, TRANSPORT, RESOURCE), boost=()),
    VOCABULARY: Layer("version result error endpoint wait options *_options peer stats serialization/layout",
                      "words that all others use: errors, endpoints, deadlines, options"),
    ADAPTER: Layer("serialization/boost_describe serialization/boost_serialization "
                   "serialization/nlohmann_json serialization/protobuf serialization/flatbuffers",
                   "messages of another library; `strait.hpp` leaves them out", "codec", (VOCABULARY, SERIALIZATION)),
    SERIALIZATION: Layer("serialization serialization/* schema", "how a type becomes bytes, and what says so", "codec schema", (VOCABULARY, SERIALIZATION)),
    RESOURCE: Layer("unique_fd shared_memory", "descriptors and blocks of memory as parts of messages", "codec os",
                    (VOCABULARY, SERIALIZATION, RESOURCE), system=True),
    CONTRACT: Layer("transport", "what an end and a transport promise", layers=(VOCABULARY,)),
    TRANSPORT: Layer("transport/*", "one mechanism each; a transport never includes another", MECHANISMS,
                     (VOCABULARY, CONTRACT)),
    FACADE: Layer("channel sender receiver claimed borrowed", "typed ends; they know no mechanism", "channel",
                  (VOCABULARY, SERIALIZATION, CONTRACT, FACADE), boost=(*VOCABULARY_BOOST, "boost/assert.hpp", "boost/core/")),
    SELECT: Layer("select", "one thread waits for many ends", "channel wait os",
                  (VOCABULARY, SERIALIZATION, CONTRACT, FACADE, CONNECTION)),
    BOARD: Layer("board", "the last value of each key, as channels that share one segment",
                 "channel codec host broadcast ring membership wait os", (VOCABULARY, SERIALIZATION, CONTRACT, FACADE)),
    CONNECTION: Layer("connection acceptor", "both directions between a client and a server",
                      "connection handshake channel wait os", (VOCABULARY, SERIALIZATION, CONTRACT, FACADE, CONNECTION)),
    RPC: Layer("rpc rpc/*", "requests and replies", "rpc channel wait os",
               (VOCABULARY, SERIALIZATION, CONTRACT, FACADE, SELECT, CONNECTION, RPC)),
    ASYNC: Layer("async async_connection async_rpc", "ends, connections, selections and calls in an event loop of Boost.Asio", "async rpc channel wait os",
                 (VOCABULARY, SERIALIZATION, CONTRACT, FACADE, SELECT, CONNECTION, RPC, ASYNC),
                 boost=(*VOCABULARY_BOOST, "boost/asio/", "boost/assert.hpp", "boost/intrusive/")),
    INSPECT: Layer("inspect channel_info", "what channels are there, for who does not join them", "inspect schema",
                   (VOCABULARY, SERIALIZATION, INSPECT), system=True),
}

# Headers of another library that an adapter may include, by the adapter's name.
ADAPTS = {
    "boost_describe": ("boost/describe/",), "boost_serialization": ("boost/serialization/", "boost/archive/"),
    "nlohmann_json": ("nlohmann/",), "protobuf": ("google/protobuf/",), "flatbuffers": ("flatbuffers/",),
}

# Layers whose headers strait.hpp must bring, itself or by way of others.
PROMISED = (VOCABULARY, SERIALIZATION, CONTRACT, FACADE, SELECT, TRANSPORT, RESOURCE)

# Includes that the table forbids and that are still there: (header below strait/, what it includes). Take a line out when it is
# no longer needed; the test `layers.unused` fails until then. New lines are not wanted.
EXCEPTIONS: set[tuple[str, str]] = set()
