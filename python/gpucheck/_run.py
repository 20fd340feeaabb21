"""Asks gpucheck from within a program or a notebook."""

import os
import sys

from . import _asking, _command
from ._progress import Progress
from ._report import Report


def run(full=False, fresh=False, deep=False, slow=False, here=False, lang=None, deadline=_command.DEADLINE):
    """Says whether the GPU can be used from this very Python, from which others, and if not, why; a `Report`.

    It is asked in a new process of this Python with this process's variables, `sys.path` and folder: nothing is loaded
    into this one, and no GPU is touched by it.

    full   import frameworks in full, also where a cheap look raises no doubt
    fresh  look at every Python anew
    deep   test all free memory of the GPUs, for minutes
    slow   watch this machine for some seconds instead, and name what slows it down
    here   list TensorFlow's devices in this very process as well. It imports TensorFlow here, and TensorFlow takes
           memory of each GPU until this process ends
    lang   ``en`` or ``ko``; else that of the locale
    """
    progress = Progress(lang)
    report = _run(full, fresh, deep, slow, here, lang, deadline, progress)
    progress.done()
    return report


def _run(full, fresh, deep, slow, here, lang, deadline, progress):
    if slow and (full or fresh or deep or here):
        raise ValueError("slow is a question of its own: full, fresh, deep and here do not go with it")
    wanted = (("slow", slow), ("--full", full), ("--fresh", fresh), ("--deep", deep))
    options = [option for option, is_wanted in wanted if is_wanted]
    if lang is not None:
        if lang not in ("en", "ko"):
            raise ValueError("lang is en or ko")
        options += ["--lang", lang]
    try:
        env, asking = _asking.describe()
        parts = _command.ask(options, None if slow else asking, env, deadline, progress.tell)
        return Report(parts, devices_here() if here else None)
    except BaseException:
        progress.done()
        raise


def devices_here():
    """What TensorFlow's ``device_lib`` lists in this very process, or why not."""
    name = "TF_FORCE_GPU_ALLOW_GROWTH"
    unset = name not in os.environ and "tensorflow" not in sys.modules
    if unset:
        # Listing takes all memory of each GPU otherwise.
        os.environ[name] = "true"
    try:
        from tensorflow.python.client import device_lib

        return [
            " ".join(filter(None, (device.name, device.physical_device_desc)))
            for device in device_lib.list_local_devices()
        ]
    except Exception as error:
        return ["%s: %s" % (type(error).__name__, error)]
    finally:
        if unset:
            os.environ.pop(name, None)
