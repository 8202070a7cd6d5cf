# SPDX-License-Identifier: Apache-2.0
"""What a server is told about names and trust: the lines of `sallyport attach`, nothing of our own.

Servers inside get the recipe for the world's inner.conf. Those outside get the same lines for a
name server and a CA of the public network, as if these were inner's.
"""
import json
import subprocess

from .net import LabError

PUBLIC = """node lab
link nobody {link} {{ certificate "c" key "k" trust "t" }}
server lab {server} {{ domain {domain} trust "t" accept {proof} }}
listen s2s {target}
steer {dns}
mint {{ certificate "{ca}" key "k" }}
"""


def recipe(cli, kind, config, trust, server=None):
    """{part: lines} of `sallyport attach KIND`."""
    command = [cli, "attach", kind, "--config", config, "--trust", trust, "--json"]
    command += ["--server", server] if server else []
    done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    if done.returncode != 0:
        raise LabError("sallyport attach %s: %s" % (kind, done.stderr.strip()))
    return {part["name"]: part["lines"] for part in json.loads(done.stdout)["parts"]}


def public_recipe(cli, kind, path, trust, *, domain, proof, dns, family=4):
    """The same for a server of the public network; path: where to put the configuration for it."""
    target, server = ("192.0.2.1:5269", "192.0.2.2:5269") if family == 4 else \
        ("[2001:db8::1]:5269", "[2001:db8::2]:5269")
    with open(path, "w") as out:
        out.write(PUBLIC.format(link=server, server=server, target=target, domain=domain, dns=dns,
                                ca=trust, proof="pkix" if proof == "certificates" else "dialback"))
    return recipe(cli, kind, path, trust)
