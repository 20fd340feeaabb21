#!/bin/sh
# A look that does what the file `act` beside the link by which it is called says. One file for all: a program that one
# thread has just written cannot be run while another one starts a child.
here=${0%/*}
# shellcheck disable=SC1091 # a test writes it
. "$here/act"
