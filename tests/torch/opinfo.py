"""PyTorch's OpInfo database against the face: forward, gradients, in-place variants, classes of errors.

    python -m tests.torch.opinfo                 every OpInfo, every sample of float32, float64, int64 and bool
    python -m tests.torch.opinfo --samples 5 sum linalg.svd

Each sample is run by PyTorch and by the face on the same numbers. A line an OpInfo that does not pass, then a summary.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import functools
import signal
import sys
import types
import unittest
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

if "expecttest" not in sys.modules:  # PyTorch's test utilities import it, and use it for snapshots alone
    stub: Any = types.ModuleType("expecttest")
    stub.TestCase, stub.assert_expected_inline = unittest.TestCase, None
    sys.modules["expecttest"] = stub

import numpy as np
import torch

import tenure.torch as face
import tenure.torch.nn.functional as face_functional

DTYPES = (torch.float32, torch.float64, torch.int64, torch.bool)
OUT_OF_SCOPE = {
    "no accelerator": "jiterator_2inputs_2outputs jiterator_4inputs_with_extra_args jiterator_binary "
    "jiterator_binary_return_by_ref jiterator_unary torch._scaled_mm torch._scaled_mm_v2 "
    "torch.ops.aten._efficient_attention_forward torch.ops.aten._flash_attention_forward",
    "an operator that PyTorch has for itself": "_batch_norm_with_update _chunk_cat _native_batch_norm_legit "
    "_segment_reduce _softmax_backward_data _unsafe_masked_index _unsafe_masked_index_put_accumulate "
    "_upsample_bilinear2d_aa grid_sampler_2d grid_sampler_3d max_pool2d_with_indices_backward native_batch_norm "
    "native_dropout_backward native_group_norm native_layer_norm torch.ops.aten._safe_softmax.default hash_tensor "
    "constant_pad_nd",
    "the rest of a storage, or an overload by its own name": "as_strided.partial_views slice",
    "sparse": "sparse.mm sparse.sampled_addmm to_sparse",
}
"""OpInfos that are no part of what a program on a CPU calls, by reason."""
UNDEFINED = """
rand_like randn randn_like randint randint_like normal bernoulli multinomial uniform exponential cauchy geometric
log_normal empty empty_like empty_permuted empty_strided new_empty new_empty_strided svd_lowrank pca_lowrank
nn.functional.dropout nn.functional.dropout2d nn.functional.dropout3d nn.functional.alpha_dropout
nn.functional.feature_alpha_dropout nn.functional.rrelu nn.functional.fractional_max_pool2d
nn.functional.fractional_max_pool3d resize_ resize_as_ nn.functional.multi_head_attention_forward
nn.functional.scaled_dot_product_attention
"""
RANDOM = frozenset(UNDEFINED.split())
"""OpInfos whose numbers are not defined: shapes and dtypes are compared (of attention, where it drops something)."""


def op_db() -> Any:
    """PyTorch's database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db as db
    return db


def in_scope(op: Any) -> bool:
    """Whether an OpInfo is of something that a program on a CPU calls."""
    name = f"{op.name}.{op.variant_test_name}".rstrip(".")
    return not any({name, op.name} & set(names.split()) for names in OUT_OF_SCOPE.values())


class Missing(Exception):
    """The face has no such name."""


def taken_over(x: Any, memo: dict[int, Any]) -> Any:
    """An argument of PyTorch's as the face has it: the same numbers in other tensors."""
    if isinstance(x, torch.Tensor):
        if id(x) not in memo:
            memo[id(x)] = (of_part(x, memo) if STORAGES in memo else of_tensor(x), x)
        return memo[id(x)][0]
    if isinstance(x, torch.dtype):
        return getattr(face, str(x).removeprefix("torch."))
    if isinstance(x, torch.device):
        return face.device(str(x))
    if isinstance(x, torch.layout | torch.memory_format):
        return getattr(face, str(x).removeprefix("torch."))
    if isinstance(x, torch.Size):
        return face.Size(x)
    if isinstance(x, torch.Generator):
        return None
    if type(x) in (tuple, list):
        return type(x)(taken_over(v, memo) for v in x)
    if isinstance(x, dict):
        return {k: taken_over(v, memo) for k, v in x.items()}
    return rebound(x) if callable(x) else x


