"""The figures: gpucheck against the two lines that people type, side by side in one run.

    figures.py GPUCHECK PARTS SIMULATE [RUNS]

GPUCHECK is the binary, PARTS the folder of tests/parts/tensorflow.sh, SIMULATE what lays a machine of the tests into a
folder. Every figure is a median of RUNS runs
(default 7) that alternate with those it is compared to, after one of each to warm the caches. Leaves with
status 1 where a bar is missed or the device lists differ.
"""
import json
import os
import re
import shutil
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
# Four notebook kernels in two environments against the two lines once for each, and the same once more.
MOST_OF_FOUR = 0.6
MOST_OF_FOUR_AGAIN = 0.05
# Finding this many environments, each with so many distributions, in seconds.
ENVIRONMENTS, DISTRIBUTIONS, MOST_OF_DISCOVERY = 20, 200, 0.100
# The usual work on a simulated GPU, from the start of its kernels to what is said of them: the whole, but for what
# gpucheck takes without it, against the steps of the work.
MACHINE, MOST_OF_STEPS, PIECE = "azure-t4-535", 1.5, 64 << 20


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


def at_home(home):
    """Variables that lead to no Python but to those that this home has."""
    return {"HOME": home, "PATH": "/nonexistent", "LANG": "C.UTF-8"}


def environment(folder, home):
    """The same, in an active virtual environment."""
    return dict(at_home(home), VIRTUAL_ENV=folder, PATH=os.path.join(folder, "bin") + ":/usr/bin:/bin")


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


def compare(gpucheck, folder, home, runs):
    """One environment; gives whether the bar is met."""
    env = environment(folder, home)
    gpucheck = [gpucheck, "--fresh"]
    two_lines = [os.path.join(folder, "bin", "python"), "-c", TWO_LINES]
    way, ours = recorded(gpucheck[0], env)
    theirs = printed(run(two_lines, env)[1])
    same = bool(ours) and ours == theirs
    wall, base = interleaved([(gpucheck, env), (two_lines, env)], runs)
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
            word(met),
            peak_memory(gpucheck, env) / 1e6,
        )
    )
    return met


def word(met):
    """Whether a bar is met, in a word."""
    return "met" if met else "MISSED"


