#!/bin/sh
# Runs tests/systemd.sh on machines of other releases than the one that tests/run.sh takes: whether the package installs,
# runs under that systemd, and goes, from the oldest to the newest that it is for. Prints what that prints; ends with 1 where
# a release fails, with 77 where no machine can be booted here. No part of tests/run.sh, for Ubuntu's archive is far.
#
#   tests/releases.sh [RELEASE]...     default: bionic focal jammy noble bullseye trixie
#
# GPUCHECK names the program, target/portable/gpucheck where it is not set. Wants root, systemd-nspawn
# (tests/parts/boot.sh brings it), and Ubuntu's and Debian's archives.
set -eu

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
releases=${GPUCHECK_TEST_PARTS:-$target/test-parts}/releases
program=${GPUCHECK:-$target/portable/gpucheck}
[ $# -gt 0 ] || set -- bionic focal jammy noble bullseye trixie

mkdir -p "$target"
failed=
for release in "$@"; do
    tests/parts/release.sh "$release" "$releases" >"$target/release-$release.log" 2>&1 || {
        tail -n 30 "$target/release-$release.log"
        failed="$failed $release"
        continue
    }
    image=$releases/$release/image
    printf '\n== %s: %s\n' "$(sed -n 's/^PRETTY_NAME=//p' "$image/etc/os-release")" \
        "$(chroot "$image" dpkg-query --show systemd)"
    status=0
    GPUCHECK_TEST_PARTS=$releases/$release tests/systemd.sh "$program" || status=$?
    # No machine can be booted here at all.
    [ "$status" != 77 ] || exit 77
    [ "$status" = 0 ] || failed="$failed $release"
done
[ -z "$failed" ] || { echo "releases.sh: failed:$failed" >&2; exit 1; }