def of_tensor(x: Any) -> Any:
    """A tensor of the face with PyTorch's numbers."""
    if x.layout is not torch.strided:
        raise Missing("sparse")
    plain = x.detach().resolve_conj().resolve_neg()
    array = plain.float().numpy() if x.dtype is torch.bfloat16 else plain.numpy()
    made = face.tensor(np.array(array), dtype=taken_over(x.dtype, {}))
    return made.requires_grad_() if x.requires_grad else made


STORAGES = -1
"""Key of a memo under which tensors that share elements shall share them."""


def of_part(x: Any, memo: dict[int, Any]) -> Any:
    """A tensor of the face over the elements of PyTorch's storage, so that what shares elements does."""
    if x.requires_grad:
        return of_tensor(x)
    at = x.untyped_storage().data_ptr()
    if at not in memo[STORAGES]:
        memo[STORAGES][at] = of_tensor(torch.empty(0, dtype=x.dtype).set_(x.untyped_storage()))
    return face.as_strided(memo[STORAGES][at], tuple(x.size()), x.stride(), x.storage_offset())


def rebound(fn: Any) -> Any:
    """A function of PyTorch's tests with the face for ``torch``."""
    if isinstance(fn, types.FunctionType):
        if not (fn.__module__ or "").startswith("torch.testing"):
            path = f"{fn.__module__}.{fn.__qualname__}".removeprefix("torch.").removeprefix("_tensor.")
            return named(path.replace("masked._ops", "masked").replace("windows.windows", "windows"))
        cells = tuple(types.CellType(inner(c.cell_contents)) for c in fn.__closure__ or ())
        scope = {**fn.__globals__, "torch": face}
        if "F" in scope and "F" in fn.__code__.co_names:
            scope["F"] = face_functional
        made = types.FunctionType(fn.__code__, scope, fn.__name__, fn.__defaults__, cells)
        made.__kwdefaults__ = fn.__kwdefaults__
        return made
    if isinstance(fn, functools.partial):
        return functools.partial(rebound(fn.func), *fn.args, **fn.keywords)
    if isinstance(fn, types.BuiltinFunctionType | types.MethodDescriptorType | types.WrapperDescriptorType):
        return of_builtin(fn)
    if isinstance(fn, torch.nn.Module) and not list(fn.parameters()):
        return named(f"nn.{type(fn).__name__}")()
    raise Missing(repr(fn))


def inner(x: Any) -> Any:
    """What a function of PyTorch's tests refers to, with the face in it; an OpInfo as it is, for its name."""
    return rebound(x) if callable(x) and not isinstance(x, type) and not hasattr(x, "sample_inputs_func") else x


def of_builtin(fn: Any) -> Any:
    """The face's function of the name of one of PyTorch's built in."""
    name = fn.__name__
    if isinstance(fn, types.MethodDescriptorType | types.WrapperDescriptorType):
        return named(f"Tensor.{name}")
    for place, prefix in (("linalg", "linalg_"), ("special", "special_"), ("fft", "fft_")):
        if name.startswith(prefix):
            return named(f"{place}.{name.removeprefix(prefix)}")
    if getattr(torch, name, None) is fn:
        return named(name)
    if getattr(torch.nn.functional, name, None) is fn:
        return named(f"nn.functional.{name}")
    return named(name)


def named(path: str) -> Any:
    """A name of the face; Missing without it."""
    found: Any = face
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except (AttributeError, ImportError) as error:
            raise Missing(path) from error
    return found


def face_of(op: Any) -> Any:
    """The face's callable of an OpInfo."""
    if isinstance(op.op, types.FunctionType) and (op.op.__module__ or "").startswith("torch.testing"):
        return rebound(op.op)
    for path in (op.name, f"Tensor.{op.name}"):
        with contextlib.suppress(Missing):
            found = named(path)
            if not isinstance(found, face.dtype):
                return found
    return rebound(op.op)


def leaves(x: Any) -> Iterator[Any]:
    """Parts of a result."""
    if isinstance(x, tuple | list) and not isinstance(x, torch.Size | face.Size):
        for v in x:
            yield from leaves(v)
    elif isinstance(x, dict):
        yield from leaves(list(x.values()))
    else:
        yield x


def plain(x: Any) -> np.ndarray[Any, Any]:
    """The numbers of a tensor of either."""
    if isinstance(x, torch.Tensor):
        x = x.detach().resolve_conj().resolve_neg()
        return (x.float() if x.dtype is torch.bfloat16 else x).numpy()
    x = x.detach()
    return np.asarray((x.float() if x.dtype is face.bfloat16 else x).numpy())


