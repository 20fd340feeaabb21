#!/usr/bin/env bash
# Starts a real JupyterHub with gpucheck's wheel beside its servers, and asks for /gpucheck as who has logged in, as somebody
# else and as nobody. Prints a line for each thing that holds; ends with 1 at the first that does not.
#
#   tests/jupyterhub.sh WHEEL     one of packaging/packages.sh
#
# Everybody of this hub is the user who runs this, and logs in with one password ("dummy"). Wants Python 3.10 or newer with venv, npm, PyPI and npm's registry; what it
# takes from there lies in a temporary folder.
set -euo pipefail

wheel=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
hub=
# shellcheck disable=SC2317 # the trap calls it
ends() {
    # It ends its proxy and its servers.
    if [ -n "$hub" ] && kill "$hub" 2>/dev/null; then
        timeout 30 tail --pid "$hub" -f /dev/null || true
    fi
    # Who was ended while it started leaves its proxy.
    pkill -KILL -f "$work/" || true
    rm -rf "$work"
}
trap ends EXIT
cd "$work"
python3 -m venv hub
hub/bin/pip install --quiet --disable-pip-version-check jupyterhub==6.1.1 jupyterlab==4.6.6 "$wheel"
npm install --silent --no-fund --no-audit configurable-http-proxy@5.3.0 >/dev/null
# Three free ports.
read -r public private proxy <<<"$(python3 -c '
import socket
all = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(one.getsockname()[1] for one in all))')"
cat >config.py <<END
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:$public"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:$private"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:$proxy"
c.ConfigurableHTTPProxy.command = "$work/node_modules/.bin/configurable-http-proxy"
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = "class"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "$work/homes/{username}"
c.JupyterHub.cleanup_servers = True
c.Spawner.cmd = ["$work/hub/bin/jupyterhub-singleuser", "--allow-root"]
c.Spawner.environment = {"PATH": "$work/hub/bin:/usr/bin:/bin"}
END
hub/bin/jupyterhub -f config.py >hub.log 2>&1 &
hub=$!
python3 "$here/jupyterhub.py" "http://127.0.0.1:$public" || { tail -n 30 hub.log; exit 1; }
