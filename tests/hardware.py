"""What a run of gpucheck on a real GPU is held to; hardware.sh makes the run and calls this.

    hardware.py judge CAPTURE      prints each figure with its bar; 0 all met, 1 one missed, 3 one could not be told
    hardware.py machine CAPTURE    writes CAPTURE/machine.json, a machine for tests/machines

CAPTURE is the folder that hardware.sh left, so that a run can be judged again anywhere. A figure that could not be had
is never taken for met. Needs Python 3.6 or newer and nothing else.
"""
import json
import os
import statistics
import sys

# Deep work: how much of the free memory it tests, and how fast against a copy within the same device.
LEAST_COVERED, LEAST_OF_COPY = 0.95, 0.90
# The usual level, beyond the making of the context, in seconds.
MOST_OF_USUAL = 1.5
# Copies and products against those of another tool in the same run.
MOST_APART_COPY, MOST_APART_PRODUCT = 0.03, 0.05
# From Ctrl-C to the end, in seconds.
MOST_AFTER_INTERRUPT = 2.0
# gpucheck slow watches for this long, in seconds.
SLOW = 5.0
# Ways of copying in the facts, and what they are called.
COPIES = [("copy", "device to device"), ("upload", "host to device"), ("download", "device to host")]


class Figure:
    """Something that was measured, and whether it meets its bar; `met` is none where that cannot be told."""

    def __init__(self, name, value, bar, met):
        self.name, self.value, self.bar, self.met = name, value, bar, met

    def line(self):
        """As a person reads it."""
        word = {True: "met", False: "MISSED", None: "NOT MEASURED"}[self.met]
        return "%-12s  %s: %s (bar: %s)" % (word, self.name, self.value, self.bar)


def seen(observed):
    """A fact's value, and why there is none. What was interrupted is not whole."""
    if not isinstance(observed, dict):
        return None, "not in the facts"
    if "seen" in observed:
        return observed["seen"], None
    # Of what was interrupted it is said by what.
    return None, json.dumps((observed.get("interrupted") or {}).get("by") or observed, sort_keys=True)[:160]


def devices(facts):
    """The devices that were put to work, and why there are none."""
    work, why = seen((facts or {}).get("work"))
    found = (work or {}).get("devices") or []
    return found, why or (None if found else "no device was put to work")


def name_of(device):
    """How a device is called in figures."""
    return "GPU %s" % (device.get("pci") or device.get("ordinal"))


def gib(count):
    """Bytes for a person."""
    return "%.2f GiB" % (count / 2.0**30)


def rate(count, microseconds):
    """Bytes or operations in a second; none where no time passed."""
    return count * 1e6 / microseconds if microseconds else None


def unmeasured(name, bar, why):
    """A figure that could not be had."""
    return Figure(name, why, bar, None)


def wrong_in(observed):
    """How much was wrong, also in what was interrupted."""
    observed = observed if isinstance(observed, dict) else {}
    value = observed.get("seen") or (observed.get("interrupted") or {}).get("seen")
    return (value or {}).get("wrong") or 0


def right(level, facts):
    """Nothing may be wrong in what was computed, written and copied, and something must have been."""
    found, why = devices(facts)
    bar = "0 wrong"
    if why:
        return [unmeasured("%s: results" % level, bar, why)]
    figures = []
    for device in found:
        name = "%s %s: results" % (name_of(device), level)
        steps = ["integer_product", "float_product", "memory", "copy", "upload", "download", "arithmetic"]
        told = {step: seen(device.get(step)) for step in steps}
        wrong = sum(wrong_in(device.get(step)) for step in steps)
        left_out = sorted(step for step, (value, _) in told.items() if not value)
        if wrong:
            figures.append(Figure(name, "%d wrong" % wrong, bar, False))
        elif left_out:
            reason = device.get("stepped_back") or told[left_out[0]][1]
            figures.append(unmeasured(name, bar, "without %s: %s" % (", ".join(left_out), reason)))
        else:
            figures.append(Figure(name, "0 wrong in %d steps" % len(steps), bar, True))
    return figures