TOLERANCE = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 2e-5, "complex64": 2e-5, "float64": 1e-7, "complex128": 1e-7}


def differs(mine: Any, theirs: Any, numbers: bool = True, slack: float = 1.0) -> str | None:
    """Where two results differ; None where they agree."""
    ours, others = list(leaves(mine)), list(leaves(theirs))
    if len(ours) != len(others):
        return f"structure: {len(ours)} parts, not {len(others)}"
    for a, b in zip(ours, others, strict=True):
        if not isinstance(b, torch.Tensor):
            if isinstance(a, face.Tensor) or (type(a).__name__ != type(b).__name__):
                return f"type: {type(a).__name__}, not {type(b).__name__}"
            if numbers and isinstance(b, int | float | complex | str | tuple) and a != b and b == b:
                return f"value: {a}, not {b}"
            continue
        if not isinstance(a, face.Tensor):
            return f"type: {type(a).__name__}, not Tensor"
        if tuple(a.shape) != tuple(b.shape):
            return f"shape: {tuple(a.shape)}, not {tuple(b.shape)}"
        if str(a.dtype) != str(b.dtype):
            return f"dtype: {a.dtype}, not {b.dtype}"
        if a.requires_grad != b.requires_grad:
            return f"requires_grad: {a.requires_grad}, not {b.requires_grad}"
        if numbers and b.numel():
            x, y = plain(a), plain(b)
            tol = TOLERANCE.get(str(b.dtype).removeprefix("torch."), 0.0) * slack
            scale = np.abs(y[np.isfinite(y)]).max(initial=0) if tol else 0
            if not np.allclose(x, y, rtol=tol * 50, atol=tol * (1 + scale), equal_nan=True):
                with np.errstate(all="ignore"):
                    return f"numbers: off by {np.nanmax(np.abs(x.astype(complex) - y.astype(complex))):.3g}"
    return None


def weights(x: Any) -> np.ndarray[Any, Any]:
    """Fixed cotangent of a result."""
    return np.cos(np.arange(int(np.prod(x.shape, dtype=int)), dtype=np.float64) + 1).reshape(tuple(x.shape))


def gradient(lib: Any, out: Any, inputs: list[Any]) -> list[Any] | None:
    """Gradients of the weighted sum of all results for the inputs; None where no result has one."""
    total = None
    for x in leaves(out):
        if isinstance(x, lib.Tensor) and x.requires_grad and x.dtype in (lib.float32, lib.float64, lib.complex64,
                                                                          lib.complex128):
            real = x.abs() if x.is_complex() else x
            term = (real.double() * lib.tensor(weights(x))).sum()
            total = term if total is None else total + term
    if total is None:
        return None
    for x in inputs:
        x.grad = None
    total.backward()
    return [x.grad for x in inputs]


@dataclass
class Tally:
    """What became of the samples of an OpInfo."""

    passed: int = 0
    failed: collections.Counter[str] = field(default_factory=collections.Counter)
    example: dict[str, str] = field(default_factory=dict)
    errors: int = 0
    ties: int = 0
    errors_right: int = 0
    missing: str | None = None

    def note(self, kind: str, said: str) -> None:
        """One sample that did not pass."""
        self.failed[kind] += 1
        self.example.setdefault(kind, said)


def inputs_of(sample: Any) -> list[Any]:
    """Tensors of a sample that require grad."""
    return [x for x in leaves([sample.input, list(sample.args), sample.kwargs])
            if isinstance(x, torch.Tensor) and x.requires_grad]  # fmt: skip


def described(sample: Any) -> str:
    """Short text of a sample."""
    def one(x: Any) -> str:
        if isinstance(x, torch.Tensor):
            return f"{str(x.dtype).removeprefix('torch.')}{list(x.shape)}"
        if isinstance(x, list | tuple):
            return f"[{', '.join(map(one, x))}]"
        return repr(x)[:40]
    words = [one(sample.input), *map(one, sample.args), *[f"{k}={one(v)}" for k, v in sample.kwargs.items()]]
    return ", ".join(words)


def attempt(fn: Any, *args: Any, **kwargs: Any) -> tuple[Any, Exception | None]:
    """What a call gives, or raises."""
    try:
        return fn(*args, **kwargs), None
    except Missing:
        raise
    except Exception as error:
        return None, error


