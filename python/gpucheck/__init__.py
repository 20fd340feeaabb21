"""Says whether the GPU can be used from this very Python, and if not, the one cause and the one fix.

In a notebook: ``%load_ext gpucheck`` and ``%gpucheck``. In a program: ``gpucheck.run()``, which gives a `Report`. In a
Jupyter server this package is an extension that serves the report at ``/gpucheck``, behind the server's own login.

Importing it imports nothing but the standard library, no framework and no IPython; CPython 3.7 is the oldest.
"""

from ._command import NotFound, Trouble
from ._report import Report
from ._run import run

__version__ = "0.1.0"
__all__ = ["NotFound", "Report", "Trouble", "run"]


def load_ipython_extension(shell):
    """``%load_ext gpucheck``: brings ``%gpucheck``."""
    from ._magic import register

    register(shell)


def _jupyter_server_extension_points():
    """What a Jupyter server asks."""
    return [{"module": "gpucheck"}]


def _load_jupyter_server_extension(server):
    """Adds ``/gpucheck`` to a Jupyter server."""
    from ._server import load

    load(server)


# The classic Notebook 6 and Jupyter servers before 1.0 ask under this name.
load_jupyter_server_extension = _load_jupyter_server_extension
