"""What `tenure check` is measured with: sites of copies, labels, traced programs."""

from __future__ import annotations

import ast
import contextlib
import io
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from checking.corpus import packages, repositories
from checking.labels import Label, Report, compare, labels, template
from checking.programs import Program, generate
from checking.strip import sites
from checking.tracing import Useless, events, run

from tests.check.mutations import real_files

LOOPS = """
def purge(self, names, table):
    for name in list(names):
        if name:
            names.remove(name)
    for key, value in list(table.items()):
        table["old " + key] = value
    for item in self.items[:]:
        self.drop(item)
    for key in list(table):
        table[key] = 0
    for name in list(names):
        if name:
            names.remove(name)
            break
    for name in sorted(names):
        names.remove(name)
    for name in list(self.names):
        names.remove(name)
"""
VIEWS = """
def scale(a, b, i):
    first = a[i].clone()
    a *= 2
    last = a[-1].copy()
    whole = b.clone()
    whole[0] = first
    kept = b.copy()
    b = b + 1
    b[0] = 2
    return first, last, whole, kept, b
"""


def found(source: str) -> list[tuple[str, int, str]]:
    return sorted((site.family, site.line, site.replacement) for site, _ in sites(source, ast.parse(source)))


def test_loops_over_copies_of_what_they_resize() -> None:
    assert found(LOOPS) == [("iteration", 3, "names"), ("iteration", 6, "table.items()")]


def test_a_method_that_resizes_counts() -> None:
    methods = "\n".join("    " + line for line in LOOPS.splitlines())
    source = f"class A:{methods}\n    def drop(self, item):\n        self.items.remove(item)\n"
    assert found(source) == [
        ("iteration", line, text) for line, text in ((3, "names"), (6, "table.items()"), (8, "self.items"))
    ]


def test_copies_that_a_later_write_makes_necessary() -> None:
    assert found(VIEWS) == [("alias", 6, "b"), ("view", 3, "a[i]")]


def test_stripped_code_parses_and_differs_in_the_copy_only() -> None:
    draw = random.Random(0)
    seen = 0
    sources = [source for source in (path.read_text("utf-8") for path in real_files()) if "copy(" in source]
    for source in draw.sample(sources, min(150, len(sources))):
        for site, _ in sites(source, ast.parse(source)):
            stripped = site.strip(source)
            assert ast.dump(ast.parse(stripped)) != ast.dump(ast.parse(source))
            before, after = source.split("\n"), stripped.split("\n")
            assert len(before) == len(after)
            assert before[: site.line - 1] == after[: site.line - 1]
            assert before[site.end_line :] == after[site.end_line :]
            seen += 1
    assert seen


def test_labels_are_found_by_line_text_and_counted() -> None:
    rows = [
        Report("p", "a.py", "rule", line, text, "") for line, text in ((3, "x.pop()"), (9, "x.pop()"), (12, "y.pop()"))
    ]
    known = {rows[0].key: Label("genuine", "read"), ("p", "b.py", "rule", "z"): Label("false", "read")}
    verdicts = compare(rows, known, ["p"])
    assert (verdicts.reports, verdicts.unlabelled) == (1, rows[1:])
    assert verdicts.unused == [("p", "b.py", "rule", "z")]
    assert compare(rows, known, ["q"]).unused == []
    twice = compare(rows, {rows[0].key: Label("false", "read", 2)}, ["p"])
    assert (twice.counts, twice.precision) == (Counter(false=2), 0.0)
    assert 'line = "d[\'a\'] = \\"b\\""' in template(Report("p", "a.py", "rule", 1, "d['a'] = \"b\"", ""))


def test_every_label_is_of_a_package_of_the_corpus() -> None:
    known = (*packages(), *packages(held_out=True), *repositories())
    assert {key[0] for key in labels()} <= {one.name for one in known}


def seen(traced: str) -> list[tuple[str, tuple[int, ...], int]]:
    return sorted((e.cause, e.writes, e.read) for e in events(Program(traced=traced.splitlines())))


def test_tracing_sees_what_two_names_share() -> None:
    traced = """
x = np.zeros(4)
_t.bind('x', x, 1, 'new', '')
v = x[1:]
_t.bind('v', v, 2, 'view', 'x')
_t.write('x', x[:1], 3, False)
x[0] = 1
_t.read('v', v, 4)
_t.write('x', x, 5, False)
x += 1
_t.read('v', v, 6)
"""
    assert seen(traced) == [("array, view, the second name read", (5,), 6)]


def test_tracing_sees_a_loop_over_what_it_resizes() -> None:
    for leave, expected in ("pass", [("list, resized while iterated", (3,), 2)]), ("break", []):
        traced = f"""
x = [1, 2]
_t.bind('x', x, 1, 'new', '')
for y in _t.iterate('x', x, iter(x), 2):
    _t.write('x', x, 3, True)
    x.pop()
    {leave}
"""
        assert seen(traced) == expected


@pytest.mark.parametrize("first", range(0, 100, 20))
def test_both_spellings_of_a_program_do_the_same(first: int) -> None:
    compared = 0
    for program in map(generate, range(first, first + 20)):
        flags = [True] * program.flags
        try:
            traced = run(program, flags)
        except Useless:
            continue
        if traced.ended:
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(program.source.replace("from settings import flags", ""), {"flags": flags})
            assert out.getvalue() == traced.printed
            compared += 1
    assert compared > 10