def compare(op: Any, mine: Any, sample: Any, tally: Tally) -> None:
    """One sample: forward and gradient."""
    numbers = op.name not in RANDOM or ("attention" in op.name and not sample.kwargs.get("dropout_p")
                                        and "multi" not in op.name)
    if "hermitian" in getattr(op.gradcheck_wrapper, "__name__", "") and isinstance(sample.input, torch.Tensor):
        x = sample.input.detach()
        sample.input = (x + x.mH).requires_grad_(sample.input.requires_grad)
    memo: dict[int, Any] = {}
    given = taken_over([sample.input, list(sample.args), sample.kwargs], memo)
    theirs, their_error = attempt(op.op, sample.input, *sample.args, **sample.kwargs)
    ours, error = attempt(mine, given[0], *given[1], **given[2])
    if their_error is not None:
        if error is None and not isinstance(their_error, NotImplementedError):
            tally.note("accepted", f"{described(sample)}: {type(their_error).__name__}")
        else:
            tally.passed += 1
        return
    if error is not None:
        tally.note("raised", f"{described(sample)}: {type(error).__name__}: {str(error)[:160]!r}")
        return
    process = sample.output_process_fn_grad
    if isinstance(process, types.FunctionType):
        theirs, ours = process(theirs), rebound(process)(ours)
    found = differs(ours, theirs, numbers)
    if found is not None and op.name in TIES and is_tie(given, ours, theirs):
        tally.ties += 1
        found = None
    if found is not None:
        tally.note(found.partition(":")[0], f"{described(sample)}: {found}")
        return
    tensors = inputs_of(sample)
    if tensors and op.supports_autograd and numbers:
        g, their_error = attempt(gradient, torch, theirs, tensors)
        h, error = attempt(gradient, face, ours, [memo[id(x)][0] for x in tensors])
        if their_error is not None:
            tally.passed += 1
            return
        if error is not None:
            tally.note("gradient raised", f"{described(sample)}: {type(error).__name__}: {str(error)[:160]!r}")
            return
        zeros = [None if b is None or float(b.abs().sum()) == 0 else b for b in g or ()]
        found = differs([None if b is None else a for a, b in zip(h or [None] * len(zeros), zeros, strict=True)],
                        zeros, slack=10)
        if found is not None:
            tally.note("gradient", f"{described(sample)}: {found}")
            return
    tally.passed += 1


TIES = frozenset(("sort", "topk", "kthvalue", "median", "nanmedian", "mode", "argsort", "msort"))
"""OpInfos whose indices are those of one of several equal elements, of which PyTorch does not say which."""


def is_tie(given: Any, ours: Any, theirs: Any) -> bool:
    """Whether the values are the same, and the indices are of such values."""
    if not isinstance(theirs, tuple):
        dim = given[2].get("dim", given[1][0] if given[1] else -1)
        x = given[0]
        return differs(face.take_along_dim(x, ours, dim), torch.from_numpy(plain(face.take_along_dim(
            x, face.tensor(plain(theirs)), dim)))) is None
    if differs(ours[0], theirs[0]) is not None:
        return False
    x, dims = plain(given[0]), [a for a in (*given[1], given[2].get("dim", -1)) if type(a) is int]
    if not x.ndim:
        return differs(ours[1], theirs[1]) is None
    for dim in {*dims, -1}:
        mine, other = plain(ours[1]), plain(theirs[1])
        if mine.ndim < x.ndim:
            mine, other = np.expand_dims(mine, dim), np.expand_dims(other, dim)
        with contextlib.suppress(IndexError, ValueError):
            if np.array_equal(np.take_along_axis(x, mine, dim), np.take_along_axis(x, other, dim), equal_nan=True):
                return True
    return False


def compare_in_place(op: Any, sample: Any, tally: Tally) -> None:
    """The in-place variant of one sample."""
    theirs = op.get_inplace()
    if theirs is None or not isinstance(sample.input, torch.Tensor):
        return
    name = getattr(theirs, "__name__", "<lambda>")
    mine = rebound(theirs) if name == "<lambda>" else named(f"Tensor.{name}")
    given = taken_over([sample.input.detach().clone(), list(sample.args), sample.kwargs], {})
    with torch.no_grad(), face.no_grad():
        x = sample.input.detach().clone()
        _, their_error = attempt(theirs, x, *sample.args, **sample.kwargs)
        _, error = attempt(mine, given[0], *given[1], **given[2])
    if their_error is not None or error is not None:
        if (error is None) == (their_error is None):
            tally.passed += 1
        else:
            tally.note("in place", f"{described(sample)}: {error!r:.200}, not {their_error!r:.100}")
        return
    found = differs(given[0], x, op.name not in RANDOM)
    if found is None:
        tally.passed += 1
    else:
        tally.note("in place", f"{described(sample)}: {found}")


