"""Asks a JupyterHub for /gpucheck of kim's server, as kim, as eve and as nobody: for jupyterhub.sh.

    jupyterhub.py ADDRESS

Everybody's password is "class". Prints a line for each thing that holds, and ends with 1 at the first that does not.
"""
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

REPORT = "/user/kim/gpucheck/report.json"
LIMIT = 60


class Browser:
    """Who keeps cookies and follows where an answer leads."""

    def __init__(self, address):
        self.address = address
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path, fields=None):
        """Status, last address and text."""
        data = urllib.parse.urlencode(fields).encode() if fields else None
        try:
            answer = self.opener.open(self.address + path, data, timeout=LIMIT)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.url, answer.read().decode()

    def log_in(self, name):
        """As somebody."""
        form = re.search('name="_xsrf" value="([^"]+)"', self.get("/hub/login")[2]).group(1)
        return self.get("/hub/login?next=", {"username": name, "password": "class", "_xsrf": form})


def within(seconds, ask):
    """What is told at last; where it is not in time, the last trouble."""
    end = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except (OSError, AssertionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def holds(what, is_so, seen):
    """Says so, or ends."""
    print(("ok      " if is_so else "FAILED  ") + what)
    if not is_so:
        sys.exit(seen)


def hub_is_up(browser):
    """Its proxy answers for it before it is there."""
    status, address, _ = browser.get("/hub/login")
    assert status == 200, (status, address)


def server_of(browser, name):
    """Has a server started and waits for it."""
    status, address, _ = browser.get("/user/%s/api/status" % name)
    if status != 200 or "/hub/" in address:
        browser.get("/hub/spawn/%s" % name)
        raise AssertionError(address)


def main():
    """All of it."""
    kim, eve, nobody = (Browser(sys.argv[1]) for _ in range(3))
    within(LIMIT, lambda: hub_is_up(kim))
    kim.log_in("kim")
    within(LIMIT, lambda: server_of(kim, "kim"))
    seen = kim.get(REPORT)
    holds("kim has the report of her server", seen[0] == 200 and json.loads(seen[2])["profile"] == "check", seen)
    seen = kim.get("/user/kim/gpucheck")
    headline = "<h1>" in seen[2] and "gpucheck" in seen[2]
    holds("and its page", seen[0] == 200 and seen[1].endswith("/user/kim/gpucheck") and headline, seen)
    seen = nobody.get(REPORT)
    holds("who has not logged in is asked to", "/hub/login?" in seen[1] and "roots" not in seen[2], seen)
    eve.log_in("eve")
    seen = eve.get(REPORT)
    holds("eve may not see it", seen[0] == 403 and "roots" not in seen[2], seen)


if __name__ == "__main__":
    main()
