#!/bin/sh
# gpucheck with the scenario that lies beside the link by which this is called. One file for all: a program that one
# thread has just written cannot be run while another one starts a child.
here=${0%/*}
export GPUSIM_SCENARIO="$here/scenario.json" GPUSIM_TRACE="$here/trace"
exec "$here/program" "$@"
