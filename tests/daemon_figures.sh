#!/bin/sh
# Prints the figures that the daemon is held to, and fails where one is missed. The machine should have nothing else to do.
#
# GPUCHECK names another binary than the release build.
set -eu

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
if [ -z "${GPUCHECK:-}" ]; then
    cargo build --release --locked --quiet
    GPUCHECK=$target/release/gpucheck
fi
cargo build --locked --quiet --package gpucheck-machines --bin simulate
exec python3 tests/daemon_figures.py "$GPUCHECK" "$target/debug/simulate"
