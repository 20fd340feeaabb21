#!/bin/sh
# What reads metrics, for the tests, under DIR (default target/test-parts/metrics).
#
#   metrics.sh [DIR]
#
# debian   Debian 12's prometheus with promtool, and its node_exporter, unpacked and not installed
# grafana  Grafana's own model of dashboards
#
# Needs CPython 3.10 or 3.11 as python3, the package index, apt-get and dpkg-deb. Complete parts carry a stamp with
# their versions and are left alone.
set -eu

dir=${1:-target/test-parts/metrics}
me=metrics.sh
# shellcheck source=tests/parts/environments.sh
. "$(dirname "$0")/environments.sh"
# shellcheck source=tests/parts/debian.sh
. "$(dirname "$0")/debian.sh"
begins

packages="prometheus prometheus-node-exporter"
# shellcheck disable=SC2086 # the words are the arguments
made debian bookworm $packages || {
    apt_lists main bookworm bookworm-security
    rm -rf "$dir/debian"
    unpacked "$dir/debian" "$packages" ./usr/bin
    stamp debian bookworm $packages
}

sdk='grafana-foundation-sdk==1769699998!10.1.0'
made grafana "$sdk" || {
    environment python3 grafana --no-compile --no-deps "$sdk"
    stamp grafana "$sdk"
}
