#!/bin/sh
# The schema by which Jenkins (its xUnit plugin) reads JUnit XML, and a Python with lxml to hold documents to it.
#
#   tests/parts/junit.sh [DIR]
#
# DIR is $GPUCHECK_TEST_PARTS/junit where none is given, else test-parts/junit under cargo's target directory. Afterwards it
# holds junit-10.xsd and a Python environment `lxml`. The schema is that of github.com/jenkinsci/xunit-plugin (MIT, its
# licence stands in it); pytest keeps a copy beside its own tests, and its source package, held to its digest, brings it.
# A complete DIR is left alone.
set -eu

dir=${1:-${GPUCHECK_TEST_PARTS:-${CARGO_TARGET_DIR:-target}/test-parts}/junit}
me=junit.sh
# shellcheck source=tests/parts/environments.sh
. "$(dirname "$0")/environments.sh"
begins

pytest='pytest==8.4.2 --hash=sha256:86c0d0b93306b961d58d62a4db4879f27fe25513d4b969df351abdddb3c30e01'
made lxml lxml==6.1.3 "$pytest" && exit 0

environment python3 lxml --no-compile --only-binary :all: lxml==6.1.3
echo "$pytest" >"$work/wanted"
# Its build backend is asked for the name of the package; nothing of it is installed.
"$dir/lxml/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary pytest --require-hashes \
    --dest "$work" --requirement "$work/wanted"
tar -xzf "$work"/pytest-*.tar.gz -C "$work" --wildcards --strip-components=3 '*/testing/example_scripts/junit-10.xsd'
mv "$work/junit-10.xsd" "$dir/junit-10.xsd"
stamp lxml lxml==6.1.3 "$pytest"
says "the schema is $dir/junit-10.xsd"
