#!/bin/sh
# Shows that this commit makes the same program wherever it is built: builds it here and in a clone elsewhere, from
# nothing, and compares the two. Takes as long as two release builds, one where portable.sh has been run here.
set -eu

cd "$(dirname "$0")/.."
[ -z "$(git status --porcelain --untracked-files=no)" ] || {
    echo "reproduce.sh: there are changes that are not committed, and a clone would not have them" >&2
    exit 1
}
target=$(realpath "${CARGO_TARGET_DIR:-target}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

packaging/portable.sh
git clone --quiet --shared . "$work/elsewhere"
mkdir -p "$work/elsewhere/target/portable"
# Zig is large, and no part of what is compared.
ln -s "$target/portable/tools" "$work/elsewhere/target/portable/tools"
env --unset=CARGO_TARGET_DIR "$work/elsewhere/packaging/portable.sh"
sha256sum "$target/portable/gpucheck" "$work/elsewhere/target/portable/gpucheck"
cmp "$target/portable/gpucheck" "$work/elsewhere/target/portable/gpucheck"
