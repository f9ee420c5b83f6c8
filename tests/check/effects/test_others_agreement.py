"""The small tables of JAX and MLX against these libraries, where they are installed: names, and what writes what."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np
import pytest

from tenure.check.effects import tables
from tenure.check.effects.effect import Effect

pytestmark = pytest.mark.peers

OPERATORS = ("__iadd__", "__isub__", "__imul__", "__itruediv__")


def module(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(name)
        except ImportError:
            pytest.skip(f"{name} is not installed")


def method(kind: Any, name: str) -> Effect:
    effect = tables.method(kind, name)
    assert effect is not None
    return effect


@pytest.mark.parametrize(("library", "make"), [("jax", "jax.numpy.ones"), ("mlx", "mlx.core.ones")])
def test_every_name_exists(library: str, make: str) -> None:
    home, _, name = make.rpartition(".")
    instance = getattr(module(home), name)((2, 2))
    missing = []
    for (what, of), names in tables._sections(library).items():
        place = instance if what in ("methods", "attributes") else module_or_attribute(of)
        missing += [f"{what} {of}.{name}" for name in names if name.strip("*_") and not hasattr(place, name)]
    assert not missing


def module_or_attribute(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        parent, _, last = name.rpartition(".")
        return getattr(importlib.import_module(parent), last)


def test_a_second_name_in_mlx_is_the_same_array() -> None:
    mx = module("mlx.core")
    for name in OPERATORS:
        a = mx.array([1.0, 2.0])
        b = a
        getattr(b, name)(3.0)
        assert a.tolist() != [1.0, 2.0]
        assert method("mlx", name).writes == ("0",)
    a = mx.array([1.0, 2.0])
    part, before = a[:1], a.tolist()
    part += 5.0
    assert a.tolist() == before and method("mlx", "__getitem__").result == "owned"
    a[0] = 7.0
    assert a.tolist() == [7.0, 2.0] and method("mlx", "__setitem__").writes == ("0",)


def test_jax_arrays_do_not_change() -> None:
    jnp = module("jax.numpy")
    a = jnp.asarray([1.0, 2.0])
    for name in OPERATORS:
        assert not hasattr(a, name) and tables.method("jax", name) is None
    with pytest.raises(TypeError):
        a[0] = 3.0
    assert method("jax", "__getitem__").result == "owned"
    source = np.ones(1000, dtype=np.float32)
    made = tables.function("jax.numpy.asarray")
    assert made is not None and made.result == "maybe-view"
    copied = jnp.array(source).block_until_ready()
    source[:] = 0.0
    assert float(copied.min()) == 1.0
