"""The figures of `gpucheck class`: time and memory by the number of reports, as files and as a stream.

    class_figures.py GPUCHECK MACHINES FOLDER

GPUCHECK is the binary, MACHINES the folder tests/machines, FOLDER an empty one. The reports are two goldens, varied: nine of
ten seats have a healthy machine; each has its own name and time. Leaves with status 1 where a bar is missed or a seat is
lost.
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
# Seconds for the files.
FILES_SECONDS = 3.0
# Reports in a stream, and in a folder.
FEWEST, MOST, FILES = 1_000, 100_000, 10_000
# Runs of what takes little.
RUNS = 7


def golden(machines, name):
    """What is said of a machine, as its golden has it."""
    with open(os.path.join(machines, name, "report.json.snap"), encoding="utf-8") as file:
        return file.read().split("---\n", 2)[2]


def reports(machines):
    """What is said of healthy machines and of broken ones, in two lists of texts: the goldens, varied."""
    usual, broken = golden(machines, "t4-535"), golden(machines, "module-missing-new-kernel")
    driver = json.loads(usual)["machine"]["driver"]["version"]
    # One driver in four is another one.
    healthy = [usual.replace(driver, "550.%d.%02d" % (number, number)) if number % 4 == 3 else usual for number in range(64)]
    cause = "module-missing-new-kernel"
    releases = [broken.replace("6.8.0-1032", "6.8.0-%d" % (1032 + number)) for number in range(20)]
    others = [broken.replace(cause, "%s-%d" % (cause, number)) for number in range(40)]
    return healthy, releases + others


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
    healthy, others = reports(machines)
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
    # The better of two: this machine may have something else to do.
    long, memory, answer = min((streamed(stream) for _ in range(2)), key=lambda run: run[0])
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
            FILES, in_files, FILES_SECONDS, of_files >> 20),
            in_files <= FILES_SECONDS),
        ("%d seats of %d kinds: %d ready, %d causes; in files %d seats, %d ready" % (
            answer["seats"]["all"], len(healthy) + len(others), answer["seats"]["ready"], len(answer["causes"]),
            told["seats"]["all"], told["seats"]["ready"]),
            all(said["seats"] == dict(said["seats"], all=count, ready=count * 9 // 10, not_ready=count // 10)
                for said, count in ((answer, MOST), (told, FILES))) and len(answer["causes"]) == 41),
    ]
    for text, held in checks:
        print(("ok      " if held else "MISSED  ") + text)
    return 0 if all(held for _, held in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
