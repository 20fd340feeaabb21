"""A report, as a program asks it and as a notebook shows it. gpucheck makes all forms of it; nothing is escaped here."""

import html


class Report:
    """What gpucheck says.

    verdict  ``usable``, ``degraded`` (in part), ``unusable`` or ``incomplete``
    answer   the answer in one line
    here     whether a GPU can be used from this very Python: ``yes``, ``in_part``, ``no``, ``unknown`` or
             ``not_applicable``
    data     the whole report, as ``gpucheck --format json`` gives it
    text     the report for people, `page` as an HTML page
    devices  what ``device_lib`` lists in this very process, where `run` was called with ``here=True``
    """

    def __init__(self, parts, devices=None):
        self.data = parts["report"]
        self.answer = parts.get("answer", "")
        self.text = parts.get("text", "")
        self.page = parts.get("page", "")
        self.devices = devices
        self._markdown = parts.get("markdown", "")
        self._fragment = parts.get("fragment", "")

    @property
    def verdict(self):
        return self.data.get("verdict", "incomplete")

    @property
    def here(self):
        rows = [row for row in self.data.get("usable_from", ()) if row.get("asked_from")]
        return rows[0].get("usable", "unknown") if rows else "unknown"

    def __bool__(self):
        """Whether a GPU can be used from here, or where that is not told, from everywhere."""
        return self.here == "yes" if self.here != "unknown" else self.verdict == "usable"

    def save(self, path):
        """Writes the page to a file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.page)

    def _in_process(self):
        """What this very process lists, a line a device."""
        if self.devices is None:
            return []
        return ["device_lib in this very process:"] + ["  " + device for device in self.devices]

    def __repr__(self):
        return "\n".join([self.text.rstrip("\n")] + self._in_process())

    def _repr_html_(self):
        lines = self._in_process()
        return self._fragment + ("<pre>%s</pre>" % html.escape("\n".join(lines)) if lines else "")

    def _repr_markdown_(self):
        lines = self._in_process()
        return self._markdown + "".join("\n    " + line for line in lines)
