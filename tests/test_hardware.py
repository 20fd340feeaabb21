"""What hardware.py makes of a run: python3 -m unittest tests/test_hardware.py

The captures are constructed: a T4 whose figures are round numbers, and one thing that is wrong with each.
"""
import contextlib
import copy
import importlib.util
import io
import json
import os
import sys
import tempfile
import types
import unittest


def load(name):
    """One of the two programs beside this file."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hardware, hardware_measure = load("hardware"), load("hardware_measure")
GIB = 1 << 30


def seen(value):
    return {"seen": value}


def transfer(gigabytes_a_second, times=1):
    """A copy of 1 GiB at this rate, of which a copy within the device has two ways."""
    return seen({"bytes": GIB, "device_us": round(times * GIB / gigabytes_a_second / 1e3), "wrong": 0})


def work(level):
    """The T4's work: 300 GB/s within, 12 GB/s from and to the host."""
    tested = 240 * GIB // 16
    one = {"pattern": "address", "seed": 0, "write_us": round(tested / 300e3), "check_us": round(tested / 300e3)}
    product = {"size": 256, "wrong": 0, "first_wrong": None, "device_us": 90}
    device = {
        "ordinal": 0,
        "pci": "0001:00:00.0",
        "free": seen(15 * GIB),
        "stepped_back": None,
        "integer_product": seen(product),
        "float_product": seen(dict(product)),
        "memory": seen({"bytes": tested, "passes": [dict(one) for _ in range(3)], "wrong": 0, "faults": []}),
        "copy": transfer(300, 2),
        "upload": transfer(12),
        "download": transfer(12),
        "arithmetic": seen({"operations": 8 * 10**9, "device_us": 1000, "wrong": 0}),
        "rounds": 1,
        "steps": [{"name": "context", "wall_us": 900_000}, {"name": "load", "wall_us": 80_000}, {"name": "memory", "wall_us": 400_000}],
    }
    return {"work": seen({"level": level, "devices": [device], "soaked_s": None})}


def measured(within=300e9, host=12e9, product=4e12):
    device = {"ordinal": 0, "copy": within, "upload": host, "download": host, "products": {"4096": product, "1024": 1.0}}
    return {"tool": "PyTorch 2.6.0", "devices": [device]}


def cublas(framework, seconds=1.0, pci="0001:00:00.0", wrong=0):
    """4 TFLOP by a framework's cuBLAS."""
    product = {"size": 4096, "operations": 4 * 10**12, "device_us": round(seconds * 1e6), "compared": 16, "wrong": wrong}
    return {"framework": framework, "cublas": seen({"pci": pci, "sgemm": seen(product)})}


def pythons(*frameworks):
    """A Python with these."""
    return seen({"pythons": [{"cuda_libraries": seen({"frameworks": list(frameworks)})}]})


def healthy():
    """A capture in which every bar is met."""
    deep = work("deep")
    frameworks = pythons(cublas("tensorflow", 1.3), cublas("torch"))
    deep.update(frameworks=frameworks, taken_at="2026-11-26T04:00:00Z", gpucheck="0.1.0")
    runs = [["usual", "0", "3000"], ["facts-deep", "0", "60000"], ["slow", "0", "5900"], ["interrupted", "130", "240"]]
    memory = [["before", "00000001:00:00.0", "5"]] + [[run[0], "00000001:00:00.0", "5"] for run in runs]
    return {
        "runs.tsv": runs,
        "memory.tsv": memory,
        "processes.tsv": [["before", "77"], ["usual", "77"]],
        "facts-usual.json": work("usual"),
        "facts-deep.json": deep,
        "measured-before.json": measured(within=296e9),
        "measured-after.json": measured(within=304e9),
    }


