#!/bin/sh
# The tools of image pipelines for the tests, under DIR (default target/test-parts/pipelines).
#
#   pipelines.sh [DIR]
#
# debian  Debian 12's packer, cloud-init, shellcheck and scp, unpacked and not installed
# tools   Ansible and its linter, Azure's models of image templates, an SSH server, and what cloud-init imports
#
# Needs CPython 3.10 or 3.11 as python3, the package index, apt-get and dpkg-deb. Complete parts carry a stamp with
# their versions and are left alone.
set -eu

dir=${1:-target/test-parts/pipelines}
me=pipelines.sh
# shellcheck source=tests/parts/environments.sh
. "$(dirname "$0")/environments.sh"
# shellcheck source=tests/parts/debian.sh
. "$(dirname "$0")/debian.sh"
begins

packages="packer cloud-init shellcheck openssh-client"
# shellcheck disable=SC2086 # the words are the arguments
made debian bookworm $packages || {
    apt_lists main bookworm bookworm-security
    rm -rf "$dir/debian"
    unpacked "$dir/debian" "$packages" --exclude=./usr/share/doc --exclude=./usr/share/man
    stamp debian bookworm $packages
}

# cloud-init's own requirements come last.
tools="ansible-core==2.17.14 ansible-lint==25.1.3 asyncssh==2.24.1 azure-mgmt-imagebuilder==1.4.0 PyYAML==6.0.4
    jsonschema==4.26.0 configobj==5.0.9 jinja2==3.1.6 oauthlib==3.2.2 requests==2.32.5 jsonpatch==1.33 pyserial==3.5"
# shellcheck disable=SC2086
made tools $tools || {
    environment python3 tools $tools
    stamp tools $tools
}
