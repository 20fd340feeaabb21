"""The daemon's figures: what it takes while nothing happens, whether it grows, and how fast it answers.

    daemon_figures.py GPUCHECK SIMULATE

GPUCHECK is the binary, SIMULATE what lays a machine of the tests into a folder. What is compared runs side by side. Leaves
with status 1 where a bar is missed.
"""
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from figures import run, staged, word

# Memory of the idle daemon, resident and its own, in bytes; how often it wakes a minute.
MOST_RESIDENT, MOST_PRIVATE, MOST_WAKES = 6e6, 2e6, 4
# Looks and questions after which it has to be as large as before, in bytes.
LOOKS, QUESTIONS, MOST_GROWTH = 10_000, 10_000, 128 << 10
# Clients at once, and the time within which all but one in a hundred have their answer, in seconds.
CLIENTS, MOST_P99 = 1000, 0.050
# A plain gpucheck that is answered by the daemon, in seconds.
MOST_ANSWERED = 0.010
# How long the idle daemon is watched, in seconds.
IDLE = 20

# A look that says what a real one says, at once.
LOOKER = """
#include <stdio.h>
int main(void) {
    FILE *report = fopen("%s/report.json.new", "w");
    fputs("{}", report);
    fclose(report);
    puts("{\\"gpucheck\\":\\"%s\\",\\"written\\":true,\\"full\\":true,\\"confirms\\":false,\\"verdict\\":\\"usable\\","
         "\\"answer\\":\\"USABLE: a GPU computes\\",\\"held_back\\":null,\\"view\\":null}");
    return 0;
}
"""


# So many who connect and say nothing, then so many who connect, ask, and read to the end: seconds from the connection to
# that, and bytes, of each.
ASKING = r"""
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}
static int reach(const char *path) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strncpy(to.sun_path, path, sizeof to.sun_path - 1);
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    if (s < 0 || connect(s, (void *)&to, sizeof to) != 0) { perror("connect"); exit(1); }
    return s;
}
int main(int argc, char **argv) {
    static const char asked[] = "{\"protocol\":1,\"ask\":\"report\"}\n";
    static double began[65536];
    static long length[65536];
    static char buffer[1 << 20];
    int count = atoi(argv[2]), left = count, poll = epoll_create1(0);
    struct rlimit files = {8192, 8192};
    setrlimit(RLIMIT_NOFILE, &files);
    for (int i = 0; i < count; i++) reach(argv[1]);
    for (int i = 0; i < count; i++) {
        double start = now();
        int s = reach(argv[1]);
        began[s] = start;
        if (write(s, asked, sizeof asked - 1) < 0) { perror("write"); return 1; }
        fcntl(s, F_SETFL, O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = s};
        epoll_ctl(poll, EPOLL_CTL_ADD, s, &event);
    }
    while (left > 0) {
        struct epoll_event events[256];
        int found = epoll_wait(poll, events, 256, 10000);
        if (found <= 0) return 1;
        for (int i = 0; i < found; i++) {
            int s = events[i].data.fd;
            long got = read(s, buffer, sizeof buffer);
            if (got > 0) { length[s] += got; continue; }
            printf("%.6f %ld\n", now() - began[s], length[s]);
            close(s);
            left--;
        }
    }
    return 0;
}
"""


class Daemon:
    """A daemon in a folder of its own."""

    def __init__(self, gpucheck, folder, arguments, env):
        self.folder, self.socket = folder, os.path.join(folder, "socket")
        home = os.path.join(folder, "home")
        os.makedirs(home, exist_ok=True)
        self.env = dict(env, HOME=home)
        command = [gpucheck, "daemon", "--state", os.path.join(folder, "state"), "--socket", self.socket]
        command += ["--config", os.path.join(folder, "none.toml"), "--gap-ms", "0"] + arguments
        # As the unit has it: a sign of life each minute.
        env = dict(self.env, NOTIFY_SOCKET=os.path.join(folder, "notify"), WATCHDOG_USEC="120000000")
        self.log = open(os.path.join(folder, "log"), "w")
        self.child = subprocess.Popen(command, env=env, cwd=home, stderr=self.log)
        while not self.known():
            time.sleep(0.05)

    def ask(self, ask):
        """The first line of an answer, read to its end."""
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(self.socket)
            stream.sendall(question(ask))
            with stream.makefile("rb") as answer:
                return json.loads(answer.read().split(b"\n", 1)[0])

    def known(self):
        """What it knows, once it knows something."""
        if self.child.poll() is not None:
            sys.exit("the daemon ended: " + open(self.log.name).read())
        try:
            return self.ask("status")["known"]
        except (FileNotFoundError, ConnectionRefusedError):
            return None

    def memory(self):
        """Resident memory, and what nobody shares and no file has, in bytes."""
        with open("/proc/%d/smaps_rollup" % self.child.pid) as file:
            fields = dict(line.split()[:2] for line in file if line.split()[-1] == "kB")
        return int(fields["Rss:"]) << 10, int(fields["Private_Dirty:"]) << 10

    def wakes(self):
        """How often it has gone to sleep."""
        with open("/proc/%d/status" % self.child.pid) as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["voluntary_ctxt_switches"])

    def end(self):
        """Ends it."""
        self.child.send_signal(signal.SIGTERM)
        self.child.wait()


def question(ask):
    """A question of the daemon's protocol."""
    return b'{"protocol":1,"ask":"%s"}\n' % ask.encode()


