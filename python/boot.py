"""Loads the extension into this interpreter and lets it look: boot.py WAY TRUSTED FILE.

WAY is bare, full, torch, jax, cupy or cudf; with :list at its end nothing is computed. TRUSTED is 0 where others
may write to the working directory, from which nothing must then be imported. FILE is the extension, a memory file
at /proc/self/fd/61 or a real one. An interpreter that cannot load it says so, and the parent comes back with
plain.py. sys_path.py comes before it in one script.
"""


def say(line):
    """Sends one line of the protocol of src/child/trail.rs."""
    os.write(60, (line + "\n").encode("ascii"))


def load(path):
    """Gives the extension; its name must be the one that it was built under, its file may have any."""
    import importlib.machinery
    import importlib.util

    loader = importlib.machinery.ExtensionFileLoader("_gpucheck_probe", path)
    spec = importlib.util.spec_from_file_location("_gpucheck_probe", path, loader=loader)
    probe = importlib.util.module_from_spec(spec)
    loader.exec_module(probe)
    return probe


def remove(path):
    """Removes the extension's file and its folder, so that even a parent that is killed leaves nothing behind."""
    if path.startswith("/proc/"):
        return
    for remove, what in ((os.unlink, path), (os.rmdir, os.path.dirname(path))):
        try:
            remove(what)
        except OSError:
            pass


say('{"step": "load the extension"}')
try:
    probe = load(sys.argv[3])
except BaseException as error:
    remove(sys.argv[3])
    import json

    message = "%s: %s" % (type(error).__name__, str(error)[:2048])
    message = message.encode("utf-8", "replace").decode("utf-8")
    say(json.dumps({"answer": {"not_loaded": message}}))
    os._exit(0)
remove(sys.argv[3])
probe.look(sys.argv[1])
for stream in (sys.stdout, sys.stderr):
    try:
        stream.flush()
    except BaseException:
        pass
# Leaving in the usual way takes TensorFlow up to half a second, and a crash on the way would spoil the answer.
os._exit(0)
