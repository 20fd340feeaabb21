"""The report behind the login of a real Jupyter server, and below a cell of a real JupyterLab, in a real browser.

    in_a_browser.py BROWSER ADDRESS TOKEN [SHOTS]

BROWSER is what tests/parts/browser.sh made, ADDRESS that of the server with its prefix, which has gpucheck.ipynb. With
SHOTS, pictures are left there to be looked at. Ends with 1 where anything is wrong, which it prints.
"""

import base64
import json
import pathlib
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "render"))

from browser import PALE, TOO_WIDE, Browser

# Seconds for a busy machine.
AMPLE = 90


class Straight(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), Straight())


def get(address, token=None, method="GET"):
    """Status, headers and text of an answer."""
    request = urllib.request.Request(address, method=method, headers={"Authorization": "token " + token} if token else {})
    try:
        with OPENER.open(request, timeout=AMPLE) as answer:
            return answer.status, answer.headers, answer.read().decode("utf-8")
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode("utf-8", "replace")


def requests(address, token):
    """Without a browser: who sees it, that the server goes on meanwhile, and that a request starts nothing of its own."""
    for path in ("gpucheck", "gpucheck/", "gpucheck?again=x", "gpucheck/report.json"):
        for who in (None, "wrong"):
            status, headers, text = get(address + path, who)
            assert status in (302, 403), (path, who, status)
            assert status == 403 or "/login" in headers["Location"], headers["Location"]
            assert "verdict" not in text and "CUDA" not in text, text
    status, _, text = get(address + "gpucheck", token)
    assert status == 200 and 'http-equiv="refresh"' in text, text
    answers = []
    look = threading.Thread(target=lambda: answers.append(get(address + "gpucheck/report.json", token)))
    look.start()
    served, slowest = 0, 0
    while look.is_alive():
        begun = time.monotonic()
        assert get(address + "api/status", token)[0] == 200
        slowest = max(slowest, time.monotonic() - begun)
        served += 1
    (status, headers, text), = answers
    assert status == 200 and headers["Content-Type"].startswith("application/json"), (status, text)
    assert json.loads(text)["verdict"] == "usable", text
    assert served, "the server answered nothing meanwhile"
    print("%d other answers while it looked, the slowest after %.2f s" % (served, slowest))
    taken = json.loads(text)["taken_at"]
    for path in ("gpucheck?again=x", "gpucheck?again=", "gpucheck?again=%ff"):
        assert get(address + path, token)[0] in (302, 400), path
    for path in ("gpucheck/report.json?root=/&--root=/", "gpucheck/report.json?again=x"):
        assert json.loads(get(address + path, token)[2])["taken_at"] == taken, "a request of somebody's began a look"
    assert get(address + "gpucheck/../report.json", token)[0] == 404
    assert get(address + "gpucheck", token, "POST")[0] in (403, 405)
    status, headers, text = get(address + "gpucheck", token)
    assert status == 200 and headers["Cache-Control"] == "no-store" and "seen " in text, text[:2000]
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]


# An element is there, or it is not.
SAYS = "() => { try { const it = %s; return it instanceof Node ? true : it } catch (e) { return null } }"


class Window:
    """A tab, and what it was heard saying and asking for."""

    def __init__(self, browser, address, shots):
        self.browser, self.address, self.shots = browser, address, shots
        self.origin = "/".join(address.split("/")[:3])

    def open(self, path):
        self.browser.ask("Page.navigate", url=self.address + path)

    def until(self, condition):
        """Waits until a script says yes; gives what it says."""
        end = time.monotonic() + AMPLE
        while True:
            try:
                found = self.browser.run(SAYS % condition)
            except RuntimeError:
                # The page went away under the question.
                found = None
            if found:
                return found
            if time.monotonic() > end:
                text = self.browser.run("() => location.href + ' ' + document.body.innerText.slice(0, 2000)")
                raise AssertionError("%s does not come: %s" % (condition, text))
            time.sleep(0.1)

    def picture(self, name):
        if self.shots:
            data = self.browser.ask("Page.captureScreenshot")["data"]
            (self.shots / (name + ".png")).write_bytes(base64.b64decode(data))

    def theme(self, theme):
        self.browser.ask("Emulation.setEmulatedMedia", media="screen",
                         features=[{"name": "prefers-color-scheme", "value": theme}])

    def heard(self):
        """What went wrong, and what was asked of others than the server."""
        wrong = []
        for event in self.browser.events:
            method, parameters = event.get("method"), event.get("params", {})
            if method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
                wrong.append("said: %s %s" % (parameters["entry"]["text"], parameters["entry"].get("url")))
            elif method == "Runtime.exceptionThrown":
                wrong.append("said: %s" % parameters["exceptionDetails"])
            elif method == "Network.requestWillBeSent":
                url = parameters["request"]["url"]
                if not url.startswith((self.origin, "data:", "blob:", "about:", self.origin.replace("http", "ws"))):
                    wrong.append("asked for %s" % url)
        self.browser.events.clear()
        return wrong


