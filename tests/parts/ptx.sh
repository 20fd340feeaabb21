#!/bin/sh
# Fetches NVIDIA's own compilers of PTX from the package index: NVRTC, which makes PTX of CUDA C++, and ptxas, which makes
# code for a GPU of PTX, in three generations. No GPU and no driver are needed to run them.
#
#   tests/parts/ptx.sh [DIR]
#
# DIR is $GPUCHECK_TEST_PARTS/ptx where none is given, else test-parts/ptx under cargo's target directory. Afterwards it
# holds ptxas-11.8, ptxas-12.9, ptxas-13.5, libnvrtc.so.11.2 and libnvrtc-builtins.so.11.8. They are under NVIDIA's licence,
# which lies beside them, and are never committed. 130 MB come over the network and 170 MB stay. Each package is held to
# the digest below. Running it again fetches nothing. Needs python3 with the venv module.
#
# The packages are for Linux on x86-64. Elsewhere DIR holds a file `skipped` with the reason, and the status is 0 too.
set -eu

dir=${1:-${GPUCHECK_TEST_PARTS:-${CARGO_TARGET_DIR:-target}/test-parts}/ptx}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

say() { echo "ptx.sh: $*" >&2; }

packages() {
    cat <<'EOF'
nvidia-cuda-nvrtc-cu11==11.8.89 --hash=sha256:a8d02f3cba345be56b1ffc3e74d8f61f02bb758dd31b0f20e12277a5a244f756
nvidia-cuda-nvcc-cu11==11.8.89 --hash=sha256:f8e1e995166c884f2f5bf94975d7abb89175363b8712f7f81cd38d0df1b2cd85
nvidia-cuda-nvcc-cu12==12.9.86 --hash=sha256:5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0
nvidia-cuda-nvcc==13.5.37 --hash=sha256:f5c4f7ead5d964fb4af42bbf1e6d3ec3c1e6e9d83b53749f691d387e7fcaa3a7
EOF
}

stamp=$dir/gpucheck-stamp
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(packages)" ]; then
    exit 0
fi
if [ "$(uname -s) $(uname -m)" != "Linux x86_64" ]; then
    echo "NVIDIA's packages are for Linux on x86-64; this is $(uname -s) on $(uname -m)" >"$dir/skipped"
    say "skipped: $(cat "$dir/skipped")"
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

packages >"$work/wanted"
say "fetching $(packages | cut -d ' ' -f 1 | tr '\n' ' ')"
python3 -m venv "$work/pip"
"$work/pip/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    --platform manylinux2014_x86_64 --dest "$work" --requirement "$work/wanted"

# unpack PACKAGE PATTERN NAME: one file of a package, and the package's licence.
unpack() {
    python3 - "$work" "$1" "$2" "$dir/$3" <<'EOF'
import fnmatch, glob, shutil, sys, zipfile
folder, package, pattern, target = sys.argv[1:]
(wheel,) = glob.glob("%s/%s-*.whl" % (folder, package))
with zipfile.ZipFile(wheel) as files:
    for wanted, place in ((pattern, target), ("*.dist-info/*License.txt", target + ".license.txt")):
        (name,) = fnmatch.filter(files.namelist(), wanted)
        with files.open(name) as source, open(place, "wb") as file:
            shutil.copyfileobj(source, file)
EOF
    chmod +x "$dir/$3"
}

rm -f "$dir/skipped" "$stamp"
unpack nvidia_cuda_nvrtc_cu11 '*/libnvrtc.so.11.2' libnvrtc.so.11.2
unpack nvidia_cuda_nvrtc_cu11 '*/libnvrtc-builtins.so.11.8' libnvrtc-builtins.so.11.8
unpack nvidia_cuda_nvcc_cu11 '*/bin/ptxas' ptxas-11.8
unpack nvidia_cuda_nvcc_cu12 '*/bin/ptxas' ptxas-12.9
unpack nvidia_cuda_nvcc '*/bin/ptxas' ptxas-13.5
packages >"$stamp"
say "the compilers are in $dir"
