#!/bin/sh
# Real initramfs of Debian's, made by its own mkinitramfs in a folder of its own, each with the list of what is in it:
# tests/parts/initramfs.sh FOLDER. Wants root, debootstrap and Debian's packages; says why where it cannot.
set -eu
out=$1/initramfs

# The unit tests of the next boot pack with these, whoever runs them.
missing=
for program in bzip2:bzip2 zstd:zstd lz4:lz4 xz:xz-utils; do
    command -v "${program%:*}" > /dev/null || missing="$missing ${program#*:}"
done
if [ -n "$missing" ]; then
    as_root=
    [ "$(id -u)" = 0 ] || as_root='sudo -n'
    # shellcheck disable=SC2086 # a command, and names of packages
    { $as_root apt-get update -q && $as_root apt-get install -y -q $missing; } >&2 ||
        { echo "initramfs: missing$missing, without which unit tests fail; install them as root" >&2; exit 1; }
fi
[ -e "$out/done" ] && exit 0
[ "$(id -u)" = 0 ] || { echo "initramfs: only root can debootstrap" >&2; exit 77; }
if ! command -v debootstrap > /dev/null; then
    { apt-get update -q && apt-get install -y -q debootstrap; } >&2
fi
mkdir -p "$out"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --components=main,non-free-firmware \
    --include=initramfs-tools,zstd,lz4,xz-utils,cpio,kmod,linux-image-amd64,intel-microcode,udev \
    bookworm "$root" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" > "$out/debootstrap.log"
release=$(basename "$root"/lib/modules/*)

# An image as $2 packs it, and what lsinitramfs lists in it; microcode comes first in each.
make_image() {
    chroot "$root" mkinitramfs -c "$2" -o "/tmp/$1.img" "$release"
    # Microcode comes without a member for its own folder, as `cpio -t` shows; what follows has one.
    chroot "$root" unmkinitramfs "/tmp/$1.img" "/tmp/$1" > /dev/null
    for part in "$root/tmp/$1"/*; do
        case $part in */early*) depth=1 ;; *) depth=0 ;; esac
        (cd "$part" && find . -mindepth $depth | sed 's,^\./,,')
    done > "$out/$1.list"
    mv "$root/tmp/$1.img" "$out/$1.img"
    rm -rf "$root/tmp/$1"
}
for form in zstd gzip lz4 xz; do make_image "plain-$form" $form; done
# Nouveau goes in where a machine asks for it early; what keeps it out goes in only if it is there by then.
echo nouveau >> "$root/etc/initramfs-tools/modules"
make_image nouveau-loads zstd
echo 'blacklist nouveau' > "$root/etc/modprobe.d/blacklist-nouveau.conf"
make_image nouveau-kept-out zstd
touch "$out/done"
