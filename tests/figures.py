"""The figures: gpucheck against the two lines that people type, side by side in one run.

    figures.py GPUCHECK PARTS [RUNS]

GPUCHECK is the binary, PARTS the folder of tests/parts/tensorflow.sh. Every figure is a median of RUNS runs
(default 7) that alternate with those it is compared to, after one of each to warm the caches. Leaves with
status 1 where a bar is missed or the device lists differ.
"""
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

TWO_LINES = (
    "import tensorflow as tf; from tensorflow.python.client import device_lib; "
    "print(device_lib.list_local_devices())"
)
# The whole gpucheck against the two lines, and gpucheck with no Python in reach.
MOST_OF_TWO_LINES = 0.2
MOST_WITHOUT_PYTHON = 0.050
# Finding the environments of a home, beyond what an empty one takes.
MOST_FOR_DISCOVERY = 0.100
ENVIRONMENTS = 20
DISTRIBUTIONS = 200


def run(command, env):
    """Runs a command; gives its wall time in seconds and its output."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        subprocess.call(command, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL)
        wall = time.perf_counter() - start
        output.seek(0)
        return wall, output.read().decode(errors="replace")


def peak_memory(command, env):
    """The most memory of a command's own process, in bytes.

    Not from wait4: its ru_maxrss counts the process's children too, and this one's memory before the exec.
    """
    child = subprocess.Popen(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peak = 0
    while child.poll() is None:
        with open("/proc/%d/status" % child.pid) as status:
            found = re.search(r"VmHWM:\s*(\d+) kB", status.read())
        peak = max(peak, int(found.group(1)) * 1024 if found else 0)
        time.sleep(0.0002)
    return peak


def interleaved(commands, runs):
    """Runs each command in turn, runs + 1 times; gives the medians of all but the first."""
    walls = [[] for _ in commands]
    for _ in range(runs + 1):
        for index, (command, env) in enumerate(commands):
            walls[index].append(run(command, env)[0])
    return [statistics.median(of[1:]) for of in walls]


def environment(folder):
    """This process's variables, in an active virtual environment."""
    env = {name: value for name, value in os.environ.items() if name not in ("CONDA_PREFIX", "PYTHONPATH")}
    env["VIRTUAL_ENV"] = folder
    env["PATH"] = os.path.join(folder, "bin") + os.pathsep + env.get("PATH", "")
    return env


def without_python():
    """Variables that lead to no Python."""
    hidden = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH")
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    env["PATH"] = "/nonexistent"
    return env


def recorded(gpucheck, env):
    """Names and types of the devices in gpucheck's facts."""
    with tempfile.TemporaryDirectory() as folder:
        facts = os.path.join(folder, "facts.json")
        run([gpucheck, "record", "--output", facts], env)
        with open(facts) as file:
            python = json.load(file)["frameworks"]["seen"]["pythons"][0]
    look = python["tensorflow"]["seen"]["looks"][-1]
    devices = look["listing"]["seen"]["devices"]
    return look["way"], [(device["name"], device["device_type"]) for device in devices]


def printed(text):
    """Names and types of the devices that the two lines print."""
    return list(zip(re.findall(r'^.*?\bname: "(/[^"]*)"', text, re.M), re.findall(r'^device_type: "([^"]*)"', text, re.M)))


def compare(gpucheck, folder, runs):
    """One environment; gives whether the bar is met."""
    env = environment(folder)
    two_lines = [os.path.join(folder, "bin", "python"), "-c", TWO_LINES]
    way, ours = recorded(gpucheck, env)
    theirs = printed(run(two_lines, env)[1])
    same = bool(ours) and ours == theirs
    wall, base = interleaved([([gpucheck], env), (two_lines, env)], runs)
    met = same and wall <= MOST_OF_TWO_LINES * base
    print(
        "%-16s %.3fx of the two lines (%.0f ms of %.0f ms; bar %.1fx), %s look, devices %s: %s; parent's peak %.1f MB"
        % (
            os.path.basename(folder),
            wall / base,
            wall * 1e3,
            base * 1e3,
            MOST_OF_TWO_LINES,
            way,
            "the same" if same else "DIFFER, %s and %s" % (ours, theirs),
            "met" if met else "MISSED",
            peak_memory([gpucheck], env) / 1e6,
        )
    )
    return met


def fill(home):
    """Makes a home with virtual environments, each with many distributions and TensorFlow's files among them."""
    for number in range(ENVIRONMENTS):
        prefix = os.path.join(home, ".virtualenvs", str(number))
        site = os.path.join(prefix, "lib", "python3.11", "site-packages")
        os.makedirs(os.path.join(prefix, "bin"))
        os.symlink(sys.executable, os.path.join(prefix, "bin", "python"))
        files = {os.path.join(prefix, "pyvenv.cfg"): "home = /usr/bin\nversion = 3.11.2\n"}
        files[os.path.join(site, "tensorflow", "__init__.py")] = ""
        metadata = "Metadata-Version: 2.1\nName: x\nRequires-Dist: numpy (>=1.23)\n\n" + "Words. " * 1000
        for name in ["tensorflow-2.15.1"] + ["package_%d-1.0" % index for index in range(DISTRIBUTIONS - 1)]:
            files[os.path.join(site, name + ".dist-info", "METADATA")] = metadata
        for path, text in files.items():
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)


def discovery(gpucheck, runs):
    """A home full of environments against an empty one; gives whether the bar is met."""
    with tempfile.TemporaryDirectory() as full, tempfile.TemporaryDirectory() as empty:
        fill(full)
        command = [gpucheck, "--only", "notebooks", "--format", "json"]
        walls = interleaved([(command, dict(without_python(), HOME=home)) for home in (full, empty)], runs)
    met = walls[0] - walls[1] <= MOST_FOR_DISCOVERY
    print(
        "%-16s %d environments with %d distributions each: %.1f ms (bar %.0f ms), %.1f ms in all: %s"
        % (
            "discovery",
            ENVIRONMENTS,
            DISTRIBUTIONS,
            (walls[0] - walls[1]) * 1e3,
            MOST_FOR_DISCOVERY * 1e3,
            walls[0] * 1e3,
            "met" if met else "MISSED",
        )
    )
    return met


def main():
    """Prints every figure."""
    gpucheck, parts = (os.path.abspath(path) for path in sys.argv[1:3])
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 7
    met = [compare(gpucheck, os.path.join(parts, name), runs) for name in ("tensorflow", "tensorflow-cpu")]
    (wall,) = interleaved([([gpucheck], without_python())], 3 * runs)
    met.append(wall <= MOST_WITHOUT_PYTHON)
    print(
        "%-16s %.1f ms (bar %.0f ms): %s; parent's peak %.1f MB"
        % (
            "no Python",
            wall * 1e3,
            MOST_WITHOUT_PYTHON * 1e3,
            "met" if met[-1] else "MISSED",
            peak_memory([gpucheck], without_python()) / 1e6,
        )
    )
    met.append(discovery(gpucheck, runs))
    print("%-16s %.2f MB" % ("binary", os.path.getsize(gpucheck) / 1e6))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