def covered(device):
    """How much of the free memory deep work tested."""
    name, bar = "%s deep: memory tested" % name_of(device), ">= %.0f %% of free" % (LEAST_COVERED * 100)
    (memory, no_memory), (free, no_free) = seen(device.get("memory")), seen(device.get("free"))
    if not memory or not free:
        return unmeasured(name, bar, no_memory or no_free or "no memory was free")
    share = memory["bytes"] / free
    value = "%.1f %% of %s, in %d passes" % (share * 100, gib(free), len(memory["passes"]))
    return Figure(name, value, bar, share >= LEAST_COVERED and bool(memory["passes"]))


def against_copy(device):
    """How fast deep work writes and reads, against a copy, which reads and writes as well."""
    name, bar = "%s deep: memory test" % name_of(device), ">= %.0f %% of a copy's rate" % (LEAST_OF_COPY * 100)
    (memory, no_memory), (copy, no_copy) = seen(device.get("memory")), seen(device.get("copy"))
    if not memory or not copy:
        return unmeasured(name, bar, no_memory or no_copy)
    passes = memory["passes"]
    tested = rate(2 * memory["bytes"] * len(passes), sum(one["write_us"] + one["check_us"] for one in passes))
    copied = rate(2 * copy["bytes"], copy["device_us"])
    if not tested or not copied:
        return unmeasured(name, bar, "no time was taken of it")
    value = "%.1f %% (%.1f GB/s of %.1f GB/s)" % (tested / copied * 100, tested / 1e9, copied / 1e9)
    return Figure(name, value, bar, tested >= LEAST_OF_COPY * copied)


def usual_time(facts):
    """What the usual level takes beyond the making of the context."""
    found, why = devices(facts)
    bar = "<= %.1f s beyond the context" % MOST_OF_USUAL
    if why:
        return [unmeasured("usual: time", bar, why)]
    figures = []
    for device in found:
        steps = [(step["name"], step["wall_us"]) for step in device.get("steps") or []]
        name = "%s usual: time" % name_of(device)
        took = sum(us for step, us in steps if step != "context") / 1e6
        each = ", ".join("%s %.0f ms" % (step, us / 1e3) for step, us in steps)
        if not any(step != "context" for step, _ in steps):
            figures.append(unmeasured(name, bar, "no step was timed"))
        else:
            figures.append(Figure(name, "%.3f s (%s)" % (took, each), bar, took <= MOST_OF_USUAL))
    return figures


def products(facts, device, tool):
    """What cuBLAS reached on a device in gpucheck's facts, the other tool's own cuBLAS first: size and operations a second."""
    frameworks, _ = seen((facts or {}).get("frameworks"))
    found = []
    for python in (frameworks or {}).get("pythons") or []:
        libraries, _ = seen(python.get("cuda_libraries"))
        for one in (libraries or {}).get("frameworks") or []:
            cublas, _ = seen(one.get("cublas"))
            product, _ = seen((cublas or {}).get("sgemm"))
            if product and not product["wrong"] and cublas.get("pci") == device.get("pci"):
                # PyTorch's name in facts is torch.
                own = tool.lower().startswith(("py" if one["framework"] == "torch" else "") + one["framework"])
                found.append((not own, product["size"], rate(product["operations"], product["device_us"])))
    return [(size, reached) for _, size, reached in sorted(found, key=lambda one: one[0])]


def apart(name, ours, theirs, most, unit, tool):
    """Ours against what another tool reached before and after; theirs is a list."""
    bar = "within %.0f %% of %s" % (most * 100, tool)
    if not ours or not theirs:
        return unmeasured(name, bar, "gpucheck has no figure" if not ours else "the other tool has no figure")
    other = statistics.mean(theirs)
    off = ours / other - 1
    return Figure(name, "%.2f %s, %+.1f %% (%.2f)" % (ours / 1e9, unit, off * 100, other / 1e9), bar, abs(off) <= most)


