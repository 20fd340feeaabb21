#!/bin/sh
# NVIDIA's own cuBLAS and cuDNN for the tests, under DIR/cuda-libraries (default target/test-parts): the wheels that
# tensorflow[and-cuda] of 2.21 would take, 2 GB on the disk.
#
#   cuda_libraries.sh [DIR]
#
# Needs python3 with pip and the package index. What is complete carries a stamp and is left alone.
set -eu

dir=${1:-target/test-parts}
wheels="nvidia-cublas-cu12==12.5.3.2 nvidia-cudnn-cu12==9.3.0.75"
place=$dir/cuda-libraries
if [ "$(cat "$place/gpucheck-stamp" 2>/dev/null)" = "$wheels" ]; then
    exit 0
fi
rm -rf "$place"
mkdir -p "$place"
# shellcheck disable=SC2086 # these are several words
python3 -m pip install --quiet --no-deps --no-compile --disable-pip-version-check --target "$place" $wheels
echo "$wheels" >"$place/gpucheck-stamp"