def page(window, token):
    """Somebody who is not logged in comes to the report by the login, and asks for a new look there."""
    window.open("gpucheck")
    window.until("document.querySelector('#password_input')")
    assert "VERDICT" not in window.browser.run("() => document.body.innerText.toUpperCase()")
    window.browser.run("() => { document.querySelector('#password_input').value = %s;"
                       " document.querySelector('#login_submit, button[type=submit]').click(); }" % json.dumps(token))
    window.until("document.querySelector('h1') && /^USABLE/.test(document.querySelector('h1').innerText)")
    window.browser.events.clear()
    window.browser.ask("Page.reload")
    window.until("document.readyState === 'complete' && document.querySelector('h1')")
    for theme in ("light", "dark"):
        window.theme(theme)
        window.picture("page." + theme)
        contrast = window.browser.run(PALE)
        assert contrast["seen"] > 20 and not contrast["pale"], (theme, contrast)
        assert not window.browser.run(TOO_WIDE)
    window.theme("light")
    link = window.browser.run("() => document.querySelector('header a').href")
    assert "/user/kim/gpucheck?again=" in link, link
    before = window.browser.run("() => document.querySelector('footer').innerText")
    window.browser.run("() => document.querySelector('header a').click()")
    window.until("document.querySelector('footer') && document.querySelector('footer').innerText !== %s"
                 % json.dumps(before))
    assert window.browser.run("() => location.search") == ""
    wrong = window.heard()
    assert not wrong, wrong


COLOURS = """() => {
  const strong = document.querySelector('div.gpucheck .banner'), style = getComputedStyle(strong);
  return {text: style.color, ground: getComputedStyle(document.body).backgroundColor};
}"""
FRAGMENT_PALE = PALE.replace("document.createTreeWalker(document.body,", "document.createTreeWalker(FRAGMENT(),").replace(
    "document.querySelectorAll(\"td, .prompt\")", "FRAGMENT().querySelectorAll(\".prompt\")").replace(
    "() => {", "() => { const FRAGMENT = () => document.querySelector('div.gpucheck');", 1).replace(
    "throw new Error(\"a ground that shines through\")", "continue")


def below_a_cell(window, front, path, token):
    """The notebook of the class folder, run in a front end."""
    window.open("%s?token=%s" % (path, token))
    window.until("window.jupyterapp && document.querySelector('.jp-Notebook')")
    # Run before there is a session, the cells would have Lab ask for a kernel.
    window.until("[...window.jupyterapp.serviceManager.sessions.running()].length === 1"
                 " && document.querySelector('.jp-Notebook-ExecutionIndicator[data-status=idle]')")
    heard = window.heard()
    window.browser.run("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    window.browser.run("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    row = window.until("document.querySelector('div.gpucheck tbody tr').innerText")
    assert "this notebook" in row and "yes" in row, row
    shown = window.browser.run("() => document.querySelector('div.gpucheck').getBoundingClientRect().height")
    assert shown > 80, shown
    assert window.browser.run("() => document.querySelectorAll('div.gpucheck').length") == 1
    colours = set()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        window.browser.run("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: %s})"
                           % json.dumps(theme))
        window.until("document.body.dataset.jpThemeName === %s" % json.dumps(theme))
        time.sleep(0.5)
        window.browser.run("() => document.querySelector('div.gpucheck').scrollIntoView()")
        window.picture("%s.%s" % (front, theme.split()[-1].lower()))
        contrast = window.browser.run(FRAGMENT_PALE)
        assert contrast["seen"] > 5 and not contrast["pale"], (theme, contrast)
        colours.add(window.browser.run(COLOURS)["text"])
    assert len(colours) == 2, colours
    assert not window.browser.run("""() => [...document.querySelectorAll('div.gpucheck *')].filter(element =>
        element.getBoundingClientRect().right > element.closest('.jp-OutputArea').getBoundingClientRect().right + 1)
        .map(element => element.outerHTML.slice(0, 100))"""), "too wide"
    # Else the browser asks whether to leave.
    window.browser.run("() => window.jupyterapp.commands.execute('docmanager:save')")
    # What the front end says of itself when it starts is no matter of ours; whom it asks is.
    wrong = window.heard() + [line for line in heard if line.startswith("asked")]
    assert not wrong, wrong


def main():
    browser, address, token = sys.argv[1:4]
    shots = pathlib.Path(sys.argv[4]) if len(sys.argv) > 4 else None
    if shots:
        shots.mkdir(parents=True, exist_ok=True)
    requests(address, token)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        browser = Browser(browser + "/chromium", home)
        try:
            browser.open_tab()
            browser.ask("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
            window = Window(browser, address, shots)
            page(window, token)
            below_a_cell(window, "lab", "lab/tree/gpucheck.ipynb", token)
            below_a_cell(window, "notebook", "notebooks/gpucheck.ipynb", token)
        finally:
            browser.close()


main()
