#!/bin/sh
# Provides what cargo cannot: Rust itself, and a C compiler, make and cmake for the HDF5 library that is
# built with aam.
#
# Missing packages are installed with the system's package manager if that is possible without a
# password; otherwise one line says what to install, and the exit code is 1.
set -u

rust=1.95

has() {
    command -v "$1" >/dev/null 2>&1
}

fail() {
    echo "$1" >&2
    exit 1
}

missing() {
    list=
    has cc || has gcc || has clang || list="$list a C compiler,"
    has make || list="$list make,"
    has cmake || list="$list cmake,"
    echo "${list%,}"
}

# The command that installs everything, without `sudo`.
recipe() {
    if has apt-get; then
        echo "apt-get install -y build-essential cmake"
    elif has dnf; then
        echo "dnf install -y gcc gcc-c++ make cmake"
    elif has yum; then
        echo "yum install -y gcc gcc-c++ make cmake"
    elif has zypper; then
        echo "zypper --non-interactive install gcc gcc-c++ make cmake"
    elif has pacman; then
        echo "pacman -S --needed --noconfirm base-devel cmake"
    elif has apk; then
        echo "apk add build-base cmake"
    elif has brew; then
        echo "brew install cmake"
    fi
}

# Runs the recipe as root; package lists are fetched first where they may be missing.
install() {
    echo "installing:$1" >&2
    # shellcheck disable=SC2086
    case $2 in
    brew*) $2 >&2 ;;
    apt-get*) $as_root env DEBIAN_FRONTEND=noninteractive sh -c "apt-get update -qq && $2" >&2 ;;
    *) $as_root $2 >&2 ;;
    esac
}

found=$(missing)
if [ -n "$found" ]; then
    command=$(recipe)
    as_root=
    may=no
    case $command in
    '') ;;
    brew*) may=yes ;;
    *)
        if [ "$(id -u)" = 0 ]; then
            may=yes
        elif has sudo && sudo -n true 2>/dev/null; then
            may=yes
            as_root=sudo
        fi
        ;;
    esac
    [ "$may" = yes ] && install "$found" "$command"
    found=$(missing)
    if [ -n "$found" ]; then
        case $command in
        '') fail "missing:$found; install it with your system's package manager" ;;
        brew*) fail "missing:$found; install it with: xcode-select --install; $command" ;;
        *) fail "missing:$found; install it with: sudo $command" ;;
        esac
    fi
fi

has cargo || fail "missing: Rust $rust or newer; install it from https://rustup.rs, then open a new shell"
version=$(rustc --version | cut -d ' ' -f 2)
oldest=$(printf '%s\n%s\n' "$rust.0" "${version%%-*}" | sort -t . -k 1,1n -k 2,2n | head -n 1)
[ "$oldest" = "$rust.0" ] ||
    fail "Rust $rust or newer is needed, found $version; update it with: rustup update stable"
