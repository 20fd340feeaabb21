#!/bin/sh
# Prints the figures of `gpucheck bake --root`, and fails where one is missed: how long it takes on a whole Debian with
# three environments of Python, and what it runs and changes there. Arguments: [RUNS]
#
# The image comes from tests/parts/image.sh, which needs root; without it this says so and ends with 77. GPUCHECK names
# another binary. strace is taken from Debian where it is missing.
set -eu

cd "$(dirname "$0")/.."
# shellcheck source=tests/built.sh
. tests/built.sh
release_build
parts=${GPUCHECK_TEST_PARTS:-$target/test-parts}

sh tests/parts/image.sh "$parts"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
strace=$(command -v strace || true)
if [ -z "$strace" ]; then
    # shellcheck source=tests/parts/debian.sh
    . tests/parts/debian.sh
    apt_lists main bookworm
    unpacked "$work/strace" "strace libunwind8"
    strace=$work/strace/usr/bin/strace
    LD_LIBRARY_PATH=$work/strace/usr/lib/x86_64-linux-gnu
    export LD_LIBRARY_PATH
fi
python3 tests/bake_figures.py "$GPUCHECK" "$parts/image" "$strace" "$@"
