"""Runs the write_files and runcmd of cloud-config as cloud-init does, in a folder instead of /.

    cloud_init.py FILE ROOT

cloud-init's own modules write the files and make the script of runcmd; /usr/local and /var/lib/gpucheck lie below ROOT.
Ends as the script does.
"""

import getpass
import grp
import os
import subprocess
import sys

import yaml
from cloudinit import util
from cloudinit.config import cc_write_files

file, root = sys.argv[1:]
with open(file, encoding="utf-8") as opened:
    text = opened.read()
for place in ["/usr/local/", "/var/lib/gpucheck/"]:
    text = text.replace(place, root + place)
config = yaml.safe_load(text)

owner = f"{getpass.getuser()}:{grp.getgrgid(os.getgid()).gr_name}"
cc_write_files.write_files("write_files", config["write_files"], owner)

script = os.path.join(root, "runcmd")
util.write_file(script, util.shellify(config["runcmd"]), 0o700)
sys.exit(subprocess.run([script], check=False).returncode)
