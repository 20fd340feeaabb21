"""The report behind the login of a real server, that of this Python: behind_a_login.py MODULE.

MODULE is ``notebook`` for the classic Notebook 6, which brings a Jupyter server along that does not run, or
``jupyter_server``. The program is a script that was answered with a report of long ago unless it was asked to look anew.
"""

import http.cookiejar
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

OWN = pathlib.Path(__file__).resolve().parents[2] / "python"
# Seconds for a busy machine.
AMPLE = 90
TOKEN = secrets.token_hex(16)
# Seconds before now at which the daemon took its report.
LONG_AGO = 900
PROGRAM = """#!%s
import json, sys, time
then = time.gmtime(time.time() - (0 if "--fresh" in sys.argv else %d))
report = {"taken_at": time.strftime("%%Y-%%m-%%dT%%H:%%M:%%SZ", then)}
print(json.dumps({"report": report, "page": "<body>\\nREPORT</body>"}))
""" % (sys.executable, LONG_AGO)


class Straight(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Visitor:
    """Somebody with a browser of their own, and maybe a token."""

    def __init__(self, address, token=None):
        self.address, self.headers = address, {"Authorization": "token " + token} if token else {}
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), Straight(), urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, path, form=None):
        """Status, headers and text of an answer."""
        data = None if form is None else urllib.parse.urlencode(form).encode("ascii")
        try:
            with self.opener.open(urllib.request.Request(self.address + path, data, self.headers), timeout=AMPLE) as answer:
                return answer.status, answer.headers, answer.read().decode("utf-8")
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode("utf-8", "replace")

    def log_in(self):
        assert self.get("login")[0] == 200
        xsrf = next(cookie.value for cookie in self.cookies if cookie.name == "_xsrf")
        assert self.get("login", {"password": TOKEN, "_xsrf": xsrf})[0] == 302

    def age(self):
        """The seconds that the page says, once it shows the report."""
        end = time.monotonic() + AMPLE
        while time.monotonic() < end:
            status, headers, text = self.get("gpucheck")
            assert status == 200, (status, headers["Location"], text[:2000])
            if "REPORT" in text:
                return int(re.search(r"seen (\d+) s ago", text).group(1)), re.search(r'href="([^"]+again=[^"]+)"', text).group(1)
            time.sleep(0.1)
        raise AssertionError("no report comes: %s" % text)


def check(address):
    stranger, program, person = Visitor(address), Visitor(address, TOKEN), Visitor(address)
    for visitor in (stranger, Visitor(address, "wrong")):
        for path in ("gpucheck", "gpucheck/report.json"):
            status, headers, text = visitor.get(path)
            assert status == 403 or (status == 302 and "/login" in headers["Location"]), (path, status, text)
            assert "taken_at" not in text, text
    status, headers, text = program.get("gpucheck/report.json")
    assert status == 200 and "taken_at" in json.loads(text), (status, headers["Location"], text)
    assert LONG_AGO <= int(headers["Age"]) < LONG_AGO + AMPLE, headers["Age"]
    person.log_in()
    for _ in range(2):
        seconds, link = person.age()
        assert LONG_AGO <= seconds < LONG_AGO + AMPLE, seconds
    assert person.get(link.lstrip("/"))[0] == 302
    seconds, _ = person.age()
    assert seconds < AMPLE, "it was not looked at anew: %d" % seconds
    assert person.get("api/status")[0] == 200, "whoever saw the report is logged out"


def main():
    module, = sys.argv[1:]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        place = pathlib.Path(home, "bin", "gpucheck")
        place.parent.mkdir()
        place.write_text(PROGRAM)
        place.chmod(0o755)
        packages = pathlib.Path(home, "packages")
        packages.mkdir()
        (packages / "gpucheck").symlink_to(OWN / "gpucheck")
        env = {"HOME": home, "PATH": "%s:/usr/bin:/bin" % place.parent, "PYTHONPATH": str(packages),
               "JUPYTER_CONFIG_PATH": str(OWN / "etc/jupyter")}
        options = ["ip=127.0.0.1", "port=%d" % port, "open_browser=False", "token=" + TOKEN]
        kind = "NotebookApp" if module == "notebook" else "ServerApp"
        log = pathlib.Path(home, "log")
        with open(log, "wb") as errors:
            server = subprocess.Popen(
                [sys.executable, "-m", module, "--allow-root", *("--%s.%s" % (kind, option) for option in options)],
                env=env, cwd=home, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
        try:
            address = "http://127.0.0.1:%d/" % port
            end = time.monotonic() + AMPLE
            while True:
                try:
                    Visitor(address).get("login")
                    break
                except OSError:
                    assert server.poll() is None and time.monotonic() < end, "the server does not answer"
                    time.sleep(0.1)
            check(address)
        except BaseException:
            print(log.read_text(), file=sys.stderr)
            raise
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


main()
