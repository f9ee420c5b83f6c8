"""Arguments of the table's functions: tensors and what stands for one, promotion, choice of a row, ``out=``."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from tenure.dtypes import DType, promote
from tenure.errors import BorrowError, TenureError
from tenure.torch.cautions import OLDER, caution
from tenure.torch.cells import Tensor, unwrap
from tenure.torch.cells.aliasing import is_safe
from tenure.torch.cells.overlap import refuse_itself
from tenure.torch.cells.roles import resize
from tenure.torch.cells.windows import with_node
from tenure.torch.cells.writes import fitted
from tenure.torch.devices import device
from tenure.torch.dtypes import dtype
from tenure.torch.errors import (
    LinAlgError,
    TorchError,
    TorchShapeError,
    TorchTypeError,
    class_of,
    refuse,
    translated,
)
from tenure.torch.messages import words
from tenure.torch.messages.binding import complaint, kinds
from tenure.torch.names.mixing import c_type
from tenure.torch.names.rows import Row
from tenure.values.operations.casting import to
from tenure.values.rules.modes import current_mode
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor as Value

RANK = {"b": 0, "u": 1, "i": 1, "h": 2, "f": 2, "c": 3}


def as_tensor(x: Any, name: str) -> Any:
    """Value of what has to be a tensor; TypeError for anything else."""
    if type(x) is Value or x is None:
        return x
    if isinstance(x, Value):
        return x._read()
    raise refuse(f"argument {name!r} must be Tensor, not {type(x).__name__}", TorchTypeError)


def as_tensors(xs: Any) -> list[Any]:
    """Values of a sequence of tensors, whose 0-dimensional ones give way to others in promotion."""
    if not isinstance(xs, list | tuple):
        raise refuse(f"argument 'tensors' must be tuple of Tensors, not {type(xs).__name__}", TorchTypeError)
    found: list[Any] = []
    for x in xs:
        if not isinstance(x, Value):
            text = f"expected Tensor as element {len(found)} in argument 0, but got {type(x).__name__}"
            raise refuse(text, TorchTypeError)
        found.append(x._read())
    return found


def listed(xs: Any) -> Sequence[Any]:
    """The elements of a list or tuple; of what is neither none."""
    return xs if isinstance(xs, list | tuple) else ()


def sizes(given: tuple[Any, ...], named: Any) -> tuple[Any, ...]:
    """Sizes or axes given one by one, as one sequence, or by keyword."""
    if named is not None:
        given = (named,)
    if len(given) == 1 and isinstance(given[0], list | tuple):
        given = tuple(given[0])
    return tuple([n if type(n) is int else n.__index__() if hasattr(n, "__index__") else n for n in given])


def weighed(*xs: Any) -> Sequence[Any]:
    """Operands of which 0-dimensional tensors are in the dtype of the others, if they are of no higher category."""
    first = None
    for x in xs:
        if type(x) is complex and first is not None and first.name == "float16":
            raise no_complex32()
        if type(x) is Value:
            if first is None:
                first = x._aval.dtype
            elif x._aval.dtype is not first:
                break
    else:
        return xs
    wide = [x._aval.dtype for x in xs if type(x) is Value and x._aval.shape]
    if not wide or all(type(x) is not Value or x._aval.shape for x in xs):
        return xs
    dtype = wide[0]
    for other in wide:
        dtype = promote(dtype, other)
    return [x if type(x) is not Value or x._aval.shape else lighter(x, dtype) for x in xs]


def lighter(x: Any, beside: DType) -> Any:
    """A 0-dimensional operand beside tensors of a dtype."""
    own = x._aval.dtype
    if own is beside or own.kind == "b":
        return x
    if RANK[own.kind] > RANK[beside.kind]:
        if own.kind == "c" and beside.name == "float16":
            raise no_complex32()
        if own.kind == "c" and beside.is_floating and own.parts is not beside.parts:
            return to(x, promote(beside, "complex64"))
        return x
    return to(x, beside)


def as_whole(*xs: Any) -> Sequence[Any]:
    """Whether all tensors among some operands are of bools, and then these as whole numbers."""
    tensors = [x for x in xs if type(x) is Value]
    if type(xs[0]) is not Value or any(x._aval.dtype.kind != "b" for x in tensors):
        return (False, *xs)
    return (True, *[to(x, "int64") if type(x) is Value else x for x in xs])


def factors(x: Any, alpha: Any, beta: Any) -> tuple[Any, Any]:
    """Factors of a product and a sum, whole beside whole numbers."""
    if x._aval.dtype.has_gradient:
        return alpha, beta
    return int(alpha), int(beta)


def no_complex32() -> Exception:
    """The error of a complex number beside a tensor of float16."""
    return refuse("tensors of complex32 are not supported", help="cast one of the two first")


def leaf_if(x: Any, requires_grad: Any) -> Any:
    """A new tensor, made a leaf if it is to be one."""
    return x.requires_grad_() if requires_grad else x


def reduction_of(size_average: Any, reduce: Any, reduction: Any) -> Any:
    """The reduction that the two older arguments mean."""
    if size_average is None and reduce is None:
        return reduction
    found = "none" if reduce is False else "sum" if size_average is False else "mean"
    caution(OLDER, found)
    return found


def dtype_of(out: Any) -> Any:
    """The dtype of what ``out=`` names."""
    return getattr(out, "dtype", None)


def written_to(out: Any, result: Any, operands: Any = (), exact: bool = False) -> Any:
    """Write a result to the tensor, or the tensors, of ``out=``: of its shape or of another, of its dtype (``exact``)
    or of one that it casts to."""
    if isinstance(out, list | tuple) and isinstance(result, list | tuple):
        if len(out) != len(result):
            raise refuse(f"expected tuple of {len(result)} elements but got {len(out)}", TorchTypeError)
        for one, part in zip(out, result, strict=True):
            written_to(one, part, operands, exact)
        return out
    if not isinstance(out, Tensor) or isinstance(result, list | tuple):
        kind = "tuple of Tensors" if isinstance(result, list | tuple) else "Tensor"
        raise refuse(f"argument 'out' must be {kind}, not {type(out).__name__}", TorchTypeError)
    if current_mode().grad and (out.requires_grad or result._kind.tracked):
        text = "functions with out=... arguments don't support automatic differentiation"
        raise refuse(f"{text}, but one of the arguments requires grad.")
    if exact and out._aval.dtype is not result._aval.dtype:
        raise refuse(f"Expected out tensor to have dtype {c_type(result)}, but got {c_type(out)} instead")
    if out._aval.shape != result._aval.shape:
        refuse_itself(out, [v for v in operands if v is not out])
        is_alone = out._window is None and not any(r() is not None for r in out._borrows)
        if not is_alone and (is_safe() or not resize(out, result._aval.shape)):
            raise BorrowError(
                "out= has another shape than the result, and shares its elements: it would write others of them",
                code="TN506", at=site(here()), help="give it the result's shape, or a tensor of its own",
            )  # fmt: skip
        if out._window is None:
            out._val, out._layout = with_node(fitted(out, result), out, None), None
            out._val._held = True
            return out
    return out._assign(result, *operands)


def refused(error: ValueError) -> Exception:
    """A plain ValueError of a home function, in PyTorch's words where it has its own."""
    found = words(str(error))
    if found is None:
        return refuse(str(error), TorchShapeError)
    return refuse(found[1], TorchShapeError if found[0] is None else class_of(found[0]))