def idle(daemon):
    """Memory and waking while nothing happens; gives whether the bars are met."""
    # What was written a moment ago counts as the daemon's own until it is on the disk.
    os.sync()
    time.sleep(2)
    before = daemon.wakes()
    time.sleep(IDLE)
    wakes = (daemon.wakes() - before) * 60 / IDLE
    resident, private = daemon.memory()
    met = resident <= MOST_RESIDENT and private <= MOST_PRIVATE and wakes <= MOST_WAKES
    print(
        "idle             %.2f MB resident (bar %.0f MB), %.2f MB of its own (bar %.0f MB), wakes %.1f times a minute (bar %d): %s"
        % (resident / 1e6, MOST_RESIDENT / 1e6, private / 1e6, MOST_PRIVATE / 1e6, wakes, MOST_WAKES, word(met))
    )
    return met


def growth(gpucheck):
    """Many looks by a program that looks at nothing, and as many questions; gives whether the daemon stays as large."""
    with tempfile.TemporaryDirectory() as folder:
        source, looker = os.path.join(folder, "look.c"), os.path.join(folder, "look")
        version = subprocess.check_output([gpucheck, "--version"]).decode().split()[1]
        with open(source, "w") as file:
            file.write(LOOKER % (os.path.join(folder, "state"), version))
        subprocess.check_call(["cc", "-O1", "-o", looker, source])
        daemon = Daemon(gpucheck, folder, ["--looker", looker], {"PATH": "/nowhere"})

        def looked():
            with open(daemon.log.name) as log:
                return sum("looking:" in line for line in log)

        def looks(count):
            while looked() < count:
                for _ in range(500):
                    # Refused while one is under way.
                    daemon.ask("look")

        looks(300)
        before, start = daemon.memory()[1], time.perf_counter()
        looks(LOOKS + 300)
        after_looks = daemon.memory()[1]
        took = time.perf_counter() - start
        for _ in range(QUESTIONS):
            daemon.ask("report")
        after = daemon.memory()[1]
        count = looked()
        daemon.end()
    met = after - before <= MOST_GROWTH and count >= LOOKS
    print(
        "growth           %+d kB after %d looks in %.0f s, %+d kB after %d questions (bar %d kB): %s"
        % ((after_looks - before) >> 10, count, took, (after - after_looks) >> 10, QUESTIONS, MOST_GROWTH >> 10, word(met))
    )
    return met


def clients(folder, daemon):
    """Many who ask for the report at once, beside as many who say nothing; gives whether the bar is met."""
    source, asking = os.path.join(folder, "asking.c"), os.path.join(folder, "asking")
    with open(source, "w") as file:
        file.write(ASKING)
    subprocess.check_call(["cc", "-O2", "-o", asking, source])
    lines = subprocess.check_output([asking, daemon.socket, str(CLIENTS)]).decode().split("\n")
    answers = sorted((float(wall), int(length)) for wall, length in (line.split() for line in lines if line))
    walls, lengths = [wall for wall, _ in answers], [length for _, length in answers]
    p50, p99 = walls[len(walls) // 2], walls[len(walls) * 99 // 100]
    met = len(walls) == CLIENTS and min(lengths) > 1000 and max(lengths) - min(lengths) < 100 and p99 <= MOST_P99
    print(
        "%d at once     median %.1f ms, p99 %.1f ms (bar %.0f ms), %d answered with %d kB each, beside %d who say nothing: %s"
        % (CLIENTS, p50 * 1e3, p99 * 1e3, MOST_P99 * 1e3, len(walls), max(lengths) >> 10, CLIENTS, word(met))
    )
    return met


def answered(gpucheck, daemon, root):
    """A plain gpucheck beside one that looks for itself; gives whether the bar is met."""
    command = [gpucheck, "--root", root, "--socket", daemon.socket]
    itself = [gpucheck, "--root", root, "--socket", "/nowhere", "--this-pythons", "--small-work", "--no-cloud-metadata"]
    here = os.getcwd()
    os.chdir(os.path.join(daemon.folder, "home"))
    walls, bases = [], []
    for _ in range(101):
        wall, text = run(command, daemon.env)
        walls.append(wall)
    for _ in range(3):
        bases.append(run(itself, daemon.env)[0])
    os.chdir(here)
    wall, base = statistics.median(walls[1:]), statistics.median(bases)
    by_daemon = "by gpucheckd" in text
    met = by_daemon and wall <= MOST_ANSWERED
    print(
        "answered         %.1f ms (bar %.0f ms), and %.0f ms by a look of its own: %s"
        % (wall * 1e3, MOST_ANSWERED * 1e3, base * 1e3, word(met) if by_daemon else "NOT ANSWERED by the daemon")
    )
    return met


def main():
    """Prints every figure."""
    gpucheck, simulate = (os.path.abspath(path) for path in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as folder:
        machine, arguments, env = staged(simulate, folder)
        # The machine's metadata service has gone.
        at = arguments.index("--cloud-metadata-url")
        arguments = arguments[:at] + arguments[at + 2 :] + ["--no-cloud-metadata"]
        root = arguments[arguments.index("--root") + 1]
        os.mkfifo(os.path.join(root, "dev", "kmsg"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(os.path.join(folder, "notify"))
            daemon = Daemon(gpucheck, folder, arguments, env)
            try:
                met = [idle(daemon), clients(folder, daemon), answered(gpucheck, daemon, root), growth(gpucheck)]
            finally:
                daemon.end()
                shutil.rmtree(machine)
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
