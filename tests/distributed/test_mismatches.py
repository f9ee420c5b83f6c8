"""No hang: ranks that do not come to one collective are told so, with the line of each, once."""

from __future__ import annotations

import os

import pytest

from tests.distributed import jobs

pytestmark = pytest.mark.skipif(bool(jobs.WHY), reason=jobs.WHY)

SAID = {
    "deadlock": ("ranks wait for each other", "recv(source=0, tag=0)", "here: barrier()"),
    "ended": ("ranks have come to different collectives", "here: barrier()", "waits: the end of the program"),
    "error": ("ZeroDivisionError: the rank's own", 'raise ZeroDivisionError("the rank\'s own")'),
    "same": ("ShapeError", "tn.ones(3) + tn.ones(4)"),
    "late": ("a rank has waited for 1 s; rank 1 did not come", "here: barrier()"),
}
EVERY = [(2, name) for name in SAID] + [(3, name) for name in ("deadlock", "ended", "error", "same")]
SOME = [(2, "error")]


@pytest.mark.parametrize(("ranks", "ending"), EVERY if os.environ.get("TENURE_FUZZ") else SOME)
def test_an_error_is_shown_once(ranks: int, ending: str) -> None:
    done = jobs.run(ranks, "mismatches.py", ending, timeout=60)
    assert done.returncode != 0 and "all caught" in done.stdout, done.stderr
    for words in SAID[ending]:
        assert done.stderr.count(words) == 1, done.stderr
    assert done.stderr.count("Traceback") <= 1, done.stderr
    who = {"error": f"rank {ranks - 1}: ", "same": "ranks 0"}.get(ending, "rank")
    assert who in done.stderr