def failed(name: str, error: Exception, first: Any = None) -> Exception:
    """An error of a home function in PyTorch's class."""
    if not isinstance(error, TenureError):
        return refused(error) if type(error) is ValueError else error
    made = translated(error)
    if name == "solve" and type(made) is LinAlgError:
        return LinAlgError("torch.linalg.solve: The solver failed because the input matrix is singular.", at=error.at)
    is_of_kind = (words(error.message) or (None,))[0] is None
    if is_of_kind and type(made) is TorchError and isinstance(error, TypeError) and not isinstance(first, Value):
        return TorchTypeError(made.message, code=error.code, at=error.at, notes=error.notes, help=error.help)
    return made


def choice(key: str, rows: list[Row], args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """Number of the first row that takes the arguments; TypeError if none does."""
    for k, row in enumerate(rows):
        if takes(row, args, kwargs):
            return k
    said = complaint(key, args[1:] if key[0] == "." else args, kwargs)
    if said is None:
        forms = "".join(f"\n * ({row.parameters})" for row in rows)
        got = kinds(args, kwargs)
        said = f"{key.removeprefix('F.').lstrip('.')}() received an invalid combination of arguments - got {got}"
        said = f"{said}, but expected one of:{forms}"
    raise TorchTypeError(said)


def takes(row: Row, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a row takes some arguments, by number, name and annotation."""
    parameters, annotations = row.plain(), row.annotations()
    names = [name for name, _ in parameters]
    given = dict(kwargs)
    for old, new in (("dim", "axis"), ("keepdim", "keepdims")):
        if new in given and old in names:
            given[old] = given.pop(new)
    given.pop("out", None)
    positional = names[: names.index("*")] if "*" in names else names
    star = positional[-1][1:] if positional and positional[-1].startswith("*") else None
    if star is not None:
        positional = positional[:-1]
        rest = args[len(positional) :]
        if rest and not all(fits(x, annotations.get(star, "")) for x in rest):
            return False
        args = args[: len(positional)]
        given.pop(star, None)
    if len(args) > len(positional) or any(n in given for n in positional[: len(args)]):
        return False
    given.update(zip(positional, args, strict=False))
    if not given.keys() <= set(names):
        return False
    for name, default in parameters:
        if name not in given:
            if not default and name.isidentifier():
                return False
        elif not fits(given[name], annotations.get(name, "")) and default != f"={given[name]!r}":
            return False
    return True


def fits(x: Any, annotation: str) -> bool:
    """Whether an argument is what an annotation says."""
    return not annotation or KINDS[annotation](x)


def is_int(x: Any) -> bool:
    """Whether an argument is a whole number, or a tensor of one."""
    if isinstance(x, Tensor):
        return not x._aval.shape and x._aval.dtype.kind in "iu"
    return isinstance(x, int | np.integer) and not isinstance(x, bool)


KINDS: dict[str, Any] = {
    "any": lambda x: True,
    "Tensor": lambda x: isinstance(x, Value),
    "Tensors": lambda x: isinstance(x, list | tuple) and all(isinstance(v, Value) for v in x),
    "number": lambda x: isinstance(x, int | float | complex | np.generic) and not isinstance(x, str),
    "operand": lambda x: isinstance(x, int | float | complex | np.generic | Value),
    "int": is_int,
    "ints": lambda x: is_int(x) or (isinstance(x, list | tuple) and all(is_int(v) for v in x)),
    "sizes": lambda x: isinstance(x, list | tuple) and all(is_int(v) for v in x),
    "bool": lambda x: isinstance(x, bool),
    "str": lambda x: isinstance(x, str),
    "dtype": lambda x: isinstance(x, dtype) or x is None,
    "device": lambda x: isinstance(x, str | device | int),
}
"""Kinds of arguments that annotations name."""

WARNED: set[str] = set()


def older_form(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of an older form; one warning in a process, as in PyTorch."""
    if len(args) != 2 + name.startswith("addc") or not isinstance(args[0], int | float | complex):
        raise TorchTypeError(f"{name}() received an invalid combination of arguments")
    if name not in WARNED:
        WARNED.add(name)
        warnings.warn(
            f"This overload of {name} is deprecated: give its factor by keyword, behind the tensors", stacklevel=3
        )
    return args


__all__ = ["as_tensor", "as_tensors", "choice", "failed", "leaf_if", "older_form", "reduction_of", "sizes",
           "unwrap", "weighed", "written_to"]  # fmt: skip
