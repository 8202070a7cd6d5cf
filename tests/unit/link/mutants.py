#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the simulation notice? Each row puts one bug into a copy of one source of the link engine; the simulation must
then fail within 60,000 schedules, and again with the seed alone. A row whose text is not found any more, or
whose bug nobody notices, fails this test.

mutants.py SOURCE-ROOT BUILD-ROOT [WORD]: only rows whose name contains WORD"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# name, file in src/link, text, what replaces it
ROWS = [
    ("an owner is changed although others hold the pair", "tx_lease.c",
     "return e->n_holders > (lease_holder(e, tx->l->set.node) ? 1u : 0u);",
     "return false;"),
    ("a lost question counts as won", "tx_table.c",
     "if (answer == LINK_WON)",
     "if (answer != LINK_UNAVAILABLE)"),
    ("a question without an answer counts as won", "tx_table.c",
     "\t} else if (answer == LINK_UNAVAILABLE) {\n"
     "\t\tunanswered(tx, now);",
     "\t} else if (answer == LINK_UNAVAILABLE) {\n"
     "\t\tend_question(tx);\n"
     "\t\twon(tx, revision, now);"),
    ("what is asked for is held until the answer", "tx_table.c",
     "\tif (!entry || !tx_keeps_held(tx, entry))\n"
     "\t\tle->held = NULL;\n"
     "\tlist",
     "\tlist"),
    ("a question without an answer was not asked", "tx_table.c",
     "answer == LINK_UNASKED",
     "answer == LINK_UNASKED || answer == LINK_UNAVAILABLE"),
    ("a value is asked with a revision newer than it was made for", "tx_table.c",
     "tx->name.pair, le->expected, le->replaced,",
     "tx->name.pair, le->revision, le->value,"),
    ("what the watch tells is taken for a lease", "tx_lease.c",
     "\tstruct lease e;\n"
     "\n"
     "\tif (!read_entry(tx, &e)) {\n"
     "\t\ttx_ask_later(tx, now);\n"
     "\t\treturn;\n"
     "\t}\n"
     "\tbool others",
     "\tstruct lease e;\n"
     "\n"
     "\tif (!read_entry(tx, &e)) {\n"
     "\t\ttx_ask_later(tx, now);\n"
     "\t\treturn;\n"
     "\t}\n"
     "\tstruct link_peer *told = tx_needed(tx) ? find_live(tx, tx_list_live(tx, false, now), e.owner) : NULL;\n"
     "\tif (told) {\n"
     "\t\ttx_set_owner(tx, told, tx_next_epoch(tx->l, tx->epoch), now);\n"
     "\t\treturn;\n"
     "\t}\n"
     "\tbool others"),
    ("the row of an earlier process is not waited for", "tx_lease.c",
     "return l->started && now >= l->started + l->set.dead_ms;",
     "return true;"),
    ("an owner that lives is left with records under way", "tx_leave.c",
     "bool settled = tx->una >= tx->high ||",
     "bool settled = true ||"),
    ("a seal is not waited for", "tx_leave.c",
     "\ttx->need_open = true;\n"
     "\ttx_go_on(tx, now);",
     "\ttx->need_open = tx->confirmed = true;\n"
     "\ttx_go_on(tx, now);\n"
     "\ttx_shared_leave_step(tx, now);"),
    ("nobody follows a wish", "tx_leave.c",
     "\tif (tx->lease->leaving)\n"
     "\t\treturn;",
     "\tif (tx->lease->leaving || now)\n"
     "\t\treturn;"),
    ("a wish that nobody follows is never given up", "tx_stay.c",
     "\tbegin(tx, le->value, p, now);\n"
     "\treturn true;",
     "\treturn false;"),
    ("who gives a wish up uses the owner without the table", "tx_lease.c",
     "\tif (tx_needed(tx) && others && tx_stay(tx, &e, now))\n"
     "\t\te.wish = STRL(\"\");\n",
     "\tif (tx_needed(tx) && others && tx_stay(tx, &e, now)) {\n"
     "\t\ttx_set_owner(tx, tx->lease->stay_at, tx_next_epoch(tx->l, tx->epoch), now);\n"
     "\t\treturn;\n"
     "\t}\n"),
    ("a row that is not needed stays when others wish", "tx_lease.c",
     "\tif (row && row_is_fenced(tx, e, now))\n"
     "\t\tleave(tx, e, now);\n"
     "\telse if (row)",
     "\tif (row)"),
    ("a lease outlives the verdict", "peer.c",
     "now <= p->lease + p->l->set.fence_ms",
     "now <= p->lease + 3 * p->l->set.fence_ms"),
    ("a dead owner is waited for", "peer.c",
     "return excused(p) ? UINT64_MAX :",
     "return p ? UINT64_MAX :"),
    ("an old epoch is not revoked by a new one", "rx_open.c",
     "\t\trx_revoke(rx);\n"
     "\t\trx_renew_id(rx);",
     "\t\trx_forget_outstanding(rx);"),
    ("received counts as taken", "tx_report.c",
     "while (tx->una <= r->taken)",
     "while (tx->una <= r->have)"),
    ("a refusal is lost with its report", "rx.c",
     "\t\trx->una = f->data.una;\n",
     "\t\trx->una = f->data.una;\n"
     "\t\trx->n_rejects = 0;\n"),
    ("a lapsed lease revokes nothing", "peer.c",
     "\t\tp->fenced = true;\n"
     "\t\trx_revoke_all(p);",
     "\t\tp->fenced = true;"),
    ("what was handed on leaves after the lease", "peer.c",
     "if (!list_empty(&p->rxs) && peer_lease(p, now))\n"
     "\t\t\tat",
     "if (!list_empty(&p->rxs) && peer_lease_holds(p, now))\n"
     "\t\t\tat"),
    ("what waits for a node without a carrier stays", "tx_age.c",
     "if (!peer_is_awaited(p, now))",
     "if (now)"),
    ("what was forgotten is bounced", "tx.c",
     "} else if (!r->moot) {",
     "} else {"),
    ("what was forgotten is told as settled", "tx_moot.c",
     "\t\t\tr->receipt = 0; /* nobody waits for it any more */\n",
     ""),
    ("a repetition is delivered again", "rx.c",
     "\tif (f->data.seq < rx->next) {",
     "\tif (f->data.seq <= rx->taken) {"),
]
SCHEDULES = 60000
FLAGS = ["-std=gnu17", "-O1", "-D_GNU_SOURCE", "-w"]