class Judged(unittest.TestCase):
    """Each bar, met, just met, missed and not measured."""

    def judge(self, capture):
        """The exit status and the lines, by how they begin."""
        with tempfile.TemporaryDirectory() as folder:
            for name, value in capture.items():
                with open(os.path.join(folder, name), "w") as file:
                    tabs = "\n".join("\t".join(row) for row in value) if name.endswith(".tsv") else ""
                    file.write(tabs or (value if isinstance(value, str) else json.dumps(value)))
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                status = hardware.judge(hardware.Capture(folder))
        return status, printed.getvalue().splitlines()

    def assert_one(self, capture, word, text):
        """This line is the only one that is not met."""
        status, lines = self.judge(capture)
        wrong = [line for line in lines[:-1] if not line.startswith("met")]
        self.assertEqual(len(wrong), 1, "\n".join(lines))
        self.assertTrue(wrong[0].startswith(word) and text in wrong[0], wrong[0])
        self.assertEqual(status, {"MISSED": 1, "NOT MEASURED": 3}[word])

    def device(self, capture, level="deep"):
        return capture["facts-%s.json" % level]["work"]["seen"]["devices"][0]

    def test_a_run_in_which_all_is_well(self):
        status, lines = self.judge(healthy())
        self.assertEqual(status, 0, "\n".join(lines))
        self.assertEqual(lines[-1], "%d figures: 0 missed, 0 not measured" % (len(lines) - 1))
        text = "\n".join(lines)
        for part in (
            "GPU 0001:00:00.0 deep: memory tested: 100.0 % of 15.00 GiB, in 3 passes (bar: >= 95 % of free)",
            "deep: memory test: 100.0 % (300.0 GB/s of 300.0 GB/s) (bar: >= 90 % of a copy's rate)",
            "usual: time: 0.480 s (context 900 ms, load 80 ms, memory 400 ms) (bar: <= 1.5 s beyond the context)",
            "device to device: 300.01 GB/s, +0.0 % (300.00) (bar: within 3 % of PyTorch 2.6.0)",
            "host to device: 12.00 GB/s, +0.0 % (12.00) (bar: within 3 %",
            "product of floats by cuBLAS, 4096 rows: 4000.00 GFLOP/s, +0.0 % (4000.00) (bar: within 5 %",
            "interrupted: left behind: 0 processes, 0 MiB",
        ):
            self.assertIn(part, text)

    def test_deep_work_that_tests_too_little_memory(self):
        for share, met in ((0.951, True), (0.949, False)):
            capture = healthy()
            memory = self.device(capture)["memory"]["seen"]
            self.device(capture)["free"] = seen(round(memory["bytes"] / share))
            if met:
                self.assertEqual(self.judge(capture)[0], 0)
            else:
                self.assert_one(capture, "MISSED", "deep: memory tested: 94.9 %")

    def test_deep_work_that_is_slower_than_a_copy(self):
        for share, met in ((0.91, True), (0.89, False)):
            capture = healthy()
            for one in self.device(capture)["memory"]["seen"]["passes"]:
                one["check_us"] = round(one["check_us"] * (2 / share - 1))
            if met:
                self.assertEqual(self.judge(capture)[0], 0)
            else:
                self.assert_one(capture, "MISSED", "deep: memory test: 89.0 %")

    def test_the_usual_level_takes_long(self):
        capture = healthy()
        self.device(capture, "usual")["steps"][2]["wall_us"] = 1_420_001
        self.assert_one(capture, "MISSED", "usual: time: 1.500 s")

    def test_a_step_that_was_not_timed_is_not_fast(self):
        capture = healthy()
        self.device(capture, "usual")["steps"] = [{"name": "context", "wall_us": 1}]
        self.assert_one(capture, "NOT MEASURED", "no step was timed")

    def test_a_copy_that_another_tool_measures_otherwise(self):
        for field, factor, label in (("copy", 0.965, "-3.5 %"), ("upload", 1.04, "+4.0 %"), ("download", 0.96, "-4.0 %")):
            capture = healthy()
            copied = self.device(capture)[field]["seen"]
            copied["device_us"] = round(copied["device_us"] / factor)
            self.assert_one(capture, "MISSED", label)

    def test_a_product_that_another_tool_measures_otherwise(self):
        capture = healthy()
        for name in ("measured-before.json", "measured-after.json"):
            capture[name]["devices"][0]["products"]["4096"] = 4.4e12
        self.assert_one(capture, "MISSED", "-9.1 %")

    def test_no_product_of_ours_is_not_measured(self):
        for none in (pythons(), pythons(cublas("torch", wrong=1)), pythons(cublas("torch", pci="0002:00:00.0")), {"x": 1}):
            capture = healthy()
            capture["facts-deep.json"]["frameworks"] = none
            self.assert_one(capture, "NOT MEASURED", "no rows: gpucheck has no figure")

    def test_a_size_that_the_other_tool_did_not_multiply(self):
        capture = healthy()
        for name in ("measured-before.json", "measured-after.json"):
            del capture[name]["devices"][0]["products"]["4096"]
        self.assert_one(capture, "NOT MEASURED", "4096 rows: the other tool has no figure")

    def test_without_another_tool_nothing_is_met(self):
        capture = healthy()
        del capture["measured-before.json"], capture["measured-after.json"]
        status, lines = self.judge(capture)
        self.assertEqual(status, 3)
        self.assertEqual(sum(line.startswith("NOT MEASURED") for line in lines), 2)

    def test_wrong_values_are_missed(self):
        for step in ("integer_product", "memory", "download", "arithmetic"):
            capture = healthy()
            self.device(capture)[step]["seen"]["wrong"] = 1
            self.assert_one(capture, "MISSED", "deep: results: 1 wrong")

    def test_a_step_that_failed_is_not_right(self):
        capture = healthy()
        self.device(capture)["arithmetic"] = {"not_probed": {"why": "another program is at work"}}
        self.assert_one(capture, "NOT MEASURED", "deep: results: without arithmetic")

    def test_a_wrong_value_before_the_end_is_wrong(self):
        capture = healthy()
        self.device(capture)["memory"] = {"interrupted": {"seen": {"wrong": 2}, "by": "timed_out"}}
        status, lines = self.judge(capture)
        self.assertEqual(status, 1)
        self.assertTrue(any("deep: results: 2 wrong" in line and line.startswith("MISSED") for line in lines))

    def test_memory_that_is_not_whole_is_not_covered(self):
        capture = healthy()
        memory = self.device(capture)["memory"]["seen"]
        self.device(capture)["memory"] = {"interrupted": {"seen": memory, "by": "timed_out"}}
        status, lines = self.judge(capture)
        self.assertEqual(status, 3, "\n".join(lines))
        self.assertEqual(sum("timed_out" in line and line.startswith("NOT") for line in lines), 3)

    def test_without_any_facts_nothing_is_met(self):
        for lost in ("facts-usual.json", "facts-deep.json"):
            capture = healthy()
            capture[lost] = "" if lost == "facts-deep.json" else "{"
            self.assertEqual(self.judge(capture)[0], 3)
        self.assertEqual(self.judge({"runs.tsv": [["usual", "0", "1"]]})[0], 3)

    def test_memory_that_stays_taken(self):
        capture = healthy()
        capture["memory.tsv"][3][2] = "6"
        self.assert_one(capture, "MISSED", "slow: left behind: 0 processes, 1 MiB")

    def test_a_process_that_stays(self):
        capture = healthy()
        capture["processes.tsv"] += [["interrupted", "77"], ["interrupted", "4242"]]
        self.assert_one(capture, "MISSED", "interrupted: left behind: 1 processes")

    def test_memory_that_nobody_tells_is_not_given_back(self):
        capture = healthy()
        for row in capture["memory.tsv"]:
            row[2] = "[N/A]"
        status, lines = self.judge(capture)
        self.assertEqual((status, sum("did not tell the memory" in line for line in lines)), (3, 4))

    def test_ends(self):
        for index, status, word, text in (
            (0, "1", "MISSED", "usual: status 1"),
            (0, "3", "NOT MEASURED", "usual: status 3"),
            (2, "2", "MISSED", "slow: status 2"),
            (1, "134", "MISSED", "facts-deep: status 134"),
            (3, "139", "MISSED", "interrupted: end: status 139"),
            (3, "0", "NOT MEASURED", "it had ended before"),
        ):
            capture = healthy()
            capture["runs.tsv"][index][1] = status
            self.assert_one(capture, word, text)

    def test_times(self):
        for index, milliseconds, text in ((3, "2001", "after 2.00 s"), (2, "4900", "slow: status 0 after 4.9 s")):
            capture = healthy()
            capture["runs.tsv"][index][2] = milliseconds
            self.assert_one(capture, "MISSED", text)

    def test_a_soak(self):
        capture = healthy()
        capture["soak-seconds.txt"], capture["facts-soak.json"] = "60\n", work("soak")
        self.assert_one(capture, "NOT MEASURED", "soak: lasted")
        soak = capture["facts-soak.json"]["work"]["seen"]
        soak["soaked_s"] = 59
        self.assert_one(capture, "MISSED", "soak: lasted: 59 s")
        soak["soaked_s"] = 60
        self.assertEqual(self.judge(capture)[0], 0)

    def test_each_gpu_is_judged(self):
        capture = healthy()
        for facts in (capture["facts-usual.json"], capture["facts-deep.json"]):
            second = copy.deepcopy(facts["work"]["seen"]["devices"][0])
            second.update(ordinal=1, pci="0002:00:00.0")
            facts["work"]["seen"]["devices"].append(second)
        for name in ("measured-before.json", "measured-after.json"):
            capture[name]["devices"].append(dict(capture[name]["devices"][0], ordinal=1, copy=100e9))
        both = pythons(cublas("torch"), cublas("torch", pci="0002:00:00.0"))
        capture["facts-deep.json"]["frameworks"] = both
        self.assert_one(capture, "MISSED", "GPU 0002:00:00.0 device to device")


