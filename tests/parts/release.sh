#!/bin/sh
# A machine of another release for tests/releases.sh, under DIR/RELEASE (default target/test-parts/releases): its smallest
# system with systemd, an SSH server and an ordinary user, `student`.
#
#   release.sh RELEASE [DIR]     bionic focal jammy noble, bullseye bookworm trixie
#
# It has the shape of what tests/parts/image.sh and boot.sh make. Needs root, and Ubuntu's or Debian's archive
# (UBUNTU_MIRROR, DEBIAN_MIRROR); debootstrap is taken from Debian where it is missing. What is complete carries a stamp.
set -eu

release=$1
dir=${2:-target/test-parts/releases}/$release
here=$(cd "$(dirname "$0")" && pwd)
include=systemd-sysv,dbus,libpam-systemd,procps,iproute2,openssh-server,passwd

[ "$(cat "$dir/boot.stamp" 2>/dev/null)" != "$include" ] || exit 0
[ "$(id -u)" = 0 ] || { echo "release.sh: making an image needs root" >&2; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
# shellcheck source=tests/parts/debian.sh
. "$here/debian.sh"
apt_lists main trixie
need_debootstrap
case $release in
bullseye | bookworm | trixie)
    mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    script=
    ;;
*)
    mirror=${UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu}
    unpacked "$work/ubuntu" ubuntu-keyring
    keyring=$work/ubuntu/usr/share/keyrings/ubuntu-archive-keyring.gpg
    # Of all releases of Ubuntu's; debootstrap may be older than this one.
    script=${DEBOOTSTRAP_DIR:-/usr/share/debootstrap}/scripts/gutsy
    ;;
esac
rm -rf "$dir"
mkdir -p "$dir/boot"
# shellcheck disable=SC2086 # the script is a word or none
debootstrap --variant=minbase --arch amd64 --keyring "$keyring" --include="$include" "$release" "$dir/image" "$mirror" $script >&2
rm -rf "$dir"/image/var/cache/apt/archives/*.deb
chroot "$dir/image" useradd --create-home --shell /bin/bash student
echo "$include" >"$dir/boot.stamp"
