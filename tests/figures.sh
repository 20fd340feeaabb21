#!/bin/sh
# Prints the figures that gpucheck is held to, and fails where one is missed. Arguments: [RUNS]
# The environments come from tests/parts/tensorflow.sh; the machine should have nothing else to do. GPUCHECK names another
# binary than this machine's own release build.
set -eu

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
parts=${GPUCHECK_TEST_PARTS:-$target/test-parts}/python

sh tests/parts/tensorflow.sh "$parts"
if [ -z "${GPUCHECK:-}" ]; then
    cargo build --release --locked --quiet
    GPUCHECK=$target/release/gpucheck
fi
cargo build --locked --quiet --package gpucheck-machines --bin simulate
exec python3 tests/figures.py "$GPUCHECK" "$parts" "$target/debug/simulate" "$@"
