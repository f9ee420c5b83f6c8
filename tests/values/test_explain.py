"""tn.explain: the last program, by the user's lines; its numbers add up."""

from __future__ import annotations

import re
import threading
import xml.etree.ElementTree as xml
from pathlib import Path
from typing import Any

import pytest

import tenure as tn
from tenure.compile.tiers import compile_program
from tenure.interp.interp import interpret
from tenure.values.run import plan
from tests.compile.random_ir import cases, outputs_of

SNAPSHOT = """\
a program of 3 operations in 2 kernels, one native call
inputs   %0 float32[300,200], %1 float32[200,40]
outputs  %6 float32[300,40]

kernel 0: [300, 200], on several threads
  test_explain.py  h = tn.tanh(x * 2.0)
  does    multiply, tanh
  reads   240 kB: %0 float32[300,200]
  writes  240 kB: %5 float32[300,200]

kernel 1: BLAS sgemm, called since it is written for each processor's caches and registers
  test_explain.py  y = h @ w
  does    matmul
  reads   272 kB: %1 float32[200,40], %5 float32[300,200]
  writes  48 kB: %6 float32[300,40]

moves 800 kB; each input and each output once are 320 kB (2.50 times that)
arena 240 kB
calls of libraries: BLAS sgemm
"""


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile at first sight."""
    monkeypatch.setattr(plan, "EXECUTOR", compile_program)


def without_numbers(e: Any) -> str:
    """The text without folders and line numbers."""
    return re.sub(r"\S*?(\w+\.py):\d+", r"\1", f"{e}\n")


def test_snapshot(compiled: None) -> None:
    x, w = tn.from_numpy(tn.ones((300, 200)).numpy()), tn.from_numpy(tn.ones((200, 40)).numpy())
    h = tn.tanh(x * 2.0)
    y = h @ w
    del h
    y.numpy()
    assert without_numbers(tn.explain()) == SNAPSHOT


def test_fields(compiled: None) -> None:
    x = tn.from_numpy(tn.ones((100, 30)).numpy())
    y = (x * x).sum(1)
    y.numpy()
    e = tn.explain()
    assert isinstance(e, tn.Explanation)
    (kernel,) = e.kernels
    assert kernel.report.names == ("multiply", "reduce_sum") and not kernel.report.threads
    (line,) = kernel.lines
    assert (Path(line.filename).name, line.text.strip()) == ("test_explain.py", "y = (x * x).sum(1)")
    assert (e.moved, e.floor, e.arena, e.host_calls) == (12400, 12400, e.arena, ())
    assert repr(e) == str(e)


def test_what_was_written_in_place_and_what_was_copied(compiled: None) -> None:
    def step(v: Any) -> Any:
        v[10:20] = 3.0
        assert v[12].item() == 3.0
        return tn.explain()

    v = tn.zeros(100_000).mut()
    v[0].item()
    step(v)
    e = step(v)
    (reuse,) = [r for r in e.reuses if r.given]
    assert reuse.why is None and "in place: " in str(e) and "which nobody else holds" in str(e)
    assert e.moved < 1000, "only the part is touched"
    kept = v.value
    e = step(v)
    (reuse,) = [r for r in e.reuses if r.given]
    assert "somebody still holds it" in str(reuse.why)
    assert e.moved > 2 * v.nbytes - 1000
    assert kept[12].item() == 3.0


def test_a_base_that_is_read_again_is_copied_because_of_its_reader(compiled: None) -> None:
    x = tn.from_numpy(tn.ones(5000).numpy())
    y = tn.sin(x)
    z = y.at[3].set(1.0)
    w = z.sum() * y.sum()
    del y, z
    w.item()
    reasons = [r.why for r in tn.explain().reuses if r.why is not None]
    assert len(reasons) <= 1 and all("afterwards" in why for why in reasons)


def test_it_says_how_the_program_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    for executor, said in [
        (compile_program, "one native call"),
        (interpret, "reference interpreter"),
        (plan.EXECUTORS["tiered"], "op by op"),
    ]:
        monkeypatch.setattr(plan, "EXECUTOR", executor)
        x = tn.ones(37 + len(said))
        (x * 3.0 + 1.0).numpy()
        assert said in str(tn.explain()).splitlines()[0]


def result_shape() -> Any:
    program = tn.explain().report.plan.program
    return program.aval(program.outputs[0]).shape


def test_each_thread_has_its_own_last_program() -> None:
    tn.ones(3).numpy()
    seen: list[Any] = []

    def work() -> None:
        try:
            tn.explain()
        except tn.TenureError as error:
            seen.append(error.message)
        tn.zeros(5).numpy()
        seen.append(result_shape())

    t = threading.Thread(target=work)
    t.start()
    t.join()
    assert seen == ["no program has run in this thread yet", (5,)]
    assert result_shape() == (3,)


def test_a_training_step_names_the_users_lines(compiled: None) -> None:
    model = tn.nn.Sequential(tn.nn.Linear(6, 5), tn.nn.ReLU())
    optimizer = tn.optim.Adam(model.parameters())
    for _ in range(2):
        optimizer.zero_grad()
        loss = (model(tn.ones((4, 6))) ** 2).sum()
        loss.backward()
        optimizer.step()
        loss.item()
    e = tn.explain()
    lines = {line.text.strip() for kernel in e.kernels for line in kernel.lines}
    assert {"loss.backward()", "optimizer.step()"} <= lines
    assert any("model(tn.ones" in line for line in lines)
    assert e.host_calls and set(e.host_calls) == {"BLAS sgemm"}


def test_the_page_is_whole_and_needs_nothing(compiled: None, tmp_path: Path) -> None:
    x = tn.from_numpy(tn.ones((30, 20)).numpy())
    y = tn.exp(x).sum(0) + tn.ones(20) @ tn.ones((20, 20))
    assert (y < 100).all().item() in (True, False)
    e = tn.explain()
    e.html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|<link|<img|src=|url\(|@import", page)
    svg = xml.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
    boxes = svg.findall(".//{http://www.w3.org/2000/svg}rect")
    program = e.report.plan.program
    assert len(boxes) == len(program.inputs) + len(e.kernels) + len(set(program.outputs))
    assert "y = tn.exp(x).sum(0) + tn.ones(20) @ tn.ones((20, 20))" in page


@pytest.mark.parametrize("seed", range(12))
def test_the_numbers_of_random_programs_add_up(seed: int) -> None:
    from tenure.compile.explain import report

    r = cases(20_000 + seed, 3)
    program, _, _ = r.finish(outputs_of(r))
    found = report(program)
    n = len(found.plan.program.inputs)
    made = [t.value for k in found.kernels for t in k.writes]
    assert found.moved >= found.floor >= 0
    assert len(made) == len(set(made)) and set(made) == found.plan.stored - set(range(n))
    known = set(range(n))
    for k in found.kernels:
        assert all(t.value in known for t in k.reads), "what a kernel reads was made before it"
        assert all(0 <= t.nbytes <= t.aval.nbytes for t in (*k.reads, *k.writes))
        known.update(t.value for t in k.writes)
    assert set(found.plan.program.outputs) <= known


WAYS_TO_INDEX: dict[str, Any] = {
    "x[1, 1]": lambda x, v, i: x[1, 1],
    "v[1, 1]": lambda x, v, i: v[1, 1],
    "v[i]": lambda x, v, i: v[i],
    "v.data[i]": lambda x, v, i: v.data[i],
    "x.at[0].add": lambda x, v, i: x.at[0].add(2.0),
    "v.add_": lambda x, v, i: v.add_(1.0).value,
    "v.data.mul_": lambda x, v, i: v.data.mul_(2.0),
}


@pytest.mark.parametrize("text", WAYS_TO_INDEX)
def test_every_way_to_index_has_its_line(compiled: None, text: str) -> None:
    shape = (5, 4 + len(text))  # a program of its own: an equal one would keep the lines where it was new
    WAYS_TO_INDEX[text](tn.ones(shape), tn.ones(shape).mut(), tn.arange(5)).numpy()
    lines = [line.text for kernel in tn.explain().kernels for line in kernel.lines]
    assert any(line.strip().startswith(f'"{text}": ') for line in lines)


def test_a_failed_read_of_a_borrow_names_its_line() -> None:
    i = tn.arange(100)
    with pytest.raises(tn.OutOfRange) as caught:
        tn.ones(3).mut().data[i].numpy()
    assert caught.value.at is not None and caught.value.at.text.strip() == "tn.ones(3).mut().data[i].numpy()"
