"""The figures of `gpucheck class`: time and memory by the number of reports, as files and as a stream.

    class_figures.py GPUCHECK MACHINES FOLDER

GPUCHECK is the binary, MACHINES the folder tests/machines, FOLDER an empty one. The reports are what GPUCHECK says of some
of the machines: nine of ten seats have a healthy one, the rest any; each has its own name and time. Leaves with status 1
where a bar is missed or a seat is lost.
"""
import json
import os
import re
import statistics
import subprocess
import sys
import time

# Seconds and bytes for the most reports, and by how much a report may take longer among them than among the fewest.
MOST_SECONDS, MOST_MEMORY, MOST_GROWTH = 10.0, 100 << 20, 1.5
# Reports in a stream, and in a folder.
FEWEST, MOST, FILES = 1_000, 100_000, 10_000
# Runs of what takes little.
RUNS = 7
HEALTHY = ("t4-535", "azure-t4-535", "azure-t4-570")


def reports(gpucheck, machines):
    """What is said of healthy machines, and of all others, in two lists of texts."""
    healthy, others = [], []
    for name in sorted(os.listdir(machines))[::3] + list(HEALTHY):
        facts = os.path.join(machines, name, "machine.json")
        if not os.path.exists(facts):
            continue
        said = subprocess.run([gpucheck, "judge", facts, "--format", "json"], capture_output=True, check=False)
        report = json.loads(said.stdout)
        if report["profile"] != "slow":
            is_healthy = name in HEALTHY and report["verdict"] == "usable"
            (healthy if is_healthy else others).append(said.stdout.decode())
    return healthy, others


def seats(count, healthy, others):
    """The name and the report of each seat."""
    for number in range(count):
        among = others if number % 10 == 0 else healthy
        text = among[number // 10 % len(among)]
        taken = '"taken_at": "2026-11-%02dT%02d:%02d:%02dZ"' % (
            number // 86400 % 28 + 1, number // 3600 % 24, number // 60 % 60, number % 60)
        yield "seat-%06d" % number, re.sub('"taken_at": "[^"]*"', taken, text, count=1)


def one_line(name, text):
    """As `jq -c` writes it, with the seat's name."""
    return '{"seat":"%s",%s\n' % (name, re.sub(r"\n *", "", text)[1:])


def run(gpucheck, words, stdin=subprocess.DEVNULL):
    """Wall time in seconds, the most memory in bytes, and the answer."""
    start = time.perf_counter()
    child = subprocess.Popen(
        [gpucheck, "class", "--format", "json", *words], stdin=stdin, stdout=subprocess.PIPE)
    said = child.stdout.read()
    _, _, usage = os.wait4(child.pid, 0)
    return time.perf_counter() - start, usage.ru_maxrss << 10, json.loads(said)


def main():
    gpucheck, machines, folder = sys.argv[1:4]
    healthy, others = reports(gpucheck, machines)
    stream, few, files = (os.path.join(folder, name) for name in ("most.jsonl", "few.jsonl", "files"))
    os.mkdir(files)
    for path, count in ((few, FEWEST), (stream, MOST)):
        with open(path, "w", buffering=1 << 20) as out:
            out.writelines(one_line(*seat) for seat in seats(count, healthy, others))
    for name, text in seats(FILES, healthy, others):
        with open(os.path.join(files, name + ".json"), "w") as out:
            out.write(text)

    def streamed(path):
        with open(path, "rb") as source:
            return run(gpucheck, ["-"], source)

    some = [streamed(few) for _ in range(RUNS)]
    short = statistics.median(each[0] for each in some)
    long, memory, answer = streamed(stream)
    in_files, of_files, told = run(gpucheck, [files])
    growth = (long / MOST) / (short / FEWEST)
    checks = [
        ("%d reports in a stream of %d MB: %.3f s, median of %d, %d MiB" % (
            FEWEST, os.path.getsize(few) // 10**6, short, RUNS, max(each[1] for each in some) >> 20), True),
        ("%d reports in a stream of %d MB: %.2f s (at most %.0f s), %d MiB (at most %d MiB)" % (
            MOST, os.path.getsize(stream) // 10**6, long, MOST_SECONDS, memory >> 20, MOST_MEMORY >> 20),
            long <= MOST_SECONDS and memory <= MOST_MEMORY),
        ("a report of %d takes %.2f times what one of %d takes (at most %.1f)" % (
            MOST, growth, FEWEST, MOST_GROWTH), growth <= MOST_GROWTH),
        ("%d reports in files: %.2f s (at most %.1f s), %d MiB" % (
            FILES, in_files, MOST_SECONDS * FILES / MOST, of_files >> 20),
            in_files <= MOST_SECONDS * FILES / MOST),
        ("%d seats of %d kinds: %d ready, %d causes; in files %d seats, %d ready" % (
            answer["seats"]["all"], len(healthy) + len(others), answer["seats"]["ready"], len(answer["causes"]),
            told["seats"]["all"], told["seats"]["ready"]),
            answer["seats"]["all"] == MOST and told["seats"]["all"] == FILES
            and answer["seats"]["ready"] >= MOST * 0.9 and told["seats"]["ready"] >= FILES * 0.9
            and len(answer["causes"]) > 10 and not answer["unread"]),
    ]
    for text, held in checks:
        print(("ok      " if held else "MISSED  ") + text)
    return 0 if all(held for _, held in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