def compare_errors(op: Any, mine: Any, tally: Tally) -> None:
    """Whether the face raises an error of the class that PyTorch's tests expect."""
    if op.error_inputs_func is None:
        return
    for wrong in list(op.error_inputs("cpu")):
        sample = wrong.sample_input
        _, expected = attempt(op.op, sample.input, *sample.args, **sample.kwargs)
        if expected is None:
            continue
        given, error = attempt(taken_over, [sample.input, list(sample.args), sample.kwargs], {STORAGES: {}})
        if given is None:
            continue
        _, error = attempt(lambda *args, **kwargs: str(mine(*args, **kwargs)), given[0], *given[1], **given[2])
        tally.errors += 1
        if error is not None and isinstance(error, wrong.error_type):
            tally.errors_right += 1
        else:
            tally.note("error", f"{described(sample)}: {type(error).__name__ if error else 'accepted'}, not "
                       f"{wrong.error_type.__name__}: {str(expected)[:80]}")  # fmt: skip


def run(op: Any, most: int, seconds: int, dtypes: Any = DTYPES) -> Tally:
    """All samples of an OpInfo, or so many of a dtype."""
    tally = Tally()
    try:
        mine = face_of(op)
        for dtype in dtypes:
            if dtype not in op.dtypes:
                continue
            torch.manual_seed(0)
            grad = dtype.is_floating_point and op.supports_autograd
            for k, sample in enumerate(op.sample_inputs("cpu", dtype, requires_grad=grad)):
                if k >= most:
                    break
                signal.alarm(seconds)
                try:
                    compare(op, mine, sample, tally)
                    compare_in_place(op, sample, tally)
                except (Missing, TimeoutError):
                    raise
                except Exception as error:
                    tally.note("crash", f"{described(sample)}: {error!r:.200}")
                finally:
                    signal.alarm(0)
        compare_errors(op, mine, tally)
    except Missing as error:
        tally.missing = str(error)
    except TimeoutError:
        tally.note("slow", f"more than {seconds} s for a sample")
    return tally


COUNTS = ("missing", "passed", "errors", "errors right", "clean", "ties", "wrong class")
"""What is counted beside samples that failed."""


def expired(*_: Any) -> None:
    raise TimeoutError


def main() -> None:
    """Run, and print what differs and a summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--samples", type=int, default=10**9, help="at most so many of a dtype")
    parser.add_argument("--seconds", type=int, default=60, help="at most so many for a sample")
    parser.add_argument("--part", default="0/1", help="every n-th OpInfo: k/n")
    args = parser.parse_args()
    signal.signal(signal.SIGALRM, expired)
    warnings.simplefilter("ignore")
    k, n = map(int, args.part.split("/"))
    ops = [op for op in op_db() if in_scope(op) and (not args.names or op.name in args.names)][k::n]
    total: collections.Counter[str] = collections.Counter()
    for op in ops:
        tally = run(op, args.samples, args.seconds)
        name = op.name + (f".{op.variant_test_name}" if op.variant_test_name else "")
        total["missing"] += tally.missing is not None
        total["passed"] += tally.passed
        total["errors"] += tally.errors
        total["errors right"] += tally.errors_right
        total["ties"] += tally.ties
        total["clean"] += tally.missing is None and not tally.failed
        for kind, count in tally.failed.items():
            total[kind if kind != "error" else "wrong class"] += count
            print(f"{name}\t{kind}\t{count}\t{tally.example[kind]}", flush=True)
        if tally.missing is not None:
            print(f"{name}\tmissing\t1\t{tally.missing}", flush=True)
    failed = sum(v for key, v in total.items() if key not in COUNTS)
    print(f"\n{len(ops)} OpInfos, {len(ops) - total['missing']} covered, {total['clean']} without a difference; "
          f"{total['passed'] + failed} samples, {total['passed']} passed; "
          f"{total['errors']} wrong inputs, {total['errors right']} of PyTorch's class")  # fmt: skip
    print(", ".join(f"{k}: {v}" for k, v in total.most_common()))


if __name__ == "__main__":
    main()
