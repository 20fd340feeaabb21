"""Holds every .xml of a folder to a schema: valid.py SCHEMA FOLDER."""

import pathlib
import sys

from lxml import etree

schema = etree.XMLSchema(etree.parse(sys.argv[1]))
# What is wrong must be seen as wrong.
assert not schema.validate(etree.fromstring("<testsuites><testsuite/></testsuites>"))
wrong = []
documents = sorted(pathlib.Path(sys.argv[2]).glob("*.xml"))
for path in documents:
    if not schema.validate(etree.parse(str(path))):
        wrong.append("%s: %s" % (path.name, schema.error_log.last_error))
if wrong:
    sys.exit("\n".join(wrong))
print("%d documents are valid" % len(documents))