def compile_one(cc, source, include, output):
    subprocess.run([*cc, *FLAGS, *[f"-I{i}" for i in include], "-c", str(source), "-o", str(output)], check=True)


def run(program, env):
    done = subprocess.run([program], env={**os.environ, **env}, capture_output=True, text=True, timeout=600)
    found = re.search(r"^SEED=(\d+): at \d+ ms: (.*)$", done.stdout, re.M)
    if found:
        return found.group(1), found.group(2)
    # A bug that makes the engine stop itself is noticed as well, but has no seed to tell.
    return ("", f"ends with {done.returncode}") if done.returncode else (None, None)


def try_row(row, cc, root, build, sim, folder):
    name, file, text, instead = row
    source = (root / "src/link" / file).read_text()
    if source.count(text) != 1:
        return f"{source.count(text)} places in {file}, not one"
    (folder / file).write_text(source.replace(text, instead))
    compile_one(cc, folder / file, [root / "src"], folder / "mutant.o")
    program = folder / "sim"
    libraries = [build / "src/link/liblink.a", build / "src/base/libbase.a"]
    subprocess.run([*cc, *sim, folder / "mutant.o", *libraries, "-o", program], check=True)
    seed, wrong = run(program, {"FIRST": "1", "COUNT": str(SCHEDULES)})
    if seed is None:
        return "nobody noticed"
    if seed and run(program, {"SEED": seed})[1] != wrong:
        return f"seed {seed} alone does not show it"
    print(f"ok     {name}: {wrong}" + (f" (seed {seed})" if seed else ""), flush=True)
    return None


def main():
    root, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    word = sys.argv[3] if len(sys.argv) > 3 else ""
    cc = os.environ.get("CC", "cc").split()
    tests = root / "tests/unit/link"
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        sim = []
        for part in sorted(tests.glob("sim*.c")):
            sim.append(folder / (part.stem + ".o"))
            compile_one(cc, part, [root / "src", tests], sim[-1])
        for row in ROWS:
            wrong = try_row(row, cc, root, build, sim, folder) if word in row[0] else None
            if wrong:
                print(f"FAILED {row[0]}: {wrong}", flush=True)
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
