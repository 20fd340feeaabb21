"""How long a login waits for `gpucheck motd`: the median of its runs over that of /bin/true, run in turns.

Called with the program and the number of runs. The report is that of a machine of the tests, with as many checks and Pythons
again as make it the largest that the daemon keeps of a machine with 40 environments.
"""

import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

BAR_MS = 5.0
GOLDEN = pathlib.Path(__file__).parent / "machines/t4-535/report.json.snap"
ENVIRONMENTS = 40


def lay(folder):
    """A machine that runs for a day, with the daemon's report of a minute ago."""
    report = json.loads(GOLDEN.read_text(encoding="utf-8").split("---\n", 2)[2])
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)
    report["taken_at"] = then.strftime("%Y-%m-%dT%H:%M:%SZ")
    of_pythons = [outcome for outcome in report["outcomes"] if outcome["subject"]["kind"] == "python"]
    report["outcomes"] += of_pythons * ENVIRONMENTS
    report["machine"]["pythons"] *= ENVIRONMENTS
    state = folder / "var/lib/gpucheck/daemon"
    state.mkdir(parents=True)
    (folder / "proc").mkdir()
    (folder / "proc/uptime").write_text("86400.00 1.00\n")
    text = json.dumps(report, indent=2)
    (state / "report.json").write_text(text)
    return len(text)


def run(command):
    start = time.perf_counter()
    ran = subprocess.run(command, stdout=subprocess.PIPE, env={}, stdin=subprocess.DEVNULL, check=True)
    return 1000 * (time.perf_counter() - start), ran.stdout


def main():
    gpucheck, runs = os.path.abspath(sys.argv[1]), int((sys.argv[2:] or ["50"])[0])
    with tempfile.TemporaryDirectory() as folder:
        size = lay(pathlib.Path(folder))
        motd, nothing = [gpucheck, "motd", "--root", folder], ["/bin/true"]
        said = run(motd)[1].decode()
        assert said.startswith("GPU: Tesla T4, usable"), said
        times = [(run(motd)[0], run(nothing)[0]) for _ in range(runs)]
    ours, theirs = (statistics.median(column) for column in zip(*times))
    met = ours - theirs <= BAR_MS
    print(
        f"login            {ours - theirs:.1f} ms ({ours:.1f} ms, /bin/true {theirs:.1f} ms; median of {runs}; "
        f"a report of {size / 1000:.0f} kB; bar {BAR_MS:.0f} ms): {'met' if met else 'MISSED'}"
    )
    sys.exit(not met)


main()
