#!/bin/sh
# Prints the figures that the daemon is held to, and fails where one is missed. The machine should have nothing else to do.
set -eu

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}

cargo build --release --locked --quiet
cargo build --locked --quiet --package gpucheck-machines --bin simulate
exec python3 tests/daemon_figures.py "$target/release/gpucheck" "$target/debug/simulate"
