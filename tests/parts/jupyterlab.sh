#!/bin/sh
# A real JupyterLab and Jupyter Notebook for the tests, with a kernel, under DIR (default target/test-parts/python).
#
#   jupyterlab.sh [DIR]
#
# jupyterlab   jupyterlab 4, notebook 7, ipykernel, nbclient
#
# Needs CPython 3.10 or 3.11 as python3, and the package index. An environment that is complete carries a stamp with its
# versions and is left alone.
set -eu

dir=${1:-target/test-parts/python}
me=jupyterlab.sh
# shellcheck source=tests/parts/environments.sh
. "$(dirname "$0")/environments.sh"
begins

want="jupyterlab jupyterlab==4.6.6 notebook==7.6.5 jupyter_server==2.21.1 ipykernel==7.4.0 nbclient==0.11.0"
# shellcheck disable=SC2086 # the words are the arguments
made $want || {
    environment python3 $want
    stamp $want
}
