#!/bin/sh
# Builds one gpucheck that runs on every Linux with glibc 2.27 or newer (Ubuntu 18.04, Debian 10, ...), whatever this
# machine has, and proves it by the symbols that the file and the extension in it ask for.
#
#   packaging/portable.sh [FILE]     default: target/portable/gpucheck
#
# The same commit by the same Rust gives the same bytes, in whichever folder: packaging/reproduce.sh shows it.
# Wants Rust, Python 3 with venv, objdump, and the package registries. Zig links against the old glibc.
set -eu

cd "$(dirname "$0")/.."
glibc=2.27
triple=x86_64-unknown-linux-gnu
mkdir -p "${CARGO_TARGET_DIR:-target}/portable"
target=$(cd "${CARGO_TARGET_DIR:-target}/portable" && pwd -P)
out=${1:-$target/gpucheck}
tools=$target/tools

command -v objdump >/dev/null || {
    echo "portable.sh: there is no objdump to prove the result with; it is in the package binutils" >&2
    exit 1
}
[ -x "$tools/bin/cargo-zigbuild" ] || {
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check cargo-zigbuild==0.24.0 ziglang==0.15.2
}
# Where it is built must not show in it; build.rs does the same for the extension. The last that fits counts.
remap() { printf -- '--remap-path-prefix=%s=%s' "$1" "$2"; }
CARGO_ENCODED_RUSTFLAGS=$(
    printf '%s\037%s\037%s' "$(remap "$(pwd -P)" gpucheck)" "$(remap "${CARGO_HOME:-$HOME/.cargo}" cargo)" \
        "$(remap "$target" target)"
)
export CARGO_ENCODED_RUSTFLAGS
PATH=$tools/bin:$PATH cargo zigbuild --release --locked --target "$triple.$glibc" --target-dir "$target"
built=$target/$triple/release/gpucheck

# newest FILE: the newest glibc that a file asks for.
newest() {
    objdump -T "$1" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -Vu | tail -n 1
}

extension=$target/$triple/gpucheck-python/$triple/release/libgpucheck_python.so
for file in "$built" "$extension"; do
    needs=$(newest "$file")
    [ -n "$needs" ] || {
        echo "portable.sh: $file does not say which glibc it wants" >&2
        exit 1
    }
    echo "$file: glibc $needs"
    [ "$(printf '%s\n%s\n' "$needs" "$glibc" | sort -V | tail -n 1)" = "$glibc" ] || {
        echo "portable.sh: $file wants glibc $needs, newer than $glibc" >&2
        exit 1
    }
done
# shellcheck disable=SC3013 # dash, bash and busybox have -ef
[ "$built" -ef "$out" ] || install -D -m 755 "$built" "$out"
echo "$out"
