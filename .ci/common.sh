# Distributed under the Boost Software License, Version 1.0.
# Sourced by test/run, example/run and .ci/run: installs what is missing and keeps builds quiet.
# shellcheck shell=bash disable=SC2034

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=$(nproc)

# Objects are found in the cache from any clone: paths below the root count as relative, the root itself not at all.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1

die()
{
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# quietly NAME COMMAND...: runs it with its output in build/NAME.log; when it fails, shows the end of that and exits with the
# status of the command.
quietly()
{
    local log=$root/build/$1.log status=0
    shift
    mkdir -p "$root/build"
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if ((status)); then
        tail -n 100 "$log" >&2
        printf '%s: failed: %s (whole log: %s)\n' "${0##*/}" "$*" "$log" >&2
        exit "$status"
    fi
}

apt_locked=75  # the exit status of need() when another process has held a lock of apt for too long
apt_seconds=${STRAIT_APT_SECONDS:-900}  # how long apt_get() waits for such a lock

# apt_get ARGUMENT...: runs apt-get as root or through sudo, and waits while another process holds a lock that it needs.
# DPkg::Lock::Timeout applies to dpkg's lock alone; those of the package lists and of the archives are refused at once.
apt_get()
{
    local as_root=() log status end=$((SECONDS + apt_seconds))
    ((EUID == 0)) || as_root=(sudo)
    log=$(mktemp)
    while :; do
        status=0
        ${as_root[@]+"${as_root[@]}"} env LC_ALL=C DEBIAN_FRONTEND=noninteractive \
            apt-get -o DPkg::Lock::Timeout="$apt_seconds" "$@" >"$log" 2>&1 || status=$?
        cat "$log"
        ((status)) && grep -q 'Could not get lock' "$log" || break
        if ((SECONDS >= end)); then
            echo "Another process has held apt's lock for $apt_seconds seconds."
            status=$apt_locked
            break
        fi
        sleep 2
    done
    rm -f "$log"
    return "$status"
}

have_boost()
{
    [[ -n ${BOOST_ROOT:-}${Boost_ROOT:-}${Boost_DIR:-}${CMAKE_PREFIX_PATH:-} ]] && return 0  # the user has chosen one
    local header found
    for header in /usr/include/boost/version.hpp /usr/local/include/boost/version.hpp; do
        [[ -r $header ]] || continue
        found=$(sed -n 's/^#define BOOST_VERSION \([0-9]*\).*/\1/p' "$header")
        ((${found:-0} >= 108100)) && return 0
    done
    return 1
}

# Only the library is compiled: the headers come with those of Boost.
have_boost_serialization()
{
    [[ -n ${BOOST_ROOT:-}${Boost_ROOT:-}${Boost_DIR:-}${CMAKE_PREFIX_PATH:-} ]] && return 0  # beside the user's Boost
    compgen -G '/usr/lib/*/libboost_serialization.so' >/dev/null || compgen -G '/usr/lib*/libboost_serialization.so' >/dev/null
}

# Debian 12 calls it libboost1.81-dev, beside an older default; later releases have a new enough default.
boost_package()
{
    local candidate
    for package in libboost1.81-dev libboost-dev; do
        candidate=$(LC_ALL=C apt-cache policy "$package" 2>/dev/null | sed -n 's/^  Candidate: //p')
        if [[ -n $candidate && $candidate != '(none)' ]] && dpkg --compare-versions "$candidate" ge 1.81; then
            echo "$package"
            return
        fi
    done
    die "this release has no Boost 1.81 or newer: install one and set BOOST_ROOT"
}

# Debian's matplotlib belongs to Debian's Python, which need not be the first one.
python_with_matplotlib()
{
    local python
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import matplotlib' 2>/dev/null && echo "$python" && return
    done
    return 1
}

have()
{
    case $1 in
    boost) have_boost ;;
    matplotlib) python_with_matplotlib >/dev/null ;;
    cli11) [[ -e /usr/include/CLI/CLI.hpp ]] ;;
    nlohmann-json) [[ -e /usr/include/nlohmann/json.hpp ]] ;;
    iceoryx) compgen -G '/usr/include/iceoryx/*/iceoryx_posh/popo/publisher.hpp' >/dev/null ;;
    zeromq) [[ -e /usr/include/zmq.h ]] ;;
    nng) [[ -e /usr/include/nng/nng.h ]] ;;
    cereal) [[ -e /usr/include/cereal/archives/binary.hpp ]] ;;
    boost-serialization) have_boost_serialization ;;
    protobuf) [[ -e /usr/include/google/protobuf/message_lite.h ]] ;;
    flatbuffers) [[ -e /usr/include/flatbuffers/flatbuffers.h ]] ;;
    openssl) [[ -e /usr/include/openssl/evp.h ]] ;;
    python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    ip) command -v ip >/dev/null || [[ -x /usr/sbin/ip || -x /sbin/ip ]] ;;
    clang-runtime) compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/*/*asan*.a' >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

package_of()
{
    case $1 in
    g++ | cmake | ccache | python3 | python3-venv | pkg-config | valgrind | doxygen) echo "$1" ;;
    ninja) echo ninja-build ;;
    ip) echo iproute2 ;;
    clang++) echo clang ;;
    clang-runtime) echo libclang-rt-dev ;;
    llvm-symbolizer) echo llvm ;;
    boost) boost_package ;;
    openssl) echo libssl-dev ;;
    matplotlib) echo python3-matplotlib ;;
    cli11) echo libcli11-dev ;;
    nlohmann-json) echo nlohmann-json3-dev ;;
    iceoryx) echo libiceoryx-posh-dev ;;
    iox-roudi) echo iceoryx ;;
    zeromq) echo libzmq3-dev ;;
    nng) echo libnng-dev ;;
    cereal) echo libcereal-dev ;;
    boost-serialization) boost_package | sed 's/^libboost/libboost-serialization/' ;;
    protobuf) echo libprotobuf-dev ;;
    protoc) echo protobuf-compiler ;;
    flatbuffers) echo libflatbuffers-dev ;;
    flatc) echo flatbuffers-compiler ;;
    *) die "no package known for $1" ;;
    esac
}

# need THING...: installs the packages of those that are absent, with apt, as root or through sudo. Exits with $apt_locked
# when another process does not let go of apt's locks.
need()
{
    local thing missing=() packages=()
    for thing; do
        have "$thing" || missing+=("$thing")
    done
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null || die "missing: ${missing[*]}. Install them; only Debian's apt is known here."
    if ((EUID != 0)); then
        command -v sudo >/dev/null || die "missing: ${missing[*]}. Run once as root, or install sudo."
    fi
    echo "Installing with apt: ${missing[*]}"
    quietly apt-update apt_get update
    for thing in "${missing[@]}"; do
        packages+=("$(package_of "$thing")") || exit 1
    done
    # --no-remove: another Boost of the user's is reported as a conflict, not removed.
    quietly apt-install apt_get install -y --no-install-recommends --no-remove "${packages[@]}"
}
