#!/bin/sh
# systemd's own programs, by which the unit of the daemon is judged: tests/parts/service.sh. Says why where it cannot.
set -eu
command -v systemd-analyze > /dev/null && command -v systemd-sysusers > /dev/null && exit 0
[ "$(id -u)" = 0 ] || { echo "service: no systemd-analyze, and only root can install systemd" >&2; exit 77; }
apt-get update -q >&2 && apt-get install -y -q --no-install-recommends systemd >&2
