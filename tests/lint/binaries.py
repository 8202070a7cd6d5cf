#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the linked programs contain: binaries.py ROLE PROGRAM, ROLE one of outer, inner, cli.

The linker proves the split: outer has no steering DNS and no minting code, inner has no SRV
resolver and no foreign listener. And each program is hardened. An unhardened build (with a
sanitizer, or without optimisation) is skipped (status 77).
"""
import re
import subprocess
import sys

# Shared libraries and own symbols that a role must not have; symbols are prefixes.
FORBIDDEN = {
    "outer": {"libraries": ["libldns", "libsqlite3"],
              "symbols": ["steer_", "net_dns_", "net_mint", "net_kv", "net_issue", "inner_"],
              "imports": ["ldns_"]},
    "inner": {"libraries": ["libunbound"],
              "symbols": ["net_resolver", "net_resolve", "net_lookup", "net_srv", "net_dane", "net_posh", "net_http",
                          "evidence_", "elsewhere_", "reach_", "outer_"],
              "imports": ["ub_"]},
    "cli": {"libraries": ["libunbound", "libldns", "libnats"],
            "symbols": ["inner_", "outer_", "s2s_", "link_new", "steer_",
                        "net_resolver", "net_resolve", "net_lookup", "net_dns_", "net_nats", "bus_new"],
            "imports": ["ub_", "ldns_", "nats"]},
}
# Nothing here may be linked into any of them: general XML parsers.
NOWHERE = ["libexpat", "libxml2"]


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, check=True).stdout


def library_faults(role, program):
    needed = re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-dW", program))
    for name in needed:
        for word in FORBIDDEN[role]["libraries"] + NOWHERE:
            if name.startswith(word):
                yield "is linked with " + name


def symbol_faults(role, program):
    for line in run("nm", program).splitlines():
        kind, name = line.split()[-2:]
        own = kind not in "Uvw"
        for prefix in FORBIDDEN[role]["symbols" if own else "imports"]:
            if name.startswith(prefix):
                yield "has %s %s" % ("the function" if own else "a use of", name)


def hardening_faults(program):
    header = run("readelf", "-hW", program)
    segments = run("readelf", "-lW", program)
    dynamic = run("readelf", "-dW", program)
    imports = run("nm", "-D", "--undefined-only", program)
    machine = re.search(r"Machine:\s+(.*)", header).group(1)
    if not re.search(r"Type:\s+DYN", header) or not re.search(r"FLAGS_1.*PIE", dynamic):
        yield "is not position independent"
    if "GNU_RELRO" not in segments:
        yield "has no RELRO"
    if not re.search(r"BIND_NOW|FLAGS_1.*\bNOW\b", dynamic):
        yield "binds lazily (no -z now)"
    if re.search(r"GNU_STACK.*RWE", segments):
        yield "has an executable stack"
    if re.search(r"LOAD.*RWE", segments):
        yield "has memory that is writable and executable"
    if "__stack_chk_fail" not in imports:
        yield "has no stack protector"
    if not re.search(r"__\w+_chk\b", imports.replace("__stack_chk_fail", "")):
        yield "is not fortified"
    if re.search(r"RPATH|RUNPATH", dynamic):
        yield "has a run path"
    if "X86-64" in machine and not begins_with_endbr(program, "main"):
        yield "has no branch targets for CET (main does not begin with endbr64)"


def begins_with_endbr(program, function):
    """Debian 12's crt files have no CET note, so the linker writes none: look at our own code."""
    code = run("objdump", "-d", "--no-show-raw-insn", "--disassemble=" + function, program)
    found = re.search(r"<%s>:\n.*?:\s+(\S+)" % function, code)
    return found is not None and found.group(1) == "endbr64"


def unhardened(program):
    """Built with a sanitizer: hardening is the other build's matter."""
    return "__asan_init" in run("nm", program) or "__tsan_init" in run("nm", program)


def main(role, program):
    if unhardened(program):
        return 77
    faults = list(library_faults(role, program)) + list(symbol_faults(role, program)) \
        + list(hardening_faults(program))
    for fault in faults:
        print("%s %s" % (program, fault))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
