#!/bin/sh
# Writes the table of which driver branch exports which symbol, src/symbols.tsv, from NVIDIA's own libraries.
#
#   tests/sim/symbols.sh LIBRARIES INCLUDE
#
# LIBRARIES/BRANCH/{libcuda.so.1,libnvidia-ml.so.1} for the nine branches below: 390, 470 and 535 come by
# tests/parts/nvidia.sh, the others lie in Debian's non-free as libnvidia-tesla-418-*, -450-*, -460-* (bullseye, sid),
# libnvidia-tesla-cuda1 and -ml1 (525, sid), libcuda1 and libnvidia-ml1 (550 sid, 555 experimental).
# INCLUDE holds cuda.h and nvml.h of CUDA 13.5, from the packages nvidia-cuda-runtime and nvidia-nvml-dev of PyPI. They
# stand for drivers after R555, of which no library could be had: what they declare joins what R555 exports.
#
# Only what this crate implements is listed; it is built first.
set -eu

libraries=$(cd "$1" && pwd)
include=$(cd "$2" && pwd)
cd "$(dirname "$0")"
cargo build -q -p gpucheck-sim
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

exported() { nm -D --defined-only "$1" | sed -n 's/.* [TW] \(cu\|nvml\)\([A-Z][A-Za-z0-9_]*\).*/\1\2/p'; }

exported "$target/debug/libgpucheck_sim.so" | sort -u >"$work/implemented"
for branch in 390 418 450 460 470 525 535 550 555; do
    for library in libcuda libnvidia-ml; do
        exported "$libraries/$branch/$library.so.1"
    done | sort -u >"$work/$branch"
done
cat "$include/cuda.h" "$include/nvml.h" | grep -oE '\b(cu|nvml)[A-Z][A-Za-z0-9_]*' | sort -u |
    cat - "$work/555" | sort -u >"$work/560"

{
    echo "# symbol, branches that export it; 560 is every branch after R555; made by symbols.sh"
    while read -r symbol; do
        branches=
        for branch in 390 418 450 460 470 525 535 550 555 560; do
            grep -qx "$symbol" "$work/$branch" && branches="$branches $branch"
        done
        printf '%s\t%s\n' "$symbol" "${branches# }"
    done <"$work/implemented"
} >src/symbols.tsv
