"""The figures of `gpucheck bake --root`: its time on a whole Debian, and its system calls there.

    bake_figures.py GPUCHECK IMAGE STRACE [RUNS]

GPUCHECK is the binary, IMAGE the folder of tests/parts/image.sh. The time is the median of RUNS runs (default 7) after one
that warms the caches. Leaves with status 1 where a bar is missed.
"""
import collections
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

# Seconds for an image of a whole Debian with three environments.
MOST = 2.0
CALLS = (
    "execve,execveat,open,openat,openat2,creat,mkdir,mkdirat,rmdir,mknod,mknodat,unlink,unlinkat,rename,renameat,"
    "renameat2,link,linkat,symlink,symlinkat,chmod,fchmod,fchmodat,chown,fchown,fchownat,lchown,truncate,ftruncate,"
    "utimensat,setxattr,lsetxattr,fsetxattr,removexattr,mount"
)
OPENS = ("open", "openat", "openat2")
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE")


def command(gpucheck, image, *more):
    return [gpucheck, "bake", "--root", image, "--target", "T4", *more]


def run(words, **more):
    start = time.perf_counter()
    ran = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False, **more)
    return time.perf_counter() - start, ran


def calls(log):
    """Each call of a trace: its name and its line."""
    for line in log:
        found = re.match(r"\d+\s+(\w+)\((.*)", line)
        if found:
            yield found.group(1), line.rstrip()


def trace(strace, gpucheck, image):
    """What a run does in the image: the number of looks, and the lines of what it must not do."""
    with tempfile.NamedTemporaryFile("r", errors="replace") as log:
        words = [strace, "-f", "-qq", "-y", "-s", "4096", "-e", "trace=" + CALLS, "-o", log.name]
        run(words + command(gpucheck, image))
        looks, execs, wrong = 0, collections.Counter(), []
        for name, line in calls(log):
            inside = image in line
            if name.startswith("exec"):
                program = re.search(r'"([^"]*)"', line)
                program = program.group(1) if program else line
                own = os.path.realpath(program) == os.path.realpath(gpucheck) or program == "/proc/self/exe"
                execs[program] += 1
                if not own:
                    wrong.append(line)
            elif name in OPENS:
                looks += inside
                if inside and WRITES.search(line):
                    wrong.append(line)
            elif inside:
                wrong.append(line)
        return looks, execs, wrong


def listing(image):
    """Every path of the image with what a change would show in."""
    found = {}
    for folder, folders, files in os.walk(image):
        for name in folders + files:
            path = os.path.join(folder, name)
            stat = os.lstat(path)
            found[path] = (stat.st_mode, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    return found


def main():
    gpucheck, image, strace = sys.argv[1:4]
    gpucheck, image = os.path.realpath(gpucheck), os.path.realpath(image)
    runs = int(sys.argv[4]) if len(sys.argv) > 4 else 7
    before = listing(image)
    report = json.loads(run(command(gpucheck, image, "--format", "json"))[1].stdout)
    pythons = report["machine"]["pythons"]
    times = [run(command(gpucheck, image))[0] for _ in range(runs)]
    median = statistics.median(times)
    looks, execs, wrong = trace(strace, gpucheck, image)
    changed = [path for path, seen in listing(image).items() if before.get(path) != seen]
    checks = [
        ("%d files, %s, %d Pythons with a framework: median of %d %.3f s (at most %.1f s), %s" % (
            len(before), report["machine"]["host"]["os"], len(pythons), runs, median, MOST,
            " ".join("%.3f" % each for each in sorted(times))), median <= MOST and len(pythons) >= 3),
        ("%d looks into the image under strace; run: %s" % (
            looks, ", ".join("%s %d times" % each for each in execs.items())), looks > 100),
        ("%d calls that run or change something of the image (0)" % len(wrong), not wrong),
        ("%d files changed by mode, size or time (0)" % len(changed), not changed),
    ]
    for line in wrong[:20] + changed[:20]:
        print("  " + line, file=sys.stderr)
    for text, held in checks:
        print(("ok      " if held else "MISSED  ") + text)
    return 0 if all(held for _, held in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
