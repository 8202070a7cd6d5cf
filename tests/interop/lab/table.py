# SPDX-License-Identifier: Apache-2.0
"""The cells of the matrix as a document: doc/interop.md."""
import re

HEAD = """# Interoperability

What was tried with real servers, unmodified, on either side of one gateway: written by `make interop`,
and compared with what happens in every run of the tests. Each line is a server inside with one outside,
each column a check; `ok` is a test that passed, a number one of the notes below the tables. The servers are told what
`sallyport attach` prints, and nothing else about names and trust.

"""

VERSIONS = "## Versions\n\nDebian's packages at the time of writing.\n\n"

ABOUT = {
    "certificates": "Certificates (SASL EXTERNAL) with the servers that can, dialback with jabberd2."
                    " Outer flushes parsers too (`flush on`), and Prosody has mod_s2s_bidi and mod_smacks.",
    "dialback": "Dialback with all servers; their certificates are trusted by nobody. Outer does not flush"
                " parsers: a server outside may hold a long tag back until more messages come.",
    "direct TLS": "As certificates; DNS offers direct TLS to both sides, and the servers that can use it do.",
    "IPv6": "As certificates, between hosts that find each other's IPv6 addresses alone. The first server that DNS"
            " names for a foreign domain is closed.",
    "serverAuth": "As certificates, but those between outer and the servers outside have no clientAuth, as public CAs"
                  " issue them now. ejabberd refuses them in the client's role and gets dialback.",
    "DANE": "As certificates, but no CA vouches for the servers outside: their zone is signed and names their keys"
            " (TLSA), and outer has `require dane`; for jabberd2, which knows no EXTERNAL, `accept dane dialback`.",
    "jabberd2 without TLS": "As packaged jabberd2 has no certificate: it uses no TLS, and its stream headers have no"
                            " version. Dialback, `allow plaintext` for it alone.",
}


def render(cells, versions):
    """cells: [{"world", "check", "inside"?, "outside"?, "title", "state", "note"}].

    state is "ok" or empty: then the note says why not. A note may stand beside "ok".
    """
    out = [HEAD, VERSIONS, "| server | version |\n|---|---|\n"]
    out += ["| %s | %s |\n" % item for item in versions.items()]
    for world in dict.fromkeys(c["world"] for c in cells):
        out.append("\n## World: %s\n\n%s\n" % (world, ABOUT[world]))
        out.append(_world([c for c in cells if c["world"] == world]))
    out.append("\n## Checks\n\n| column | what passed |\n|---|---|\n")
    titles = dict.fromkeys((c["check"], re.sub(r" \(s2s \w+\)", "", c["title"])) for c in cells)
    out += ["| %s | %s |\n" % pair for pair in titles]
    return "".join(out)


def _world(cells):
    notes = []
    pairs = _grid([c for c in cells if "inside" in c and "outside" in c], notes,
                  "inside, outside", lambda c: "%s, %s" % (c["inside"], c["outside"]))
    single = _grid([c for c in cells if ("inside" in c) != ("outside" in c)], notes, "server",
                   lambda c: "%s inside" % c["inside"] if "inside" in c
                   else "%s outside" % c["outside"])
    whole = _grid([c for c in cells if "inside" not in c and "outside" not in c], notes, "",
                  lambda c: "all together")
    return pairs + single + whole + "".join(
        "\n%d. %s" % (n + 1, note) for n, note in enumerate(notes)) + ("\n" if notes else "")


def _grid(cells, notes, corner, row_of):
    if not cells:
        return ""
    columns = list(dict.fromkeys(c["check"] for c in cells))
    rows = {}
    for cell in cells:
        rows.setdefault(row_of(cell), {})[cell["check"]] = _state(cell, notes)
    out = "\n| %s | %s |\n|%s\n" % (corner, " | ".join(columns), "---|" * (len(columns) + 1))
    for row, states in rows.items():
        out += "| %s | %s |\n" % (row, " | ".join(states.get(c, "") for c in columns))
    return out


def _state(cell, notes):
    if not cell["note"]:
        return cell["state"]
    if cell["note"] not in notes:
        notes.append(cell["note"])
    return ("%s, %d" if cell["state"] else "%s%d") % (cell["state"], notes.index(cell["note"]) + 1)


def same_cells(one, two):
    """Do two documents say the same, whatever the versions?"""
    def bare(text):
        return re.sub(r"## Versions.*?(?=\n## )", "", text, flags=re.S)
    return bare(one) == bare(two)
