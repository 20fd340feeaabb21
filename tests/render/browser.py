"""Shows pages in a real browser and says what is wrong with them.

    browser.py PARTS FOLDER [SHOTS]

PARTS is what tests/parts/browser.sh made. Each .html of FOLDER is opened from its file, on a phone, a tablet and a desk,
light and dark, and printed. With SHOTS, pictures and the printed pages are left there to be looked at. Ends with 1 where
anything is wrong, which it prints. Nothing but Python is needed: the browser is driven through its pipe.
"""

import base64
import itertools
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time

WIDTHS = (320, 768, 1280)
THEMES = ("light", "dark")
# Seconds for the browser to answer.
DEADLINE = 60
OPTIONS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-default-apps --disable-extensions --hide-scrollbars
--disable-dev-shm-usage --force-color-profile=srgb --remote-debugging-pipe""".split()


class Browser:
    """Chromium, spoken to in the words of the Chrome DevTools Protocol, a message a zero byte."""

    def __init__(self, program, home):
        from_us, to_it = os.pipe()
        from_it, to_us = os.pipe()
        # The browser reads from 3 and writes to 4.
        command = 'exec "$0" "$@" 3<&%d 4>&%d' % (from_us, to_us)
        self.log = open(os.path.join(home, "log"), "wb+")
        self.process = subprocess.Popen(
            ["bash", "-c", command, program, *OPTIONS, "--user-data-dir=" + home, "about:blank"],
            pass_fds=(from_us, to_us), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env={**os.environ, "HOME": home},
        )
        os.close(from_us)
        os.close(to_us)
        self.to_it, self.from_it = to_it, from_it
        self.read, self.events, self.session = b"", [], None
        self.numbers = itertools.count(1)

    def ask(self, method, **parameters):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_it, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.next()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError("%s: %s" % (method, answer["error"]))
                return answer["result"]
            self.events.append(answer)

    def next(self):
        end = time.monotonic() + DEADLINE
        while b"\0" not in self.read:
            ready, _, _ = select.select([self.from_it], [], [], max(0, end - time.monotonic()))
            more = os.read(self.from_it, 1 << 20) if ready else b""
            if not more:
                self.log.seek(0)
                raise RuntimeError("the browser does not answer: %s" % self.log.read()[-2000:].decode("replace"))
            self.read += more
        message, self.read = self.read.split(b"\0", 1)
        return json.loads(message)

    def open_tab(self):
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.session = session
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.ask(domain + ".enable")

    def wait_for(self, method):
        while True:
            for index, event in enumerate(self.events):
                if event.get("method") == method:
                    return self.events.pop(index)
            self.events.append(self.next())

    def run(self, script):
        """What a function of the page returns."""
        result = self.ask("Runtime.evaluate", expression="(%s)()" % script, awaitPromise=True,
                          returnByValue=True, userGesture=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"]))
        return result["result"].get("value")

    def key(self, name, code):
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code)

    def close(self):
        self.session = None
        try:
            self.ask("Browser.close")
            self.process.wait(10)
        except (RuntimeError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()


# Wider than the screen, or with something in it that is.
TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth, wide = [];
  if (document.documentElement.scrollWidth > room) wide.push("the page");
  for (const element of document.querySelectorAll("body *:not(.spoken)")) {
    // Read aloud, and not shown.
    if (getComputedStyle(element.closest("thead") || element).clipPath !== "none") continue;
    const box = element.getBoundingClientRect();
    if (box.width > 1 && (box.right > room + 0.5 || box.left < -0.5))
      wide.push(element.tagName + "." + element.className + " " + element.textContent.slice(0, 40));
    if (element.scrollWidth > element.clientWidth + 1 && box.width > 1 && getComputedStyle(element).display !== "inline")
      wide.push("in " + element.tagName + "." + element.className + " " + element.textContent.slice(0, 40));
  }
  return wide.slice(0, 5);
}"""

