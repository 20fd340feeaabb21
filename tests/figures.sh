#!/bin/sh
# Prints the figures that gpucheck is held to, and fails where one is missed. Arguments: [RUNS]
# The environments come from tests/parts/tensorflow.sh; the machine should have nothing else to do. GPUCHECK names another
# binary than this machine's own release build.
set -eu

cd "$(dirname "$0")/.."
# shellcheck source=tests/built.sh
. tests/built.sh
parts=${GPUCHECK_TEST_PARTS:-$target/test-parts}/python

sh tests/parts/tensorflow.sh "$parts"
release_build
own_programs
exec python3 tests/figures.py "$GPUCHECK" "$parts" "$target/debug/simulate" "$@"
