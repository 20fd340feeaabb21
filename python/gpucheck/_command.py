"""The program ``gpucheck``: where it is, how it is asked, and what it answers."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

# Seconds that a run may take: somewhat more than gpucheck gives all Pythons together.
DEADLINE = 600
# Seconds for it to end its own children when it is asked to end.
GRACE = 5


class Trouble(Exception):
    """gpucheck itself could not do its work; the text says what to do."""


class NotFound(Trouble):
    """The program is not installed."""

    def __init__(self):
        super().__init__(
            "The program gpucheck was not found beside %s, on PATH or in /usr/bin. Install it into this environment with "
            "`%s -m pip install gpucheck`, or for everybody from its Debian package." % (sys.executable, sys.executable)
        )


def find():
    """The program: that of this environment, else the first on PATH, else the system's."""
    beside = os.path.dirname(sys.executable or "")
    folders = [beside, os.path.join(sys.prefix, "bin")]
    # An empty or a relative entry means the working directory, whose programs nobody asked to run.
    folders += [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if os.path.isabs(folder)]
    folders += ["/usr/local/bin", "/usr/bin"]
    for folder in folders:
        program = shutil.which("gpucheck", path=folder) if folder else None
        if program:
            return program
    raise NotFound()


def words(options, asking=None):
    """The command line: all forms of the report in one answer."""
    command = [find(), "--format", "parts"]
    if asking is not None:
        command += ["--asking", json.dumps(asking)]
    return command + list(options)


def parts(status, out, err):
    """The answer in its parts; `Trouble` where there is none."""
    try:
        answer = json.loads(out.decode("utf-8"))
        if not isinstance(answer, dict) or not isinstance(answer.get("report"), dict):
            raise ValueError
        return answer
    except ValueError:
        said = err.decode("utf-8", "replace").strip()[-2000:]
        raise Trouble("gpucheck gave no report (status %s)%s" % (status, ": " + said if said else "")) from None


def ask(options, asking=None, env=None, deadline=DEADLINE, tell=None):
    """Runs the program and gives its answer in its parts. `tell` is called with the seconds gone by, again and again."""
    begun = time.monotonic()
    try:
        # It has a session of its own: what interrupts this process is handed on by us, once.
        child = subprocess.Popen(
            words(options, asking), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
            start_new_session=True,
        )
    except OSError as error:
        raise Trouble("gpucheck could not be started: %s" % error) from None
    try:
        while True:
            try:
                out, err = child.communicate(timeout=0.25)
                break
            except subprocess.TimeoutExpired:
                gone = time.monotonic() - begun
                if gone > deadline:
                    raise Trouble("gpucheck did not come to an end within %d s and was ended." % deadline) from None
                if tell is not None:
                    tell(gone)
    finally:
        end(child)
    return parts(child.returncode, out, err)


def end(child):
    """Ends it with its children, if it has not ended. It ends those that have groups of their own when it is asked to."""
    for sign, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
        if child.poll() is not None:
            break
        try:
            os.killpg(child.pid, sign)
            child.wait(seconds)
        except (OSError, subprocess.TimeoutExpired):
            pass
    for pipe in (child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()
