"""A line that says how long gpucheck has been looking: in a notebook below the cell, else on a terminal."""

import os
import sys

# Seconds without a line: most looks are over by then.
PATIENCE = 1
WORDS = {"en": "gpucheck looks at this machine: %d s", "ko": "gpucheck가 이 컴퓨터를 확인하는 중: %d초"}


def language(lang=None):
    """The language that was asked for, else that of the locale."""
    variables = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = lang or next((value for value in variables if value), "")
    return "ko" if locale.startswith("ko") else "en"


class Line:
    """A text that a notebook shows, with nothing around it."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


class Progress:
    """Tells how long it takes, and leaves nothing behind."""

    def __init__(self, lang=None):
        self.words = WORDS[language(lang)]
        self.handle = self.told = None

    def tell(self, seconds):
        seconds = int(seconds)
        if seconds < PATIENCE or seconds == self.told:
            return
        self.told = seconds
        text = self.words % seconds
        shell = self.shell()
        if shell is not None:
            self.show(Line(text))
        elif sys.stderr is not None and sys.stderr.isatty():
            sys.stderr.write("\r%s\x1b[K" % text)
            sys.stderr.flush()

    def shell(self):
        """The shell of a notebook, which can show something anew."""
        ipython = sys.modules.get("IPython")
        shell = ipython.get_ipython() if hasattr(ipython, "get_ipython") else None
        return shell if getattr(shell, "kernel", None) is not None else None

    def show(self, what):
        """Shows it in the place of what was shown."""
        if self.handle is None:
            from IPython.display import display

            self.handle = display(what, display_id=True)
        else:
            self.handle.update(what)

    def done(self):
        """The line goes."""
        if self.told is None:
            return
        self.told = None
        if self.handle is not None:
            self.handle.update(Line(""))
        elif self.shell() is None:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