def independent(facts, measured):
    """gpucheck's figures against another tool's, which were taken before and after them."""
    found, why = devices(facts)
    measured = [one for one in measured if one]
    tool = measured[0]["tool"] if measured else "PyTorch or CuPy"
    if why or not measured:
        why = why or "no Python with PyTorch or CuPy was given (--python)"
        return [
            unmeasured("copies", "within %.0f %% of %s" % (MOST_APART_COPY * 100, tool), why),
            unmeasured("product", "within %.0f %% of %s" % (MOST_APART_PRODUCT * 100, tool), why),
        ]
    figures = []
    for device in found:
        ordinal = device.get("ordinal")
        others = [other for one in measured for other in one["devices"] if other["ordinal"] == ordinal]
        for field, label in COPIES:
            copy, _ = seen(device.get(field))
            # What is copied within a device is read and written there.
            times = 2 if field == "copy" else 1
            ours = rate(times * copy["bytes"], copy["device_us"]) if copy else None
            theirs = [other[field] for other in others if other.get(field)]
            figures.append(apart("%s %s" % (name_of(device), label), ours, theirs, MOST_APART_COPY, "GB/s", tool))
        size, ours = (products(facts, device, tool) or [(None, None)])[0]
        theirs = [other["products"][str(size)] for other in others if str(size) in other["products"]]
        name = "%s product of floats by cuBLAS, %s rows" % (name_of(device), size or "no")
        figures.append(apart(name, ours, theirs, MOST_APART_PRODUCT, "GFLOP/s", tool))
    return figures


def rows(text):
    """Lines of fields between tabs."""
    return [line.split("\t") for line in (text or "").splitlines() if line.strip()]


def left(runs, memory, processes):
    """After each run no memory may be taken that was not before, and no process may be left."""
    before = {gpu: used for when, gpu, used in rows(memory) if when == "before"}
    known = {pid for when, pid in rows(processes) if when == "before"}
    figures = []
    for run in runs:
        name, bar = "%s: left behind" % run, "no process, 0 MiB"
        after = [(gpu, used) for when, gpu, used in rows(memory) if when == run]
        told = after and all(used.isdigit() and before.get(gpu, "").isdigit() for gpu, used in after)
        new = {pid for when, pid in rows(processes) if when == run} - known
        if not told and not new:
            figures.append(unmeasured(name, bar, "nvidia-smi did not tell the memory in use"))
            continue
        more = [max(0, int(used) - int(before[gpu])) for gpu, used in after] if told else [0]
        value = "%d processes, %d MiB" % (len(new), sum(more))
        figures.append(Figure(name, value, bar, not new and not sum(more)))
    return figures


def ended(runs):
    """Each run must end with an answer; `runs` has a name, an exit status and milliseconds."""
    figures = []
    for name, status, milliseconds in runs:
        if name == "interrupted":
            continue
        seconds = int(milliseconds) / 1e3
        value = "status %s after %.1f s" % (status, seconds)
        if name == "slow":
            # What it says is no verdict about the GPU.
            met = status in ("0", "1", "3") and seconds >= SLOW
            figures.append(Figure(name, value, "an answer, >= %.0f s" % SLOW, met))
        else:
            figures.append(Figure(name, value, "a verdict, usable", {"0": True, "3": None}.get(status, False)))
    return figures


def interrupted(runs):
    """Ctrl-C in the middle of deep work."""
    name, bar = "interrupted: end", "by the signal, <= %.0f s after it" % MOST_AFTER_INTERRUPT
    found = [(status, milliseconds) for run, status, milliseconds in runs if run == "interrupted"]
    if not found:
        return [unmeasured(name, bar, "it was not tried")]
    status, milliseconds = found[0]
    value = "status %s after %.2f s" % (status, int(milliseconds) / 1e3)
    if status in ("0", "1", "3"):
        return [unmeasured(name, bar, value + ": it had ended before")]
    return [Figure(name, value, bar, status == "130" and int(milliseconds) <= MOST_AFTER_INTERRUPT * 1e3)]


