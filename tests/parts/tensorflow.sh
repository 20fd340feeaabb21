#!/bin/sh
# Real Pythons with real TensorFlows for the tests, under DIR (default target/test-parts/python).
#
#   tensorflow.sh [DIR]
#
# tensorflow      tensorflow 2.21.0
# tensorflow-2.12 tensorflow 2.12.1, which is built with CUDA 11.8
# tensorflow-cpu  tensorflow-cpu 2.12.1
# numpy2          the same 2.12.1, but a numpy 2 comes first on the path: the student's import fails
# protobuf3       the same 2.12.1, but a protobuf 3.19 comes first on the path: both ways of importing fail
# empty           no TensorFlow
#
# Needs CPython 3.10 or 3.11 as python3 (the two that both versions have wheels for) and the package index.
# Complete environments carry a stamp with their versions and are left alone.
set -eu

dir=${1:-target/test-parts/python}
me=tensorflow.sh
# shellcheck source=tests/parts/environments.sh
. "$(dirname "$0")/environments.sh"
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
wants_python

for want in "tensorflow tensorflow==2.21.0" "tensorflow-2.12 tensorflow==2.12.1" \
    "tensorflow-cpu tensorflow-cpu==2.12.1" "empty"; do
    # shellcheck disable=SC2086 # the words are the arguments
    made $want || {
        environment python3 $want
        stamp $want
    }
done

# The environment's own packages come before the directories that .pth files add.
for want in "numpy2 numpy==2.3.5" "protobuf3 protobuf==3.19.6"; do
    # shellcheck disable=SC2086 # the words are the arguments
    made $want || {
        environment python3 $want
        site_packages tensorflow-cpu >"$(site_packages "${want%% *}")/tensorflow-cpu.pth"
        stamp $want
    }
done
