#!/bin/bash
# Fetches what Debian and Ubuntu install as unattended-upgrades' configuration, out of Debian's source package.
#   tests/parts/updates.sh FOLDER
# Needs apt with its archive in reach, and tar. Nothing of the machine's own apt is changed.
set -euo pipefail
folder=$(realpath -m "${1:?usage: tests/parts/updates.sh FOLDER}")/updates
[ -e "$folder/20auto-upgrades" ] && exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/parts" "$work/lists" "$work/cache" "$folder"
printf 'Types: deb-src\nURIs: http://deb.debian.org/debian\nSuites: bookworm\nComponents: main\nSigned-By: %s\n' \
    /usr/share/keyrings/debian-archive-keyring.gpg > "$work/parts/debian.sources"
options=(-qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/parts"
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
apt-get "${options[@]}" update
cd "$work"
apt-get "${options[@]}" source --download-only unattended-upgrades
tar --extract --file unattended-upgrades_*.tar.xz
find . -path '*/data/*' \( -name '50unattended-upgrades.Ubuntu' -o -name '50unattended-upgrades.Debian' -o -name 20auto-upgrades \) \
    -exec cp -t "$folder" {} +
ls "$folder"