# By WCAG 2.2, 1.4.3: 4.5 to 1, and 3 to 1 for letters of 24 px or of 18.66 px in bold.
PALE = """() => {
  const colour = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = element => {
    for (; element; element = element.parentElement) {
      const own = colour(getComputedStyle(element).backgroundColor);
      if (own.length < 4 || own[3] === 1) return own;
      if (own[3] !== 0) throw new Error("a ground that shines through");
    }
    return colour(matchMedia("(prefers-color-scheme: dark)").matches ? "18 18 18" : "255 255 255");
  };
  const pale = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0, least = 99;
  const look = (element, text, style) => {
    const [a, b] = [light(colour(style.color)), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
    seen += 1;
    least = Math.min(least, contrast);
    if (contrast < (size >= 24 || (bold && size >= 18.66) ? 3 : 4.5))
      pale.push(contrast.toFixed(2) + ": " + text.slice(0, 40));
  };
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    if (!text || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    look(element, text, getComputedStyle(element));
  }
  for (const element of document.querySelectorAll("td, .prompt")) {
    const style = getComputedStyle(element, "::before");
    if (style.content !== "none") look(element, style.content, style);
  }
  return {seen, least, pale: pale.slice(0, 5)};
}"""

CAN_BE_REACHED = """() => [...document.querySelectorAll("a[href], button, summary, input, select, [tabindex]")]
  .filter(element => element.getClientRects().length)
  .map((element, index) => (element.dataset.place = index, element.tagName))"""
