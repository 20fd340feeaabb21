#!/bin/sh
# Prints the figures that gpucheck is held to, and fails where one is missed. Arguments: [RUNS]
# The environments come from tests/parts/tensorflow.sh; the machine should have nothing else to do.
set -eu

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
parts=${GPUCHECK_TEST_PARTS:-$target/test-parts}/python

sh tests/parts/tensorflow.sh "$parts"
cargo build --release --locked --quiet
cargo build --locked --quiet --package gpucheck-machines --bin simulate
exec python3 tests/figures.py "$target/release/gpucheck" "$parts" "$target/debug/simulate" "$@"