class Machines(unittest.TestCase):
    """machine.json."""

    def test_the_expectation_is_what_was_said(self):
        root = {"id": "performance.copies", "cause": None, "subject": {"kind": "gpu", "name": "0001:00:00.0"}, "title": "x"}
        report = {"verdict": "usable", "roots": [root], "machine": {"gpus": [{"name": "Tesla T4"}]}}
        with tempfile.TemporaryDirectory() as folder:
            capture = hardware.Capture(folder)
            with contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(hardware.machine(capture), 1)
            facts = healthy()["facts-deep.json"]
            for name, value in (("facts-deep.json", facts), ("judged.json", report), ("judged-status.txt", 0)):
                with open(os.path.join(folder, name), "w") as file:
                    json.dump(value, file)
            self.assertEqual(hardware.machine(capture), 0)
            made = capture.json("machine.json")
        self.assertEqual(sorted(made), ["about", "expect", "facts", "source"])
        self.assertEqual(made["facts"], facts)
        roots = [{"id": "performance.copies", "cause": None, "subject": "0001:00:00.0"}]
        self.assertEqual(made["expect"], {"verdict": "usable", "exit": 0, "roots": roots})
        self.assertTrue(made["about"].startswith("REVIEW: Tesla T4"), made["about"])


class Clock:
    """Time of a device whose every act takes what its rate says."""

    def __init__(self):
        self.seconds = 0.0

    def event(self, **_):
        held = types.SimpleNamespace(at=None, synchronize=lambda: None)
        held.record = lambda: setattr(held, "at", self.seconds)
        held.elapsed_time = lambda end: (end.at - held.at) * 1e3
        return held

    def takes(self, seconds):
        self.seconds += seconds


