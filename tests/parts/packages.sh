#!/bin/sh
# What the tests of the packages ask: lintian, rpm, cpio, man, zsh and fish, from Debian where they are missing, and under
# DIR/packages (default target/test-parts) the C library of Debian 11, the oldest that is to be had.
#
#   packages.sh [DIR]
#
# Ends with 77 and the reason where something is missing and nobody is root. Needs Debian's mirror (DEBIAN_MIRROR).
set -eu

dir=${1:-target/test-parts}/packages
here=$(cd "$(dirname "$0")" && pwd)

missing=
for program in lintian:lintian rpm:rpm rpm2cpio:rpm2cpio cpio:cpio man:man-db zsh:zsh fish:fish; do
    command -v "${program%:*}" >/dev/null || missing="$missing ${program#*:}"
done
if [ -n "$missing" ]; then
    [ "$(id -u)" = 0 ] || { echo "packages.sh: missing$missing; only root can install them" >&2; exit 77; }
    # shellcheck disable=SC2086 # names of packages
    apt-get update -q >&2 && apt-get install -y -q --no-install-recommends $missing >&2
fi
[ -e "$dir/glibc-2.31" ] && exit 0
mkdir -p "$dir"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/parts/debian.sh
. "$here/debian.sh"
apt_lists main bullseye
(cd "$work" && apt download libc6 >&2 && for package in ./*.deb; do dpkg -x "$package" root; done)
rm -rf "$dir/new" && cp -a "$work/root" "$dir/new" && mv "$dir/new" "$dir/glibc-2.31"
