#!/bin/sh
# An image of a whole Debian for the figures of `gpucheck bake --root`, under DIR/image (default target/test-parts):
# Debian 12 with its standard packages and a Linux, and three environments of Python in /opt, one of TensorFlow with code
# for GPUs, one of PyTorch, one of TensorFlow for CPUs.
#
#   image.sh [DIR] [PYTHONS]
#
# PYTHONS (default DIR/python) is the folder of tests/parts/tensorflow.sh and frameworks.sh; its files are linked, not
# copied, where they lie on the same file system. Needs root and Debian's mirror (DEBIAN_MIRROR); ends with 77 and the
# reason without root. debootstrap is taken from Debian where it is missing. What is complete carries a stamp.
set -eu

dir=${1:-target/test-parts}
pythons=${2:-$dir/python}
image=$dir/image
here=$(cd "$(dirname "$0")" && pwd)
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
environments="tensorflow torch-cuda-absent tensorflow-cpu"
made_of="bookworm standard python3.11 linux-image-amd64 $environments"

if [ "$(cat "$dir/image.stamp" 2>/dev/null)" = "$made_of" ]; then
    exit 0
fi
if [ "$(id -u)" != 0 ]; then
    echo "image.sh: skipped: making an image needs root" >&2
    exit 77
fi
for environment in $environments; do
    if [ ! -d "$pythons/$environment" ]; then
        echo "image.sh: $pythons/$environment is missing: run tests/parts/tensorflow.sh and frameworks.sh first" >&2
        exit 1
    fi
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/parts/debian.sh
. "$here/debian.sh"
apt_lists main bookworm
need_debootstrap
standard=$(for list in "$work"/lists/*_Packages*; do /usr/lib/apt/apt-helper cat-file "$list"; done | awk '
    /^Package: / { package = $2 }
    /^Priority: standard$/ { print package }' | sort -u | paste -sd, -)
# A look at what is half made would say what is not so.
rm -rf "$image" "$dir/image.stamp"
debootstrap --arch amd64 --include="linux-image-amd64${standard:+,$standard}" bookworm "$image" "$mirror" >&2
rm -rf "$image"/var/cache/apt/archives/*.deb
mkdir -p "$image/opt/environments"
for environment in $environments; do
    cp -al "$pythons/$environment" "$image/opt/environments/" 2>/dev/null ||
        cp -a "$pythons/$environment" "$image/opt/environments/"
    # Their interpreter is the builder's; in the image it is Debian's own. New files: the old ones are the builder's, too.
    bin=$image/opt/environments/$environment/bin
    rm -f "$bin/python" "$bin/python3" "$bin/python3.11"
    ln -s /usr/bin/python3.11 "$bin/python3.11"
    ln -s python3.11 "$bin/python3"
    ln -s python3.11 "$bin/python"
    rm "$bin/../pyvenv.cfg"
    printf 'home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.2\n' >"$bin/../pyvenv.cfg"
done
echo "$made_of" >"$dir/image.stamp"