class Array:
    """Memory somewhere, of which copies take time."""

    def __init__(self, clock, size, where):
        self.clock, self.size, self.where = clock, size, where

    def random_(self):
        return self

    def pin_memory(self):
        return self

    def __getitem__(self, part):
        return Array(self.clock, part.stop, self.where)

    def copy_(self, source, non_blocking=False):
        assert self.size == source.size
        within = self.where == source.where == "cuda"
        self.clock.takes(2 * self.size / 300e9 if within else self.size / 12e9)


class Measured(unittest.TestCase):
    """hardware_measure.py on a PyTorch that copies at 300 and 12 GB/s and multiplies at 4 TFLOP/s."""

    def test_rates_are_those_of_the_device(self):
        clock = Clock()
        backend = types.SimpleNamespace(allow_tf32=True)
        torch = types.ModuleType("torch")
        torch.__version__, torch.uint8 = "2.6.0", "uint8"
        torch.backends = types.SimpleNamespace(cuda=types.SimpleNamespace(matmul=backend), cudnn=backend)
        torch.cuda = types.SimpleNamespace(
            Event=clock.event, device_count=lambda: 2, set_device=lambda _: None, mem_get_info=lambda _: (15 * GIB, 16 * GIB)
        )
        torch.empty = lambda size, dtype, device="cpu": Array(clock, size, device)
        torch.rand = lambda rows, _, device: rows
        torch.mm = lambda rows, _: clock.takes(2 * rows**3 / 4e12)
        sys.modules["torch"] = torch
        self.addCleanup(sys.modules.pop, "torch")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            self.assertEqual(hardware_measure.measure(), 0)
        told = json.loads(printed.getvalue())
        self.assertFalse(backend.allow_tf32)
        self.assertEqual((told["tool"], [device["ordinal"] for device in told["devices"]]), ("PyTorch 2.6.0", [0, 1]))
        for device in told["devices"]:
            for name, expected in (("copy", 300e9), ("upload", 12e9), ("download", 12e9)):
                self.assertAlmostEqual(device[name] / expected, 1, places=6, msg=name)
            self.assertEqual(sorted(device["products"]), ["1024", "2048", "4096"])
            for rows, product in device["products"].items():
                self.assertAlmostEqual(product / 4e12, 1, places=6, msg=rows)


if __name__ == "__main__":
    unittest.main()
