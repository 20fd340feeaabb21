"""``%gpucheck``"""

import argparse

from . import _command
from ._progress import Progress
from ._run import _run

NAME = "%gpucheck"


class Asked(Exception):
    """What the options come to where nothing is to be run: help, or what is wrong with them."""


class Options(argparse.ArgumentParser):
    """Options of a line in a notebook: a wrong one ends the line, not the kernel."""

    def exit(self, status=0, message=None):
        raise Asked(message or "")

    def error(self, message):
        raise Asked("%s\n%s" % (message, self.format_usage().strip()))

    def print_help(self, file=None):
        raise Asked(self.format_help().strip())


def options():
    parser = Options(prog=NAME, description="Says whether the GPU can be used from this notebook, and if not, why.")
    parser.add_argument("--full", action="store_true", help="import frameworks in full, as a notebook does")
    parser.add_argument("--fresh", action="store_true", help="look at every Python anew")
    parser.add_argument("--deep", action="store_true", help="test all free memory of the GPUs, for minutes")
    parser.add_argument("--slow", action="store_true",
                        help="watch this machine for some seconds instead, and name what slows it down")
    parser.add_argument("--here", action="store_true",
                        help="list TensorFlow's devices in this very kernel, too: it takes GPU memory until a restart")
    parser.add_argument("--lang", choices=("en", "ko"), help="language; otherwise that of the locale")
    return parser


def gpucheck(line):
    """Says whether the GPU can be used from this very notebook: ``%gpucheck --help``."""
    try:
        asked = options().parse_args(line.split())
    except Asked as said:
        print(said)
        return
    progress = Progress(asked.lang)
    try:
        report = _run(asked.full, asked.fresh, asked.deep, asked.slow, asked.here, asked.lang, _command.DEADLINE,
                      progress)
    except (_command.Trouble, ValueError) as trouble:
        print(trouble)
        return
    # In the place of the line that said how far it was.
    if progress.handle is not None:
        progress.handle.update(report)
    else:
        from IPython.display import display

        progress.done()
        display(report)


def register(shell):
    shell.register_magic_function(gpucheck, magic_kind="line", magic_name="gpucheck")
