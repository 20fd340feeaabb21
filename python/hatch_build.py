"""Puts the program that GPUCHECK names into the wheel, as the command `gpucheck`."""
import os

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ProgramHook(BuildHookInterface):
    """A wheel for every Python 3 on Linux with the glibc of packaging/portable.sh: the package starts the program."""

    def initialize(self, version, build_data):
        """Adds the program; without one there is no wheel."""
        build_data["shared_scripts"] = {os.environ["GPUCHECK"]: "gpucheck"}
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-manylinux_2_27_x86_64"
