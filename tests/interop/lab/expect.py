# SPDX-License-Identifier: Apache-2.0
"""What cases say: a failed expectation, or a case this machine cannot run."""


class Skip(Exception):
    """Not run here; the text says why."""


def expect(truth, text):
    if not truth:
        raise AssertionError(text)


def equal(got, wanted, what):
    expect(got == wanted, "%s: got %.300r, wanted %.300r" % (what, got, wanted))
