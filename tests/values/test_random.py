"""Random tensors: reproducible streams, one per thread and process, recorded without new programs."""

import os
import pickle
import threading
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.ops import philox
from tenure.values.run.force import COUNTS


def draw(generator: Any = None) -> list[float]:
    return tn.rand(3, generator=generator).tolist()


def test_a_seed_starts_the_stream_that_philox_defines() -> None:
    tn.manual_seed(7)
    first, second = tn.rand(5), tn.randn(2, 3, dtype=tn.float64)
    whole = tn.randint(-2, 9, (4,))
    assert first.tolist() == philox.uniform(7, 0, (5,), "float32").tolist()
    wanted = philox.normal(7, 1, (2, 3), "float64")  # its logarithms and cosines are NumPy's
    np.testing.assert_allclose(second.numpy(), wanted, rtol=1e-14)
    assert whole.tolist() == philox.integers(7, 2, -2, 9, (4,), "int64").tolist()


def test_shapes_and_dtypes() -> None:
    assert tn.rand(2, 3).shape == tn.rand((2, 3)).shape == tn.rand([2, 3]).shape == (2, 3)
    assert tn.rand().shape == ()
    assert tn.rand(0).tolist() == []
    assert tn.randn(3, dtype=tn.float64).dtype is tn.float64
    assert tn.rand_like(tn.zeros(2, 5, dtype=tn.float64)).dtype is tn.float64
    assert tn.randn_like(tn.zeros(2, 5), dtype=tn.float64).shape == (2, 5)
    assert tn.randint(3, (10,)).dtype is tn.int64
    assert tn.randint(3, (10,), dtype=tn.int32).dtype is tn.int32
    assert set(tn.randint(2, 4, (200,)).tolist()) == {2, 3}
    assert set(tn.randint(3, (200,)).tolist()) == {0, 1, 2}
    leaf = tn.randn(3, requires_grad=True)
    assert isinstance(leaf, tn.Var)
    assert leaf.requires_grad


def test_ranges_of_whole_numbers_share_a_program() -> None:
    def drawn(low: int, high: int) -> list[int]:
        found: list[int] = (tn.randint(low, high, (6,)) * 2).tolist()
        assert all(2 * low <= x < 2 * high for x in found)
        return found

    drawn(0, 3), drawn(0, 3)
    before = COUNTS["programs"]
    for k in range(20):
        drawn(-k, 3 * k + 1)
    assert COUNTS["programs"] <= before + 2, "numbers that vary are inputs of the program"


def test_randperm_is_a_permutation() -> None:
    tn.manual_seed(0)
    first = tn.randperm(100).tolist()
    assert sorted(first) == list(range(100))
    assert first != tn.randperm(100).tolist()
    assert tn.randperm(0).shape == (0,)
    tn.manual_seed(0)
    assert tn.randperm(100).tolist() == first
    counts = [0] * 6
    for _ in range(600):
        counts[int(tn.randperm(3)[0].item()) * 2] += 1
    assert min(counts[::2]) > 150


def test_bad_requests_take_no_number() -> None:
    tn.manual_seed(3)
    before = tn.get_rng_state().tolist()
    with pytest.raises(tn.DTypeError, match="TN802: rand draws floats, not int64"):
        tn.rand(3, dtype=tn.int64)
    with pytest.raises(tn.ShapeError, match="TN802: sizes are not negative"):
        tn.rand(-1)
    with pytest.raises(tn.ShapeError, match=r"TN802: randint: \[3, 3\) is empty"):
        tn.randint(3, 3, (2,))
    with pytest.raises(tn.DTypeError, match="no device"):
        tn.rand(3, device="cuda")
    with pytest.raises(TypeError, match="needs a size"):
        tn.randint(3)
    assert tn.get_rng_state().tolist() == before


def test_values_do_not_depend_on_when_they_are_read() -> None:
    tn.manual_seed(5)
    a, b = tn.rand(4), tn.rand(4)
    late = [b.tolist(), a.tolist()]
    tn.manual_seed(5)
    with tn.eager():
        early = [tn.rand(4).tolist(), tn.rand(4).tolist()]
    assert late == early[::-1]


def test_a_generator_has_a_stream_of_its_own() -> None:
    tn.manual_seed(0)
    expected = draw()
    tn.manual_seed(0)
    g = tn.Generator().manual_seed(9)
    mine = tn.rand(3, generator=g)
    assert draw() == expected
    assert tn.rand(3, generator=tn.Generator(9)).tolist() == mine.tolist()
    assert g.initial_seed() == 9
    assert tn.Generator(-1).initial_seed() == 2**64 - 1
    assert tn.Generator(2**64 - 1).manual_seed(2**63).initial_seed() == 2**63
    assert tn.rand(2, generator=tn.Generator(2**64 - 1)).shape == (2,)
    with pytest.raises(ValueError, match="a seed lies in"):
        tn.manual_seed(2**64)


