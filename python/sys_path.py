"""What comes first in boot.py and plain.py: from where this process imports, before it imports anything.

The second word of its command is 0 where others may write to the working directory, from which nothing must then be
imported. The syntax is that of Python 2.7.
"""
import sys

is_trusted = sys.argv[2] != "0"
if not is_trusted:
    sys.path[:] = [entry for entry in sys.path if entry not in ("", ".")]

import os

# sys.path as whoever asks has it, who is another process of this Python.
told = os.environ.pop("PYTHON_GPUCHECK_SYS_PATH", None)
if told and not getattr(sys.flags, "isolated", 0):
    import json

    sys.path[:] = [entry for entry in json.loads(told) if is_trusted or entry not in ("", ".")]