def soaked(runs, facts, wanted):
    """The soak lasted as long as was asked."""
    if wanted is None:
        return []
    work, why = seen((facts or {}).get("work"))
    name, bar = "soak: lasted", ">= %d s" % wanted
    lasted = (work or {}).get("soaked_s")
    if lasted is None:
        return [unmeasured(name, bar, why or "the facts do not tell")]
    return [Figure(name, "%d s" % lasted, bar, lasted >= wanted)] + right("soak", facts)


class Capture:
    """What hardware.sh left."""

    def __init__(self, folder):
        self.folder = folder

    def text(self, name):
        """A file's text; none where it is not there."""
        try:
            with open(os.path.join(self.folder, name)) as file:
                return file.read()
        except OSError:
            return None

    def json(self, name):
        """A file's value; none where it is not there or no JSON."""
        try:
            return json.loads(self.text(name) or "")
        except ValueError:
            return None


def figures_of(capture):
    """All figures of a run."""
    runs = rows(capture.text("runs.tsv"))
    usual, deep = capture.json("facts-usual.json"), capture.json("facts-deep.json")
    soak = capture.text("soak-seconds.txt")
    figures = ended(runs) + right("usual", usual) + usual_time(usual) + right("deep", deep)
    found, why = devices(deep)
    for device in found:
        figures += [covered(device), against_copy(device)]
    if why:
        figures += [unmeasured("deep: memory", ">= %.0f %% of free" % (LEAST_COVERED * 100), why)]
    figures += independent(deep, [capture.json("measured-before.json"), capture.json("measured-after.json")])
    figures += soaked(runs, capture.json("facts-soak.json"), int(soak) if soak else None)
    figures += interrupted(runs)
    figures += left([run[0] for run in runs], capture.text("memory.tsv"), capture.text("processes.tsv"))
    return figures


def judge(capture):
    """Prints all figures; gives the exit status."""
    figures = figures_of(capture)
    for figure in figures:
        print(figure.line())
    missed, untold = (sum(figure.met is met for figure in figures) for met in (False, None))
    print("%d figures: %d missed, %d not measured" % (len(figures), missed, untold))
    return 1 if missed else 3 if untold else 0


def machine(capture):
    """Writes a machine for tests/machines from the deep run's facts and what gpucheck said of them."""
    facts, report, status = capture.json("facts-deep.json"), capture.json("judged.json"), capture.text("judged-status.txt")
    if not facts or not report or status is None:
        print("hardware.py: no facts of a deep run that were judged", file=sys.stderr)
        return 1
    gpus = ", ".join(sorted({gpu.get("name") or "GPU" for gpu in report["machine"]["gpus"]})) or "no GPU"
    roots = [
        {"id": root["id"], "cause": root["cause"], "subject": root["subject"]["name"]} for root in report["roots"]
    ]
    made = {
        "about": "REVIEW: %s as tests/hardware.sh met it on %s; say what is particular about it" % (gpus, facts["taken_at"][:10]),
        "source": "REVIEW: captured by tests/hardware.sh with gpucheck %s; the expectation below is what gpucheck itself "
        "said and is to be held against the machine" % facts["gpucheck"],
        "facts": facts,
        "expect": {"verdict": report["verdict"], "exit": int(status), "roots": roots},
    }
    with open(os.path.join(capture.folder, "machine.json"), "w") as file:
        json.dump(made, file, indent=1, ensure_ascii=False)
        file.write("\n")
    return 0


def main(arguments):
    """The command line."""
    if len(arguments) == 2 and arguments[0] in ("judge", "machine"):
        return {"judge": judge, "machine": machine}[arguments[0]](Capture(arguments[1]))
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
