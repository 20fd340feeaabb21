"""Runs one notebook in its own kernel, as nbclient does, and tells how it went. The notebook's file is only read.

Argument: the path, and seconds that the kernel is left alive after the last cell, for whoever looks at the GPU meanwhile.
The answer goes to descriptor 60, a JSON message a line. Runs in any Python from 3.6 on that has nbclient.
"""
import json
import os
import re
import sys
import tempfile
import time

ANSWER = 60
LINES = 12
LONGEST = 400


def say(kind, value):
    line = (json.dumps({kind: value}) + "\n").encode("utf-8", "replace")
    while line:
        line = line[os.write(ANSWER, line) :]


def plain(text):
    """Without colours and other control sequences, cut."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", str(text))
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def cut(text):
    return plain(text).replace("\n", " ")[:LONGEST]


def raised(number, error):
    traceback = [line.rstrip()[:LONGEST] for line in plain(getattr(error, "traceback", "")).splitlines()]
    traceback = [line for line in traceback if line and set(line) != {"-"}]
    return {
        "raised": {
            "cell": number,
            "name": cut(getattr(error, "ename", "") or type(error).__name__),
            "value": cut(getattr(error, "evalue", "")),
            "traceback": traceback[-LINES:],
        }
    }


def run(path, settle):
    say("step", "import nbclient")
    try:
        import nbformat
        from jupyter_client.kernelspec import NoSuchKernel
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, DeadKernelError
    except ImportError as error:
        return {"missing": cut(error)}
    # The kernel's connection file, which would be left where the kernel is ended.
    tempfile.tempdir = os.environ.get("JUPYTER_RUNTIME_DIR")
    say("step", "read the notebook")
    notebook = nbformat.read(path, as_version=4)
    folder = os.path.dirname(path)
    client = NotebookClient(notebook, timeout=None, resources={"metadata": {"path": folder}})
    say("step", "start the kernel")
    started = False
    try:
        with client.setup_kernel():
            started = True
            end = cells(client, notebook, CellExecutionError, DeadKernelError)
            time.sleep(settle)
            # Whatever the kernel does at its end, this is known.
            say("so_far", {"end": end})
        return {"end": end}
    except NoSuchKernel as error:
        return {"end": {"no_kernel": {"name": cut(getattr(error, "name", error))}}}
    except Exception as error:
        if started:
            raise
        return {"end": {"kernel_failed": {"why": cut("%s: %s" % (type(error).__name__, error))}}}


def cells(client, notebook, cell_error, dead_kernel):
    for index, cell in enumerate(notebook.cells):
        say("step", "cell %d" % (index + 1))
        try:
            client.execute_cell(cell, index)
        except cell_error as error:
            return raised(index + 1, error)
        except dead_kernel:
            return {"kernel_died": {"cell": index + 1}}
    return "ran"


say("answer", run(sys.argv[1], float(sys.argv[2])))
