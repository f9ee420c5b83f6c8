"""Programs that generated code makes of recorded rows: instruction for instruction those of its twin in Python."""

import os
import random
import subprocess
import sys

import numpy as np
import pytest

import tenure as tn
from tenure.interp.interp import interpret
from tenure.ir.show import show
from tenure.values.native import hits
from tenure.values.rules import graph
from tenure.values.run import plan

STEPS = [
    lambda a, b, k: a * 0.5 + b,
    lambda a, b, k: a.tanh() * b - 1,
    lambda a, b, k: a / (b * b + 2.0),
    lambda a, b, k: (a @ b) * 0.1,
    lambda a, b, k: a - b.mean(0),
    lambda a, b, k: tn.where(a > b, a, 0.5),
    lambda a, b, k: a[k % 4] + b,
    lambda a, b, k: a[1:, k % 4].sum() * b,
    lambda a, b, k: tn.concat([a[: k % 4], b[k % 4 :]]),
    lambda a, b, k: a[tn.tensor([0, 3, 0, k % 4])] * b,
    lambda a, b, k: tn.maximum(a, b).clip(-1.0, 1.0),
    lambda a, b, k: b.detach() * a,
    lambda a, b, k: tn.vmap(lambda x, y: x * y.sum())(a, b),
    lambda a, b, k: a.exp().clip(None, 2.0).T,
]


def run(seed, operations):
    """Record and differentiate a random program; what is read on the way, and how, is random too."""
    draw = random.Random(seed)
    x = tn.tensor(np.random.default_rng(seed).normal(size=(4, 4)), requires_grad=True)
    w = tn.nn.Parameter(tn.full((4, 4), 0.3, dtype=tn.float64))
    values = [x, w, x + w]
    for _ in range(operations):
        a, b = values[-1 - draw.randrange(min(3, len(values)))], draw.choice(values)
        values.append(draw.choice(STEPS)(a, b, draw.randrange(100)))
        if draw.random() < 0.1:
            (values[-1].sum() * 0.1).backward(retain_graph=draw.random() < 0.7)
            values = [x, w, values[-1].detach() + w]
        elif draw.random() < 0.05:
            values[-1].sum().item()
    total = values[-1].sum()
    if draw.random() < 0.3:
        (g,) = tn.autograd.grad(total, [x], create_graph=True, allow_unused=True)
        total = total + (0.0 if g is None else (g * g).sum())
    if total.requires_grad:
        total.backward()
    return [t.grad.numpy().tobytes() for t in (x, w) if t.grad is not None]


def programs(seeds):
    """Text of every program that is built for the runs, and their gradients."""
    texts = []

    def execute(program):
        texts.append(show(program))
        return interpret(program)

    plan.EXECUTOR = execute
    for seed in seeds:
        graph.forget_unused()  # whether a run saves for a backward follows from what came of the last runs
        graph.EXPECTED["backward"] = False
        try:
            texts.append(repr(run(seed, 5 + 7 * (seed % 9))))
        except tn.errors.TenureError as error:
            texts.append(f"{type(error).__name__}: {error}")
    return "\n".join(texts)


@pytest.mark.skipif(hits.CODE is None, reason="there is no generated recorder on this platform")
def test_both_make_the_same_programs():
    count = 400 if os.environ.get("TENURE_FUZZ") else 60
    said = []
    for builtins in ("0", "1"):
        code = f"import test_twins; print(test_twins.programs(range({count})))"
        environment = {**os.environ, "TENURE_BUILTINS": builtins}
        folder = os.path.dirname(__file__)
        said.append(subprocess.check_output([sys.executable, "-c", code], env=environment, text=True, cwd=folder))
    assert len(said[0].splitlines()) > 20 * count
    assert said[0].splitlines() == said[1].splitlines()