REACHED = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  return {place: at.dataset.place, marked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2};
}"""

COPIES = """async () => {
  const wrong = [];
  for (const button of document.querySelectorAll("button")) {
    await navigator.clipboard.writeText("nothing");
    button.focus();
    button.click();
    for (let i = 0; i < 50 && button.textContent === button.dataset.copy; i++)
      await new Promise(done => setTimeout(done, 20));
    const copied = await navigator.clipboard.readText();
    const shown = button.parentNode.querySelector("pre").textContent;
    if (copied !== shown) wrong.push("copied " + JSON.stringify(copied) + " of " + JSON.stringify(shown));
    if (document.querySelector("[role=status]").textContent !== button.dataset.copied) wrong.push("says nothing");
  }
  return wrong;
}"""
# Where there is no such thing as a clipboard to ask, as on a page of the network.
COPIES_THE_OLD_WAY = """async () => {
  const wrong = [], clipboard = navigator.clipboard;
  for (const button of document.querySelectorAll("button")) {
    await clipboard.writeText("nothing");
    Object.defineProperty(navigator, "clipboard", {value: undefined, configurable: true});
    button.click();
    delete navigator.clipboard;
    const copied = await clipboard.readText(), shown = button.parentNode.querySelector("pre").textContent;
    if (copied !== shown) wrong.push("copied the old way " + JSON.stringify(copied) + " of " + JSON.stringify(shown));
  }
  return wrong;
}"""

OPEN_ALL = """() => document.querySelectorAll("details").forEach(details => { details.open = true; })"""
BREAKS_RULES = """async () => {
  const found = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]});
  return {passes: found.passes.length,
          violations: found.violations.map(v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 120)).join(" | "))};
}"""


class Page:
    def __init__(self, browser, path, shots):
        self.browser, self.path, self.shots = browser, path, shots
        self.wrong, self.facts = [], {}

    def check(self, what, found):
        if found:
            self.wrong.append("%s: %s: %s" % (self.path.name, what, found))

    def load(self, width, theme):
        self.browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
                         mobile=width < 500)
        self.browser.ask("Emulation.setEmulatedMedia", media="screen",
                         features=[{"name": "prefers-color-scheme", "value": theme}])
        self.browser.events.clear()
        self.browser.ask("Page.navigate", url=self.path.as_uri())
        self.browser.wait_for("Page.loadEventFired")

    def look(self):
        for width in WIDTHS:
            for theme in THEMES:
                self.load(width, theme)
                self.picture("%d.%s" % (width, theme))
                self.browser.run(OPEN_ALL)
                self.check("too wide at %d" % width, self.browser.run(TOO_WIDE))
                contrast = self.browser.run(PALE)
                self.check("pale in %s at %d" % (theme, width), contrast["pale"])
                self.check("no text", contrast["seen"] < 20)
                self.facts["contrast"] = min(contrast["least"], self.facts.get("contrast", 99))
                self.said_and_asked()
        self.load(WIDTHS[-1], "light")
        self.tabs()
        self.check("copying", self.browser.run(COPIES) + self.browser.run(COPIES_THE_OLD_WAY))
        self.said_and_asked()
        self.prints()

    def said_and_asked(self):
        for event in self.browser.events:
            method, parameters = event.get("method"), event.get("params", {})
            if method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
                self.check("said", parameters["entry"]["text"])
            elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
                self.check("said", parameters["args"])
            elif method == "Runtime.exceptionThrown":
                self.check("said", parameters["exceptionDetails"]["text"])
            elif method == "Network.requestWillBeSent" and parameters["request"]["url"] != self.path.as_uri():
                self.check("asked for", parameters["request"]["url"])
        self.browser.events.clear()

    def tabs(self):
        wanted = self.browser.run(CAN_BE_REACHED)
        self.check("no button is shown", self.path.read_text().count("<button") != wanted.count("BUTTON"))
        reached = []
        for _ in wanted:
            self.browser.key("Tab", 9)
            at = self.browser.run(REACHED)
            reached.append(at["place"])
            self.check("focus is not to be seen at %s" % at["place"], not at["marked"])
        self.check("tab order", reached != [str(place) for place in range(len(wanted))] and reached)
        self.facts["stops"] = len(wanted)

    def prints(self):
        self.browser.ask("Emulation.setEmulatedMedia", media="print",
                         features=[{"name": "prefers-color-scheme", "value": "dark"}])
        self.check("on paper", self.browser.run("""async () => {
          const wrong = [], tables = [...document.querySelectorAll("details table")];
          // The browser lays out what it unfolds when it draws next.
          for (let i = 0; i < 100 && !tables.every(table => table.checkVisibility()); i++)
            await new Promise(done => setTimeout(done, 20));
          for (const button of document.querySelectorAll("button")) if (button.getClientRects().length) wrong.push("a button");
          for (const table of tables)
            if (!table.checkVisibility() || table.getBoundingClientRect().height < 10)
              wrong.push("folded: " + table.textContent.slice(0, 40));
          if (getComputedStyle(document.body).backgroundColor !== "rgb(255, 255, 255)") wrong.push("dark paper");
          for (const link of document.querySelectorAll("a")) if (link.textContent !== link.getAttribute("href")) wrong.push("no address");
          return wrong.slice(0, 5);
        }"""))
        self.check("pale on paper", self.browser.run(PALE)["pale"])
        printed = base64.b64decode(self.browser.ask("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"])
        self.check("no print", not printed.startswith(b"%PDF"))
        if self.shots:
            (self.shots / (self.path.stem + ".pdf")).write_bytes(printed)

    def rules(self, axe):
        """axe is no part of the page: the page's policy is put aside to let it in."""
        self.browser.ask("Page.setBypassCSP", enabled=True)
        for width, theme in itertools.product((WIDTHS[0], WIDTHS[-1]), THEMES):
            self.load(width, theme)
            self.browser.run(OPEN_ALL)
            self.browser.ask("Runtime.evaluate", expression=axe)
            found = self.browser.run(BREAKS_RULES)
            self.check("axe at %d, %s" % (width, theme), found["violations"])
            self.check("axe judged nothing", found["passes"] < 10)
            self.facts["rules"] = found["passes"]
        self.browser.ask("Page.setBypassCSP", enabled=False)

    def picture(self, name):
        if self.shots:
            data = self.browser.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"]
            (self.shots / ("%s.%s.png" % (self.path.stem, name))).write_bytes(base64.b64decode(data))


def main():
    parts, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    shots = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None
    if shots:
        shots.mkdir(parents=True, exist_ok=True)
    axe = (parts / "axe.min.js").read_text()
    wrong = []
    pages = sorted(folder.glob("*.html"))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        browser = Browser(str(parts / "chromium"), home)
        try:
            print(browser.ask("Browser.getVersion")["product"])
            browser.ask("Browser.grantPermissions",
                        permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
            browser.open_tab()
            browser.ask("Emulation.setFocusEmulationEnabled", enabled=True)
            for path in pages:
                page = Page(browser, path, shots)
                page.look()
                page.rules(axe)
                wrong += page.wrong
                print("%s: least contrast %.1f, %d stops for the tab key, %d rules of axe hold" % (
                    path.name, page.facts["contrast"], page.facts["stops"], page.facts["rules"]))
        finally:
            browser.close()
    if wrong or not pages:
        sys.exit("\n".join(wrong or ["no pages"]))
    print("%d pages, each at %s px, light, dark and on paper" % (len(pages), ", ".join(map(str, WIDTHS))))


if __name__ == "__main__":
    main()
