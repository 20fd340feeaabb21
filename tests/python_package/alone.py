"""The package `gpucheck` by itself, in any Python from 3.7 on: alone.py FOLDER. FOLDER holds the package.

The program is a script here that says what it was asked, hangs, or talks nonsense.
"""

import io
import json
import os
import pathlib
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import types
import unittest
from contextlib import redirect_stderr
from unittest import mock

FOLDER = os.path.abspath(sys.argv.pop(1))
sys.path.insert(0, FOLDER)

import gpucheck
from gpucheck import _asking, _command, _magic, _progress, _run

ANSWER = {"report": {"verdict": "usable", "usable_from": [{"asked_from": "program", "usable": "yes"}]}, "answer": "USABLE",
          "text": "USABLE: yes\n", "markdown": "**USABLE**\n", "fragment": "<div>USABLE</div>", "page": "<html>"}
ECHO = "import json, os, sys\nprint(json.dumps(dict(%r, said=sys.argv[1:], env=dict(os.environ), folder=os.getcwd())))" % (
    ANSWER,)


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(") ", 1)[1][0] not in "ZX"
    except OSError:
        return False


class Package(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        for name in (*_asking.WATCHED, "PYTHONPATH"):
            os.environ.pop(name, None)

    def program(self, script, shell=False):
        """Puts a program `gpucheck` first on PATH, and nothing beside this Python."""
        path = os.path.join(self.folder.name, "gpucheck")
        with open(path, "w") as file:
            file.write("#!/bin/sh\n" + script if shell else "#!%s\n%s\n" % (sys.executable, script))
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        found = mock.patch.object(_command, "find", lambda: path)
        found.start()
        self.addCleanup(found.stop)
        return path

    def asked(self, **options):
        """What the program was asked, and with which variables."""
        kept = []
        with mock.patch.object(_run, "Report", lambda parts, devices: kept.append(parts) or gpucheck.Report(parts)):
            gpucheck.run(**options)
        said = kept[0]["said"]
        asking = json.loads(said[said.index("--asking") + 1])
        return said, asking, kept[0]

    def test_importing_it_imports_no_framework(self):
        script = "import sys; sys.path.insert(0, %r); import gpucheck; print(sorted(sys.modules))" % FOLDER
        loaded = subprocess.check_output([sys.executable, "-c", script]).decode()
        for heavy in ("'tensorflow", "'torch", "'jax", "'IPython", "'tornado", "'numpy", "'jupyter"):
            self.assertNotIn(heavy, loaded)
        self.assertEqual(gpucheck._jupyter_server_extension_points(), [{"module": "gpucheck"}])

    def test_a_report_is_shown_in_every_form(self):
        self.program(ECHO)
        report = gpucheck.run()
        self.assertEqual((report.verdict, report.here, bool(report)), ("usable", "yes", True))
        self.assertEqual((repr(report), report._repr_html_(), report._repr_markdown_()),
                         ("USABLE: yes", "<div>USABLE</div>", "**USABLE**\n"))
        place = os.path.join(self.folder.name, "page.html")
        report.save(place)
        with open(place) as file:
            self.assertEqual(file.read(), "<html>")
        self.assertFalse(gpucheck.Report({"report": {"verdict": "usable", "usable_from": [
            {"asked_from": "program", "usable": "no"}]}}))
        shown = gpucheck.Report(ANSWER, ["/device:GPU:0 <b>"])._repr_html_()
        self.assertIn("/device:GPU:0 &lt;b&gt;", shown)

    def test_it_says_what_this_process_is(self):
        self.program(ECHO)
        said, asking, answer = self.asked(full=True, fresh=True, lang="ko")
        self.assertEqual(said[:2], ["--format", "parts"])
        self.assertEqual(said[-4:], ["--full", "--fresh", "--lang", "ko"])
        # The folder of this script is on the path of whoever runs it.
        added = [os.path.dirname(os.path.abspath(__file__))]
        self.assertEqual(asking, {"python": sys.executable, "pid": os.getpid(), "options": [], "notebook": False, "changed": [],
                                  "running": {}, "sys_path": sys.path, "added": [FOLDER, *added]})
        self.assertEqual(answer["folder"], os.getcwd())

    def test_a_sys_path_that_a_new_process_has_is_not_told(self):
        script = ("import sys, json; sys.path.insert(0, %r); from gpucheck import _asking; sys.path.pop(0)\n"
                  "print(json.dumps(_asking.sys_path(_asking.environment(_asking.at_start()))))\n"
                  "sys.path.append('/late'); sys.path.append('/odd\\udcff')\n"
                  "print(json.dumps(_asking.sys_path(_asking.environment(_asking.at_start()))))\n" % FOLDER)
        said = subprocess.check_output([sys.executable, "-c", script]).decode().splitlines()
        none, late = (json.loads(line) for line in said)
        self.assertEqual((none, late["added"], late["sys_path"][-1]), ({}, ["/late"], "/late"))

    def test_variables_are_those_of_now_but_for_those_that_were_read_at_the_start(self):
        self.program(ECHO)
        with mock.patch.dict(os.environ, {"CUDA_VISIBLE_DEVICES": "-1", "LD_LIBRARY_PATH": "/too/late"}):
            _, asking, answer = self.asked()
        self.assertEqual(asking["changed"], ["CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH"])
        self.assertEqual(answer["env"]["CUDA_VISIBLE_DEVICES"], "-1")
        self.assertNotIn("LD_LIBRARY_PATH", answer["env"])

    def test_a_process_that_wrote_its_title_over_its_variables_has_those_of_now(self):
        # What setproctitle leaves of them; proc(5) has the places.
        script = ("import ctypes, os, sys; sys.path.insert(0, %r); from gpucheck import _asking\n"
                  "begin, end = map(int, open('/proc/self/stat').read().rsplit(') ', 1)[1].split()[47:49])\n"
                  "ctypes.memset(begin, 0, end - begin); assert not open('/proc/self/environ').read().strip('\\0')\n"
                  "print(_asking.at_start() == dict(os.environ), _asking.describe()[1]['changed'])" % FOLDER)
        env = dict(os.environ, LD_LIBRARY_PATH="/of/the/start")
        self.assertEqual(subprocess.check_output([sys.executable, "-c", script], env=env).decode().strip(), "True []")

    def test_what_runs_here_is_asked_for_what_it_knows_already(self):
        kinds = [types.SimpleNamespace(device_type=kind) for kind in ("CPU", "GPU", "GPU")]
        eager = types.SimpleNamespace(_context=types.SimpleNamespace(_physical_devices=kinds))
        unused = types.SimpleNamespace(_context=types.SimpleNamespace(_physical_devices=None))
        cuda = types.SimpleNamespace(is_initialized=lambda: True, device_count=lambda: 1)
        idle = types.SimpleNamespace(is_initialized=lambda: False, device_count=lambda: self.fail("asked"))
        bridge = types.SimpleNamespace(backends_are_initialized=lambda: True)
        jax = types.SimpleNamespace(devices=lambda: [types.SimpleNamespace(platform="cpu")])
        cases = (
            ({"tensorflow.python.eager.context": eager}, {"tensorflow": 2}),
            ({"tensorflow.python.eager.context": unused}, {}),
            ({"tensorflow.python.eager.context": object()}, {}),
            ({"torch": types.SimpleNamespace(cuda=cuda)}, {"torch": 1}),
            ({"torch": types.SimpleNamespace(cuda=idle)}, {}),
            ({"torch": object()}, {}),
            ({"jax._src.xla_bridge": bridge, "jax": jax}, {"jax": 0}),
            ({"jax._src.xla_bridge": object(), "jax": jax}, {}),
        )
        for modules, known in cases:
            with mock.patch.dict(sys.modules, modules):
                self.assertEqual(_asking.running(), known, modules)

    def test_the_program_of_this_environment_comes_first(self):
        beside = os.path.join(self.folder.name, "bin")
        other = os.path.join(self.folder.name, "other")
        for folder in (beside, other):
            os.mkdir(folder)
            with open(os.path.join(folder, "gpucheck"), "w") as file:
                file.write("#!/bin/sh\n")
            os.chmod(file.name, 0o755)
        with mock.patch.dict(os.environ, {"PATH": "relative:" + other}), mock.patch.object(sys, "prefix", "/nowhere"):
            with mock.patch.object(sys, "executable", beside + "/python"):
                self.assertEqual(_command.find(), beside + "/gpucheck")
            with mock.patch.object(sys, "executable", "/nowhere/bin/python"):
                self.assertEqual(_command.find(), other + "/gpucheck")

    def test_where_there_is_no_program_it_is_said_what_to_install(self):
        with mock.patch.object(_command.shutil, "which", lambda name, path: None):
            with self.assertRaisesRegex(gpucheck.NotFound, "-m pip install gpucheck"):
                gpucheck.run()

    def test_nonsense_is_told_as_such(self):
        for script, said in (("print('no json')", "status 0"), ("print('[]')", "status 0"), ("print('{}')", "status 0"),
                             ("import sys; sys.stdout.buffer.write(b'\\xff')", "status 0"),
                             ("import sys; sys.exit('error: unexpected argument')", "status 1.*unexpected argument"),
                             ("import os; os.kill(os.getpid(), 9)", "status -9")):
            self.program(script)
            with self.assertRaisesRegex(gpucheck.Trouble, said):
                gpucheck.run()

    def test_one_that_cannot_be_started_is_told_as_such(self):
        path = self.program("")
        with open(path, "w") as file:
            file.write("#!/nowhere/sh\n")
        with self.assertRaisesRegex(gpucheck.Trouble, "could not be started: .*No such file"):
            gpucheck.run()

    def test_a_folder_that_is_gone_is_no_trouble(self):
        gone = os.path.join(self.folder.name, "gone")
        os.mkdir(gone)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(gone)
        os.rmdir(gone)
        self.program("print(%r)" % json.dumps(ANSWER))
        self.assertEqual(gpucheck.run().verdict, "usable")

    def test_one_that_hangs_is_ended_with_its_children(self):
        note = os.path.join(self.folder.name, "pids")
        self.program("trap '' TERM; sleep 300 & echo $! $$ > %s; wait; wait" % note, shell=True)
        with mock.patch.object(_command, "GRACE", 0.5), self.assertRaisesRegex(gpucheck.Trouble, "within 5 s"):
            gpucheck.run(deadline=5)
        self.assert_ended(note)

    def test_an_interrupt_ends_it(self):
        note = os.path.join(self.folder.name, "pids")
        self.program("sleep 300 & echo $! $$ > %s; wait" % note, shell=True)

        def interrupt():
            while not os.path.exists(note) or not pathlib.Path(note).read_text().endswith("\n"):
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt).start()
        with self.assertRaises(KeyboardInterrupt):
            gpucheck.run()
        self.assert_ended(note)

    def assert_ended(self, note):
        with open(note) as file:
            pids = [int(pid) for pid in file.read().split()]
        end = time.monotonic() + 5
        while any(map(alive, pids)) and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual([pid for pid in pids if alive(pid)], [])

    def test_a_terminal_is_told_how_long_it_takes_and_keeps_nothing(self):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        self.program("import time; time.sleep(1.6)\n" + ECHO)
        with redirect_stderr(Terminal()) as terminal, redirect_stderr(terminal):
            gpucheck.run(lang="en")
        self.assertRegex(terminal.getvalue(),
                         r"\A(\rgpucheck looks at this machine: \d+ s\x1b\[K)+\r\x1b\[K\Z")
        with redirect_stderr(io.StringIO()) as file:
            progress = _progress.Progress("ko")
            progress.tell(3)
        self.assertEqual(file.getvalue(), "")

    def test_options_of_the_magic(self):
        for line, said in (("--help", "--here"), ("--root /", "unrecognized arguments: --root /"), ("--lang fr", "fr")):
            with mock.patch("builtins.print") as shown:
                _magic.gpucheck(line)
            self.assertIn(said, str(shown.call_args[0][0]))

    def test_what_slows_it_down_is_another_question(self):
        self.program(ECHO)
        with mock.patch.object(_run, "Report", lambda parts, devices: parts["said"]):
            self.assertEqual(gpucheck.run(slow=True), ["--format", "parts", "slow"])
        with self.assertRaises(ValueError):
            gpucheck.run(slow=True, full=True)

    def test_a_language_that_is_none_is_refused(self):
        with self.assertRaises(ValueError):
            gpucheck.run(lang="--root=/")


unittest.main()
