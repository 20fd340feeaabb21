"""The extension of a Jupyter server: the report at ``/gpucheck``, and as JSON at ``/gpucheck/report.json``.

Whoever may use the server may see it, and nobody else. One look at a time runs in a child process; the server goes on
meanwhile. Nothing of a request reaches the command line.
"""

import asyncio
import atexit
import datetime
import hmac
import html
import json
import os
import secrets
import signal
import subprocess
import sys
import time

from tornado import web

from . import _command
from ._progress import language


def authorized(method):
    """Servers before 2.0 know only who is logged in."""
    return method


CLASSIC = sys.modules.get("notebook.notebookapp")
# The server that runs decides: the classic Notebook 6 brings a Jupyter server along, whose login is not its own.
if CLASSIC is not None and CLASSIC.NotebookApp.initialized():
    from notebook.base.handlers import IPythonHandler as JupyterHandler
else:
    from jupyter_server.base.handlers import JupyterHandler

    try:
        from jupyter_server.auth.decorator import authorized
    except ImportError:
        pass

# Seconds for which an answer is shown again. Looks at Pythons that found nothing wrong are kept by gpucheck itself.
FRESH = 60
# Seconds after which a page that waits asks again.
AGAIN = 2

WORDS = {
    "en": {
        "looking": "gpucheck looks at this machine: %d s. This page shows the report as soon as it is there.",
        "age": "seen %d s ago",
        "anew": "look anew",
        "trouble": "gpucheck gave no report",
    },
    "ko": {
        "looking": "gpucheck가 이 컴퓨터를 확인하는 중: %d초. 결과가 나오는 대로 이 페이지에 표시됩니다.",
        "age": "%d초 전에 확인",
        "anew": "다시 확인",
        "trouble": "gpucheck가 보고서를 만들지 못함",
    },
}
PAGE = """<!doctype html>
<html lang="%(lang)s">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
%(head)s<title>gpucheck</title>
</head>
<body>
<main>
<h1>gpucheck</h1>
%(body)s
</main>
</body>
</html>
"""


class Looks:
    """The looks that the server takes, one at a time, and the last answer."""

    def __init__(self):
        self.parts = self.trouble = self.task = self.child = None
        self.begun = self.ended = 0.0
        # Who has seen a page of ours has seen this. A link of somebody else's asks for no new look; where no answer is
        # left to show it begins one, as every visit does: one at a time, and none within FRESH seconds of the last.
        self.word = secrets.token_urlsafe(16)

    def age(self):
        """Seconds since the machine was looked at; none where there is no answer, or none that is shown again.

        An answer may be older than the run that gave it: gpucheck's daemon took the report.
        """
        since = time.monotonic() - self.ended
        if (self.parts is None and self.trouble is None) or since > FRESH:
            return None
        try:
            taken = datetime.datetime.strptime(self.parts["report"]["taken_at"], "%Y-%m-%dT%H:%M:%S%z")
            return max(time.time() - taken.timestamp(), 0)
        except (KeyError, TypeError, ValueError):
            return since

    def begin(self, options=()):
        """Begins a look, unless one is under way."""
        if self.task is None or self.task.done():
            self.begun = time.monotonic()
            self.task = asyncio.ensure_future(self.look(options))
        return self.task

    async def look(self, options):
        try:
            self.parts, self.trouble = await self.ask(options), None
        except _command.Trouble as trouble:
            self.parts, self.trouble = None, str(trouble)
        except Exception as error:
            self.parts, self.trouble = None, "%s: %s" % (type(error).__name__, error)
        finally:
            self.ended = time.monotonic()

    async def ask(self, options):
        self.child = await asyncio.create_subprocess_exec(
            *_command.words(options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, err = await asyncio.wait_for(self.child.communicate(), _command.DEADLINE)
            return _command.parts(self.child.returncode, out, err)
        except asyncio.TimeoutError:
            raise _command.Trouble("gpucheck did not come to an end within %d s." % _command.DEADLINE) from None
        finally:
            # It ends its own children when it is asked to end.
            self.send(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.child.wait(), _command.GRACE)
            except asyncio.TimeoutError:
                self.send(signal.SIGKILL)

    def send(self, sign):
        """Sends the child a signal, if it runs."""
        if self.child is not None and self.child.returncode is None:
            try:
                os.killpg(self.child.pid, sign)
            except OSError:
                pass

    def end(self):
        """The server ends, and with it what it has started."""
        self.send(signal.SIGTERM)


class Handler(JupyterHandler):
    """What the two addresses have in common."""

    auth_resource = "gpucheck"

    def initialize(self, looks):
        self.looks = looks

    def end_with(self, status, kind, text):
        self.set_status(status)
        self.set_header("Content-Type", kind + "; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(text)


class PageHandler(Handler):
    """The report as a page; while it is made, a page that waits for it."""

    @web.authenticated
    @authorized
    def get(self):
        looks, here = self.looks, self.request.path
        words = WORDS[language()]
        again = self.get_query_argument("again", None)
        if again is not None:
            if hmac.compare_digest(again.encode("utf-8"), looks.word.encode("ascii")):
                looks.parts = looks.trouble = None
                # Else the daemon may answer, with what it saw long ago.
                looks.begin(["--fresh"])
            self.redirect(here)
            return
        age = looks.age()
        if age is None:
            looks.begin()
            text = words["looking"] % (time.monotonic() - looks.begun)
            head = '<meta http-equiv="refresh" content="%d">\n' % AGAIN
            self.show(200, head, "<p>%s</p>" % html.escape(text))
            return
        link = '<a href="%s?again=%s">%s</a>' % (html.escape(here), looks.word, html.escape(words["anew"]))
        line = "<p>%s, %s</p>" % (html.escape(words["age"] % age), link)
        if looks.parts is None:
            body = "<h2>%s</h2>\n<p>%s</p>\n%s" % (html.escape(words["trouble"]), html.escape(looks.trouble), line)
            self.show(503, "", body)
            return
        # Every text in the page is escaped: this is its own and only one.
        page = looks.parts["page"].replace("<body>\n", "<body>\n<header>%s</header>\n" % line, 1)
        self.end_with(200, "text/html", page)

    def show(self, status, head, body):
        self.end_with(status, "text/html", PAGE % {"lang": language(), "head": head, "body": body})


class ReportHandler(Handler):
    """The report for programs; they wait for it."""

    @web.authenticated
    @authorized
    async def get(self):
        looks = self.looks
        if looks.age() is None:
            await asyncio.shield(looks.begin())
        if looks.parts is None:
            self.end_with(503, "application/json", json.dumps({"error": looks.trouble}))
            return
        self.set_header("Age", str(int(looks.age() or 0)))
        self.end_with(200, "application/json", json.dumps(looks.parts["report"]))


def load(server):
    """Adds the addresses below the server's own, whatever prefix it has."""
    application = server.web_app
    base = application.settings.get("base_url", "/").rstrip("/")
    looks = Looks()
    atexit.register(looks.end)
    application.add_handlers(
        ".*$",
        [
            (base + "/gpucheck/?", PageHandler, {"looks": looks}),
            (base + r"/gpucheck/report\.json", ReportHandler, {"looks": looks}),
        ],
    )
    server.log.info("gpucheck shows this machine's GPU report at %s/gpucheck", base)