def kernels(gpucheck, folders, runs):
    """Two notebook kernels in each environment; gives whether both bars are met."""
    with tempfile.TemporaryDirectory() as home:
        pythons = [os.path.join(folder, "bin", "python") for folder in folders for _ in range(2)]
        for index, python in enumerate(pythons):
            folder = os.path.join(home, ".local/share/jupyter/kernels", "kernel-%d" % index)
            os.makedirs(folder)
            spec = {"argv": [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"], "language": "python"}
            with open(os.path.join(folder, "kernel.json"), "w") as file:
                json.dump(spec, file)
        env = at_home(home)
        base, first, again = [], [], []
        for _ in range(runs + 1):
            base.append(sum(run([python, "-c", TWO_LINES], env)[0] for python in pythons))
            first.append(run([gpucheck, "--fresh"], env)[0])
            again.append(run([gpucheck], env)[0])
        report = json.loads(run([gpucheck, "--format", "json"], env)[1])
    rows = [row for row in report["usable_from"] if row["subject"]["kind"] == "notebook" and row["frameworks"]]
    base, first, again = (statistics.median(walls[1:]) for walls in (base, first, again))
    whole = len(rows) == len(pythons) and all(row["retold_s"] is not None for row in rows)
    met = [whole and first <= MOST_OF_FOUR * base, whole and again <= MOST_OF_FOUR_AGAIN * base]
    for name, wall, bar, is_met in zip(("4 kernels", "4 kernels again"), (first, again), (MOST_OF_FOUR, MOST_OF_FOUR_AGAIN), met):
        print(
            "%-16s %.3fx of the two lines for each (%.0f ms of %.0f ms; bar %.2fx), %d answers: %s"
            % (name, wall / base, wall * 1e3, base * 1e3, bar, len(rows), word(is_met))
        )
    return all(met)


def discovery(gpucheck, runs):
    """Environments with many distributions and no framework, which are found and not started; whether the bar is met."""
    with tempfile.TemporaryDirectory() as full, tempfile.TemporaryDirectory() as empty:
        for number in range(ENVIRONMENTS):
            prefix = os.path.join(full, ".virtualenvs", "class-%d" % number)
            site = os.path.join(prefix, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")
            for package in range(DISTRIBUTIONS):
                folder = os.path.join(site, "package_%d-1.%d.dist-info" % (package, number))
                os.makedirs(folder)
                with open(os.path.join(folder, "METADATA"), "w") as file:
                    file.write("Metadata-Version: 2.1\nName: package-%d\nRequires-Dist: numpy>=1.22\n" % package)
            os.makedirs(os.path.join(prefix, "bin"))
            os.symlink(sys.executable, os.path.join(prefix, "bin", "python"))
            with open(os.path.join(prefix, "pyvenv.cfg"), "w") as file:
                file.write("home = %s\nversion = %d.%d.%d\n" % ((os.path.dirname(sys.executable),) + sys.version_info[:3]))
        facts = os.path.join(empty, "facts.json")
        run([gpucheck, "record", "--output", facts], at_home(full))
        with open(facts) as file:
            found = json.load(file)["frameworks"]["seen"]
        ours = [place for place in found["environments"] if "/.virtualenvs/class-" in place["prefix"]]
        os.remove(facts)
        command = [gpucheck, "--fresh"]
        wall, base = interleaved([(command, at_home(full)), (command, at_home(empty))], 3 * runs)
    met = len(ours) == ENVIRONMENTS and not found["pythons"] and wall - base <= MOST_OF_DISCOVERY
    print(
        "%-16s %d environments with %d distributions each: %.1f ms (%.1f ms with and %.1f ms without them; bar %.0f ms): %s"
        % ("discovery", len(ours), DISTRIBUTIONS, (wall - base) * 1e3, wall * 1e3, base * 1e3, MOST_OF_DISCOVERY * 1e3, word(met))
    )
    return met


def staged(simulate, folder):
    """Lays a simulated machine into a folder that stays; gives that, and the arguments and variables that lead to it."""
    told = os.path.join(folder, "told.json")
    spy = os.path.join(folder, "spy")
    with open(spy, "w") as file:
        file.write("#!%s\nimport json, os, sys\n" % sys.executable)
        file.write("json.dump([sys.argv[1:], dict(os.environ)], open(%r, 'w'))\n" % told)
    os.chmod(spy, 0o755)
    said = subprocess.run(
        [simulate, "--keep", MACHINE], env=dict(os.environ, GPUCHECK=spy), stderr=subprocess.PIPE, check=True
    ).stderr.decode()
    with open(told) as file:
        return [said.split(" lies in ")[1].strip()] + json.load(file)


def work(gpucheck, simulate, runs):
    """The usual work on a simulated GPU, step by step; gives whether the bar is met."""
    with tempfile.TemporaryDirectory() as folder:
        machine, arguments, env = staged(simulate, folder)
        facts = os.path.join(folder, "facts.json")
        # All of the usual work, and no metadata service: the machine's own has gone.
        arguments = [argument for argument in arguments if argument != "--small-work"] + ["--no-cloud-metadata"]
        walls, bases, each = [], [], []
        try:
            for _ in range(runs + 1):
                run([gpucheck, "record", "--output", facts] + arguments, env)
                with open(facts) as file:
                    device = json.load(file)["work"]["seen"]["devices"][0]
                each.append([step["wall_us"] / 1e6 for step in device["steps"]])
                walls.append(run([gpucheck] + arguments, env)[0])
                # What reads the work, and the first look at CUDA.
                bases.append(run([gpucheck, "--skip", "compute,performance"] + arguments, env)[0])
        finally:
            shutil.rmtree(machine)
    steps = [statistics.median(step) for step in list(zip(*each[1:]))]
    wall, base = statistics.median(walls[1:]), statistics.median(bases[1:])
    met = sum(steps) > 0 and wall - base <= MOST_OF_STEPS * sum(steps)
    names = [step["name"].replace("_", " ") for step in device["steps"]]
    print(
        "%-16s %s; %.0f ms from kernel start to verdict, %.2fx of its steps (%.0f ms with and %.0f ms without; bar %.2fx): %s"
        % (
            "work, simulated",
            ", ".join("%s %.0f ms" % (name, step * 1e3) for name, step in zip(names, steps)),
            (wall - base) * 1e3,
            (wall - base) / sum(steps),
            wall * 1e3,
            base * 1e3,
            MOST_OF_STEPS,
            word(met),
        )
    )
    memory = device["memory"]["seen"]
    pieces = len(memory["passes"]) * memory["bytes"] / PIECE
    print("%-16s %.0f ms for a pattern over %d MiB, written and checked" % ("", steps[names.index("memory")] / pieces * 1e3, PIECE >> 20))
    return met


def main():
    """Prints every figure."""
    gpucheck, parts, simulate = (os.path.abspath(path) for path in sys.argv[1:4])
    runs = int(sys.argv[4]) if len(sys.argv) > 4 else 7
    folders = [os.path.join(parts, name) for name in ("tensorflow", "tensorflow-cpu")]
    with tempfile.TemporaryDirectory() as home:
        met = [compare(gpucheck, folder, home, runs) for folder in folders]
        (wall,) = interleaved([([gpucheck], at_home(home))], 3 * runs)
        met.append(wall <= MOST_WITHOUT_PYTHON)
        print(
            "%-16s %.1f ms (bar %.0f ms): %s; parent's peak %.1f MB"
            % (
                "no Python",
                wall * 1e3,
                MOST_WITHOUT_PYTHON * 1e3,
                word(met[-1]),
                peak_memory([gpucheck], at_home(home)) / 1e6,
            )
        )
    met.append(kernels(gpucheck, folders, min(runs, 3)))
    met.append(discovery(gpucheck, runs))
    met.append(work(gpucheck, simulate, runs))
    print("%-16s %.2f MB" % ("binary", os.path.getsize(gpucheck) / 1e6))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
