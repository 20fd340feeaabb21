#!/bin/sh
# Debian's packages without installing them; sourced, never run.
#
# The script sets `work`, a folder of its own that it removes. The machine's sources stay as they are, nothing is
# installed, root is not needed. DEBIAN_MIRROR and DEBIAN_SECURITY_MIRROR name other servers.
# These functions set `component`, `server`, `keys`, `command`, `folder`, `packages` and `deb`: names that a script cannot
# have for its own.
# shellcheck disable=SC2154 # work is the script's

# apt_lists COMPONENT SUITE...: reads what there is, of suites whose names end in -security from that server.
apt_lists() {
    component=$1
    shift
    mkdir -p "$work/etc" "$work/lists/partial" "$work/archives/partial"
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    for suite in "$@"; do
        case $suite in
        *-security) server=${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security} ;;
        *) server=${DEBIAN_MIRROR:-http://deb.debian.org/debian} ;;
        esac
        echo "deb [arch=amd64 signed-by=$keys] $server $suite $component"
    done >"$work/etc/parts.list"
    # A suite that has moved away must not cost the others: apt says so and goes on.
    apt update >&2 || echo "debian.sh: some suites could not be read" >&2
}

# apt COMMAND ARGUMENT...: apt-get (apt-cache for madison) with those lists alone, as on a machine with no package.
apt() {
    command=$1
    shift
    "apt-$(if [ "$command" = madison ]; then echo cache; else echo get; fi)" -q \
        -oDir::Etc::sourcelist=/dev/null -oDir::Etc::sourceparts="$work/etc" \
        -oDir::State::Lists="$work/lists" -oDir::State::status=/dev/null -oDir::Cache="$work" \
        -oDir::Cache::archives="$work/archives" -oAPT::Architecture=amd64 -oAPT::Architectures::=amd64 \
        -oAPT::Sandbox::User= -oDebug::NoLocking=true -oAcquire::Languages=none \
        "$command" "$@"
}

# unpacked FOLDER "PACKAGE..." ARGUMENT...: these packages below a folder, as tar takes them with these arguments.
unpacked() {
    folder=$1
    packages=$2
    shift 2
    rm -rf "$work/debs"
    mkdir -p "$work/debs" "$folder"
    # shellcheck disable=SC2086 # the words are the packages
    (cd "$work/debs" && apt download $packages >/dev/null)
    for deb in "$work/debs"/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$folder" "$@"
    done
}

# need_debootstrap: takes debootstrap from those lists, where it is missing.
need_debootstrap() {
    ! command -v debootstrap >/dev/null || return 0
    unpacked "$work/debootstrap" debootstrap
    DEBOOTSTRAP_DIR=$work/debootstrap/usr/share/debootstrap
    PATH=$work/debootstrap/usr/sbin:$PATH
    export DEBOOTSTRAP_DIR PATH
}
