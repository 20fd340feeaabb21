#!/bin/sh
# Real initramfs of Debian's, made by its own mkinitramfs in a folder of its own, each with the list of what is in it:
# tests/parts/initramfs.sh FOLDER. Wants root, debootstrap and Debian's packages; says why where it cannot.
set -eu
out=$1/initramfs
[ -e "$out/done" ] && exit 0
[ "$(id -u)" = 0 ] || { echo "initramfs: only root can debootstrap" >&2; exit 77; }
command -v debootstrap > /dev/null || { echo "initramfs: no debootstrap (apt install debootstrap)" >&2; exit 77; }
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
    # lsinitramfs lists folders' parts that name themselves "." too; only what is a member is counted.
    chroot "$root" unmkinitramfs "/tmp/$1.img" "/tmp/$1" > /dev/null
    for part in "$root/tmp/$1"/*; do (cd "$part" && find . | sed 's,^\./,,'); done > "$out/$1.list"
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
