#!/bin/sh
# Prints the figures of `gpucheck class`, and fails where one is missed: how long it takes and how much memory, for a
# thousand reports and for a hundred thousand. It writes 2 GB into a temporary folder. GPUCHECK names another binary.
set -eu

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${GPUCHECK:-}" ]; then
    cargo build --release --locked --quiet
    GPUCHECK=$target/release/gpucheck
fi
python3 tests/class_figures.py "$GPUCHECK" tests/machines "$work"
