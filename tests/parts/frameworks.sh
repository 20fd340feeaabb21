#!/bin/sh
# Real Pythons with Jupyter, JAX, CuPy, PyTorch and an old TensorFlow for the tests, under DIR (default
# target/test-parts/python).
#
#   frameworks.sh [DIR]
#
# jupyter           jupyter_server, ipykernel, nbclient: a server and what asks it
# ipykernel-missing a kernelspec whose Python has no ipykernel; its server's spec is jupyter's
# notebook-6        the classic notebook, which is a server of its own
# jax               jax and jaxlib, CPU alone
# cupy              cupy-cuda12x, built with CUDA; no CUDA beside it
# torch-cuda-absent torch 2.13.0 of the package index, built with CUDA 13.0, without the nvidia wheels: its import fails
# torch-cpu         Debian 12's torch 1.13.1, built without CUDA; its libraries need the LD_LIBRARY_PATH that its kernelspec
#                   sets
# tensorflow-old    tensorflow-cpu 1.15.0 in CPython 3.7, else 2.13.1 in CPython 3.8
#
# Needs CPython 3.10 or 3.11 as python3, the package index, and for torch-cpu CPython 3.11, apt-get and dpkg-deb. Where
# the machine has not what an environment needs, its folder holds a file `skipped` with the reason. Complete
# environments carry a stamp with their versions and are left alone.
set -eu

dir=${1:-target/test-parts/python}
me=frameworks.sh
# shellcheck source=tests/parts/environments.sh
. "$(dirname "$0")/environments.sh"
# shellcheck source=tests/parts/debian.sh
. "$(dirname "$0")/debian.sh"
begins

# plain NAME PACKAGE...: nothing of these is timed, so their byte code need not be made.
plain() {
    made "$@" || {
        environment python3 "$@" --no-compile
        stamp "$@"
    }
}

# skip NAME REASON...: says why there is no such environment.
skip() {
    name=$1
    shift
    says "$name is skipped: $*"
    rm -rf "${dir:?}/$name"
    mkdir -p "$dir/$name"
    echo "$*" >"$dir/$name/skipped"
}

# interpreter MINOR: a CPython 3.MINOR with venv, on PATH or of pyenv.
interpreter() {
    for python in "python3.$1" "/usr/bin/python3.$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$1."*/bin/python; do
        if "$python" -c "import ensurepip, sys; sys.exit(sys.version_info[:2] != (3, $1))" 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    return 1
}

# kernelspec ENVIRONMENT DISPLAY ENV: the spec that `ipykernel install --prefix` writes, with variables.
kernelspec() {
    mkdir -p "$dir/$1/share/jupyter/kernels/$1"
    cat >"$dir/$1/share/jupyter/kernels/$1/kernel.json" <<EOF
{
 "argv": ["$dir/$1/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
 "display_name": "$2",
 "language": "python",
 "env": {$3},
 "metadata": {"debugger": true}
}
EOF
}

without_ipykernel() {
    made ipykernel-missing kernelspec || {
        environment python3 ipykernel-missing
        kernelspec ipykernel-missing "No ipykernel" ""
        stamp ipykernel-missing kernelspec
    }
}

without_cuda() {
    torch="torch==2.13.0"
    imports="typing_extensions==4.16.0 sympy==1.14.0 networkx==3.4.2 jinja2==3.1.6 fsspec==2024.12.0 filelock==3.16.1"
    # shellcheck disable=SC2086 # the words are the arguments
    made torch-cuda-absent $torch $imports || {
        environment python3 torch-cuda-absent $imports --no-compile
        "$dir/torch-cuda-absent/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --no-deps $torch
        stamp torch-cuda-absent $torch $imports
    }
}

# What Debian's torch loads and imports; the rest of what its packages depend on is glibc, programs, data and plugins.
wanted_by_torch() {
    apt install --print-uris -qq --no-install-recommends libtorch1.13 libopenblas0-pthread python3-torch |
        awk '{ split($2, part, "_"); print part[1] }' | while read -r package; do
        case $package in
        libc6 | libllvm* | libgl1-mesa-dri | libz3-4 | libtorch-test | libpython* | libc-bin | libtesseract5 | libperl*) ;;
        lib* | zlib1g | ocl-icd-libopencl1 | python3-torch | python3-numpy | python3-astunparse) echo "$package" ;;
        esac
    done
}

without_gpu() {
    made torch-cpu python3-torch 1.13.1 bookworm && return
    if ! python=$(interpreter 11); then
        skip torch-cpu "no CPython 3.11 with venv"
        return
    fi
    if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
        skip torch-cpu "no apt-get or dpkg-deb"
        return
    fi
    environment "$python" torch-cpu
    apt_lists main bookworm bookworm-security
    wanted_by_torch >"$work/wanted"
    unpacked "$dir/torch-cpu/debian" "$(cat "$work/wanted")" --exclude=./usr/share --exclude=./etc
    # One folder for LD_LIBRARY_PATH; torch's own links lead there too.
    usr=$dir/torch-cpu/debian/usr/lib
    libraries=$usr/x86_64-linux-gnu
    cp -a "$dir/torch-cpu/debian/lib/x86_64-linux-gnu"/*.so* "$usr"/*.so* "$libraries/openblas-pthread"/*.so* "$libraries"
    # ipykernel and six are the server's.
    { site_packages jupyter && echo "$usr/python3/dist-packages"; } >"$(site_packages torch-cpu)/debian.pth"
    kernelspec torch-cpu "PyTorch of Debian" "\"LD_LIBRARY_PATH\": \"$libraries\""
    stamp torch-cpu python3-torch 1.13.1 bookworm
}

old_tensorflow() {
    if python=$(interpreter 7); then
        want="tensorflow-old tensorflow-cpu==1.15.0 protobuf==3.20.3 numpy==1.18.5"
    elif python=$(interpreter 8); then
        want="tensorflow-old tensorflow-cpu==2.13.1"
    else
        skip tensorflow-old "neither CPython 3.7 nor 3.8 with venv is here"
        return
    fi
    # shellcheck disable=SC2086 # the words are the arguments
    made $want || {
        environment "$python" $want --no-compile
        stamp $want
    }
}

# The largest comes while the others are unpacked.
without_cuda &
largest=$!
plain jupyter jupyter_server==2.21.1 ipykernel==7.4.0 nbclient==0.11.0 jupyter_client==8.10.0
plain notebook-6 notebook==6.5.7
plain jax jax==0.6.2 jaxlib==0.6.2
plain cupy cupy-cuda12x==13.6.0
without_ipykernel
without_gpu
old_tensorflow
wait "$largest"