def test_a_state_is_taken_without_a_trace_and_put_back() -> None:
    tn.manual_seed(4)
    draw()
    state = tn.get_rng_state()
    first = draw()
    tn.set_rng_state(state)
    assert draw() == first
    g = tn.Generator(11)
    tn.rand(2, generator=g)
    twin = pickle.loads(pickle.dumps(g))
    assert tn.rand(2, generator=g).tolist() == tn.rand(2, generator=twin).tolist()


def test_unseeded_generators_differ() -> None:
    assert tn.rand(4, generator=tn.Generator()).tolist() != tn.rand(4, generator=tn.Generator()).tolist()
    g = tn.Generator(0)
    assert g.seed() == g.initial_seed()


def in_threads(count: int) -> list[list[float]]:
    found: list[list[float]] = []
    for _ in range(count):
        thread = threading.Thread(target=lambda: found.append(draw()))
        thread.start()
        thread.join()
    return found


def test_threads_descend_from_the_last_seed() -> None:
    tn.manual_seed(1)
    mine = draw()
    first = in_threads(3)
    tn.manual_seed(1)
    assert in_threads(3) == first
    assert draw() == mine
    tn.manual_seed(2)
    other = in_threads(1)
    drawn = [tuple(d) for d in [mine, *first, *other]]
    assert len(set(drawn)) == len(drawn)


def test_no_number_is_handed_out_twice() -> None:
    g = tn.Generator(0)
    taken: list[int] = []
    threads = [threading.Thread(target=lambda: taken.extend(g.take()[1] for _ in range(2000))) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(taken) == list(range(8000))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_draws_other_numbers() -> None:
    def in_child() -> bytes:
        read, write = os.pipe()
        if os.fork() == 0:
            os.write(write, repr([draw(), draw()]).encode())
            os._exit(0)
        os.wait()
        os.close(write)
        with open(read, "rb") as file:
            return file.read()

    tn.manual_seed(6)
    children = [in_child(), in_child()]
    mine = repr([draw(), draw()]).encode()
    assert len({mine, *children}) == 3
    tn.manual_seed(6)
    assert [in_child(), in_child()] == children


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_generator_that_is_inherited_draws_other_numbers_in_each_process() -> None:
    def in_child() -> bytes:
        read, write = os.pipe()
        if os.fork() == 0:
            os.write(write, repr([draw(g), g.get_state().tolist()[1], draw(tn.Generator(5))]).encode())
            os._exit(0)
        os.wait()
        os.close(write)
        with open(read, "rb") as file:
            return file.read()

    runs = []
    for _ in range(2):
        tn.manual_seed(6)
        g = tn.Generator(5)
        draw(g)
        children = [in_child(), in_child()]
        runs.append([*children, draw(g)])
        assert len({children[0].split(b"]")[0], children[1].split(b"]")[0], repr(runs[-1][2]).encode()}) == 3
        assert children[0].rsplit(b"[", 1)[1] == children[1].rsplit(b"[", 1)[1]  # a seed set there is that seed
    assert runs[0] == runs[1]


def test_drawing_anew_at_each_step_builds_no_programs() -> None:
    tn.manual_seed(0)
    g = tn.Generator(1)
    counts = []
    for _ in range(12):
        x = tn.rand(8) + tn.randn(8, generator=g) * tn.randint(5, (8,))
        (x * 2).sum().item()
        counts.append(COUNTS["programs"])
    assert counts[4] == counts[-1]


def test_another_seed_builds_no_programs_for_good() -> None:
    counts = []
    for seed in range(8):
        tn.manual_seed(seed)
        (tn.rand(3, 3, 3) - 1).sum().item()
        counts.append(COUNTS["programs"])
    assert counts[3] == counts[-1]


def test_gradients_pass_by() -> None:
    w = tn.ones(4, requires_grad=True)
    noise = tn.rand(4)
    (w * noise).sum().backward()
    assert w.grad.tolist() == noise.tolist()
    assert not noise.requires_grad


def test_places_are_filled() -> None:
    v = tn.Var(tn.zeros(500, dtype=tn.float64))
    assert v.uniform_(-2, 3) is v
    assert -2 <= v.min().item() < -1.9 < 2.9 < v.max().item() < 3
    assert v.normal_(5, 0.1).mean().item() == pytest.approx(5, abs=0.05)
    w = tn.zeros(3, requires_grad=True)
    w.data.uniform_(1, 2)
    assert w.detach().min().item() >= 1
    with pytest.raises(tn.WriteError, match="TN594"):
        w.normal_()
