"""What this process is, for gpucheck to start a new one just like it, and what is different in this one.

Nothing here imports a framework, and nothing asks one a question that would make it look for a GPU.
"""

import json
import os
import subprocess
import sys

# Variables that a GPU depends on and that notebooks change.
WATCHED = ("CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")
# What names of variables begin with that are read when a process starts: changed later they come to nothing for it.
READ_AT_START = ("LD_", "GLIBC_TUNABLES", "MALLOC_", "PYTHON")


def at_start():
    """The variables that this process was started with; those of now where it has written its title over them."""
    try:
        with open("/proc/self/environ", "rb") as file:
            entries = file.read().split(b"\0")
    except OSError:
        return dict(os.environ)
    pairs = (entry.split(b"=", 1) for entry in entries if b"=" in entry)
    started = {os.fsdecode(name): os.fsdecode(value) for name, value in pairs}
    return started if started.keys() & os.environ.keys() else dict(os.environ)


def environment(started):
    """The variables that a process has to be started with to be like this one."""
    now = {name: value for name, value in os.environ.items() if not name.startswith(READ_AT_START)}
    now.update((name, value) for name, value in started.items() if name.startswith(READ_AT_START))
    return now


def in_notebook():
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if hasattr(ipython, "get_ipython") else None
    return getattr(shell, "kernel", None) is not None


def sys_path(env):
    """`sys.path` and what was added to it, where a new process would have another one; else nothing."""
    script = "import json, sys; print(json.dumps(sys.path))"
    try:
        said = subprocess.run([sys.executable, "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, env=env, timeout=20, check=True).stdout
        fresh = json.loads(said.decode("utf-8").splitlines()[-1])
        # There is none where the folder is deleted.
        here = ("", ".", os.getcwd())
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return {}
    own = [entry for entry in sys.path if isinstance(entry, str) and is_text(entry)]
    if {entry for entry in own if entry not in here} == {entry for entry in fresh if entry not in here}:
        return {}
    whole = [os.path.abspath(entry) if entry else entry for entry in own]
    return {"sys_path": whole, "added": [entry for entry in whole if entry not in fresh and entry not in here]}


def is_text(path):
    """Whether a path is text and not bytes that stand for none."""
    try:
        path.encode("utf-8")
        return True
    except UnicodeError:
        return False


def options():
    """The interpreter's options, where this process was started as a module, as kernels are; Python tells from 3.10 on."""
    told = getattr(sys, "orig_argv", [])
    before = told[1:told.index("-m")] if "-m" in told else []
    return before if all(word.startswith("-") and is_text(word) for word in before) else []


def of_tensorflow():
    """How many GPUs TensorFlow has found here; none where it has not looked."""
    context = getattr(sys.modules.get("tensorflow.python.eager.context"), "_context", None)
    devices = getattr(context, "_physical_devices", None)
    return None if devices is None else sum(device.device_type == "GPU" for device in devices)


def of_torch():
    """How many GPUs PyTorch has; none where it has not looked."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    return int(cuda.device_count()) if cuda is not None and cuda.is_initialized() else None


def of_jax():
    """How many GPUs JAX computes on; none where it has not looked."""
    bridge = sys.modules.get("jax._src.xla_bridge")
    if bridge is None or not bridge.backends_are_initialized():
        return None
    return sum(device.platform in ("gpu", "cuda") for device in sys.modules["jax"].devices())


FRAMEWORKS = {"tensorflow": of_tensorflow, "torch": of_torch, "jax": of_jax}


def running():
    """The frameworks that have looked for GPUs in this process, with how many each found."""
    found = {}
    for name, count in FRAMEWORKS.items():
        try:
            gpus = count()
        # These are others' insides, of any version: what they do not tell is not known.
        except Exception:
            continue
        if isinstance(gpus, int) and gpus >= 0:
            found[name] = gpus
    return found


def describe():
    """The variables to start gpucheck with, and what it is to be told of this process; none where it cannot be."""
    started = at_start()
    env = environment(started)
    python = sys.executable
    if not python or not os.path.isabs(python) or not is_text(python):
        return env, None
    asking = {
        "python": python,
        "pid": os.getpid(),
        "options": options(),
        "notebook": in_notebook(),
        "changed": [name for name in WATCHED if os.environ.get(name) != started.get(name)],
        "running": running(),
    }
    asking.update(sys_path(env))
    return env, asking
