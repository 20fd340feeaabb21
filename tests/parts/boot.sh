#!/bin/sh
# A Debian that boots and that people log in to, for tests/systemd.sh: systemd-nspawn from Debian where it is missing, and
# under DIR/boot (default target/test-parts) the layer that makes the image of tests/parts/image.sh such a machine: an SSH
# server and an ordinary user, `student`. It is the upper folder of an overlay over DIR/image, which stays as it was.
#
#   boot.sh [DIR]
#
# Ends with 77 and the reason without root or without that image. Needs Debian's mirror (DEBIAN_MIRROR). What is complete
# carries a stamp, and is made anew for another image.
set -eu

dir=${1:-target/test-parts}
here=$(cd "$(dirname "$0")" && pwd)
packages=openssh-server

[ "$(id -u)" = 0 ] || { echo "boot.sh: skipped: making an image that boots needs root" >&2; exit 77; }
[ -e "$dir/image.stamp" ] || { echo "boot.sh: skipped: $dir/image is missing: run tests/parts/image.sh first" >&2; exit 77; }
unshare --mount true 2>/dev/null || { echo "boot.sh: skipped: no namespaces can be made here" >&2; exit 77; }
dir=$(cd "$dir" && pwd)
if ! command -v systemd-nspawn >/dev/null; then
    apt-get update -q >&2 && apt-get install -y -q --no-install-recommends systemd-container >&2
fi
stamp="$packages student $(sha256sum <"$dir/image/var/lib/dpkg/status")"
[ "$(cat "$dir/boot.stamp" 2>/dev/null)" != "$stamp" ] || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
# shellcheck source=tests/parts/debian.sh
. "$here/debian.sh"
apt_lists main bookworm bookworm-security
apt install -oDir::State::status="$dir/image/var/lib/dpkg/status" --yes --no-install-recommends --download-only $packages >&2
rm -rf "$dir/boot.new" "$dir/boot.overlay" "$dir/boot.stamp"
mkdir -p "$dir/boot.new" "$dir/boot.overlay" "$work/root"
# In a mount namespace of its own, whose mounts end with it.
# shellcheck disable=SC2016 # the other shell's variables
unshare --mount sh -eu -c '
    mount -t overlay overlay -o "lowerdir=$1/image,upperdir=$1/boot.new,workdir=$1/boot.overlay" "$2/root" || {
        echo "boot.sh: skipped: no overlay can be mounted"
        exit 77
    }
    mount -t proc proc "$2/root/proc"
    mkdir "$2/root/tmp/debs"
    cp "$2"/archives/*.deb "$2/root/tmp/debs"
    chroot "$2/root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        sh -c "dpkg --install /tmp/debs/*.deb && useradd --create-home --shell /bin/bash student"
    rm -r "$2/root/tmp/debs"
' sh "$dir" "$work" >&2
rm -rf "${dir:?}/boot" "$dir/boot.overlay"
mv "$dir/boot.new" "$dir/boot"
echo "$stamp" >"$dir/boot.stamp"
