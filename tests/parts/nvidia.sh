#!/bin/sh
# Fetches NVIDIA's own user-space driver libraries, five branches, for tests against the real thing.
#
#   tests/parts/nvidia.sh [DIR]
#
# DIR is $GPUCHECK_TEST_PARTS/nvidia where none is given, else test-parts/nvidia under cargo's target directory.
#
# Afterwards DIR/390, DIR/450, DIR/470, DIR/535 and DIR/550 each hold libcuda.so.1, libnvidia-ml.so.1 and what these
# load. They come from Debian's non-free, through apt lists of this script's own: the machine's sources stay as they
# are, nothing is installed, root is not needed. The packages are under NVIDIA's licence and are never committed.
# Needs apt-get and dpkg-deb, so Debian or Ubuntu; 45 MB come over the network and 200 MB stay. DEBIAN_MIRROR and
# DEBIAN_SECURITY_MIRROR name other servers. Running it again fetches what is missing.
#
# Exit status: 0 with at least four branches there, 1 with fewer.
set -eu

dir=${1:-${GPUCHECK_TEST_PARTS:-${CARGO_TARGET_DIR:-target}/test-parts}/nvidia}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# shellcheck source=tests/parts/debian.sh
. "$(dirname "$0")/debian.sh"

say() { echo "nvidia.sh: $*" >&2; }

# Which packages make a branch. A package is taken in its newest version of that branch, from whatever suite.
packages() {
    case $1 in
    390) echo libnvidia-legacy-390xx-cuda1 libnvidia-legacy-390xx-ml1 \
        libnvidia-legacy-390xx-fatbinaryloader libnvidia-legacy-390xx-ptxjitcompiler1 ;;
    450) echo libnvidia-tesla-450-cuda1 libnvidia-tesla-450-ml1 libnvidia-tesla-450-ptxjitcompiler1 ;;
    470) echo libnvidia-tesla-470-cuda1 libnvidia-tesla-470-ml1 libnvidia-tesla-470-ptxjitcompiler1 ;;
    535 | 550) echo libcuda1 libnvidia-ml1 libnvidia-ptxjitcompiler1 ;;
    esac
}

has() {
    for file in libcuda.so.1 libnvidia-ml.so.1 libnvidia-ptxjitcompiler.so.1; do
        [ -e "$dir/$1/$file" ] || return 1
    done
    [ "$1" != 390 ] || [ -n "$(find "$dir/390" -name 'libnvidia-fatbinaryloader.so.*')" ]
}

# The newest version of a package that belongs to a branch.
newest() {
    apt madison "$1" | awk -F'|' '{ gsub(/ /, "", $2); print $2 }' | grep "^$2\." | sort -V | tail -n 1
}

# Unpacks the packages of a branch flat into its directory.
fetch() (
    branch=$1
    into=$work/$branch
    mkdir -p "$into/debs" "$into/root" "$into/flat"
    cd "$into/debs"
    for package in $(packages "$branch"); do
        version=$(newest "$package" "$branch")
        if [ -z "$version" ]; then
            say "branch $branch: no package $package of that branch"
            exit 1
        fi
        say "branch $branch: $package $version"
        apt download "$package=$version" >&2 || exit 1
    done
    for deb in *.deb; do
        dpkg-deb -x "$deb" "$into/root" || exit 1
    done
    find "$into/root" -name '*.so.*' -type f -exec cp {} "$into/flat" \;
    # The loader looks for the names that each library gives itself.
    cd "$into/flat"
    for file in *.so.*.*; do
        ln -sf "$file" "${file%%.so.*}.so.1"
    done
    rm -rf "${dir:?}/$branch"
    mv "$into/flat" "$dir/$branch"
)

lists=
there=0
for branch in 390 450 470 535 550; do
    if ! has "$branch"; then
        [ -n "$lists" ] || apt_lists non-free bullseye bookworm trixie sid bullseye-security bookworm-security
        lists="were read"
        fetch "$branch" || say "branch $branch is not to be had"
    fi
    if has "$branch"; then
        there=$((there + 1))
    fi
done
say "$there of 5 branches are in $dir"
[ "$there" -ge 4 ]
