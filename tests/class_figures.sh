#!/bin/sh
# Prints the figures of `gpucheck class`, and fails where one is missed: how long it takes and how much memory, for a
# thousand reports and for a hundred thousand. It writes 2 GB into a temporary folder. GPUCHECK names another binary.
set -eu

cd "$(dirname "$0")/.."
# shellcheck source=tests/built.sh
. tests/built.sh
release_build
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 tests/class_figures.py "$GPUCHECK" tests/machines "$work"
