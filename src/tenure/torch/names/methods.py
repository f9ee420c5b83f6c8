"""Attributes and methods of a tensor that are in no row: what it is, casts, numbers that leave, random writes."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

import tenure as tn
from tenure.errors import TenureError
from tenure.torch.cautions import SCALAR, caution
from tenure.torch.cells import Tensor, casts
from tenure.torch.cells.aliasing import is_safe
from tenure.torch.cells.formats import changes, formatted
from tenure.torch.cells.geometry import contiguous
from tenure.torch.cells.inference import version_of
from tenure.torch.cells.leaving import elements
from tenure.torch.cells.processes import is_mapped, share
from tenure.torch.cells.roles import rebind, resize
from tenure.torch.cells.seeing import steps_to
from tenure.torch.cells.steps import Strided
from tenure.torch.cells.writes import is_recorded
from tenure.torch.devices import CPU, check_device, device, strided
from tenure.torch.dtypes import BY_NAME, LEGACY, OF_HOME, Defaults, dtype, home_dtype
from tenure.torch.errors import TorchIndexError, TorchTypeError, TorchValueError, refuse, translated
from tenure.torch.names.arguments import sizes
from tenure.torch.names.compressed import to_sparse_csr
from tenure.torch.names.graphs import node_of
from tenure.torch.names.making import copied
from tenure.torch.names.nodes import name_of
from tenure.torch.names.sparse import to_sparse
from tenure.torch.names.sparse_gradient import SparseGradient
from tenure.torch.names.ufuncs import of_numpy
from tenure.torch.sizes import Size
from tenure.torch.storages import TypedStorage, UntypedStorage
from tenure.values.operations.boundary import array_of, spelled
from tenure.values.operations.show import format_tensor


def is_there(x: Any, name: str) -> bool:
    """Whether a tensor has an attribute. A property is not read for it, as its value may be an error or warn."""
    return isinstance(inspect.getattr_static(type(x), name, None), property) or hasattr(x, name)


def only(x: Any, of_float: bool = False) -> Any:
    """The one element of a tensor, for a Python number; one that is no whole number with a warning of its gradient."""
    if of_float and x.requires_grad and tn.is_grad_enabled():
        caution(SCALAR, once=True)
    if x._aval.size != 1:
        raise refuse("only one element tensors can be converted to Python scalars", TorchValueError)
    return x.item()


class Methods:
    """Attributes and methods of a tensor."""

    __slots__ = ()
    shape = property(lambda self: Size(self._aval.shape), doc="The size of each axis.")
    ndim = property(lambda self: len(self._aval.shape), doc="The number of axes.")
    dtype = property(lambda self: OF_HOME[self._aval.dtype], doc="The type of the elements.")
    device = property(lambda self: CPU, doc="The device, which is the CPU.")
    layout = property(lambda self: strided, doc="The layout, which is strided.")
    itemsize = property(lambda self: self._aval.dtype.itemsize, doc="The bytes of an element.")
    nbytes = property(lambda self: self._aval.dtype.itemsize * self._aval.size, doc="The bytes of all elements.")
    grad_fn = property(lambda self: node_of(self), doc="The operation that a gradient flows through, or None.")
    is_sparse = property(lambda self: False, doc="False.")
    is_cuda = is_quantized = is_meta = is_mps = is_xpu = is_nested = is_mkldnn = is_xla = is_vulkan = is_sparse
    is_sparse_csr = is_ipu = is_maia = is_mtia = is_sparse
    is_cpu = property(lambda self: True, doc="True.")
    name = property(lambda self: None, doc="None.")
    output_nr = property(lambda self: 0, doc="0: the place among the results of the function that gave it.")
    _version = property(lambda self: version_of(self), doc="How often the elements have been written.")
    __array_priority__ = 1000

    def size(self: Any, dim: Any = None) -> Any:
        """The shape, or the size of one axis."""
        shape = self._aval.shape
        if dim is None:
            return Size(shape)
        if not -max(len(shape), 1) <= dim < max(len(shape), 1) or not shape:
            known = f"expected to be in range of [{-len(shape)}, {len(shape) - 1}], but got {dim}"
            raise refuse(f"Dimension out of range ({known})", TorchIndexError)
        return shape[dim]

    def dim(self: Any) -> int:
        """The number of axes."""
        return len(self._aval.shape)

    ndimension = dim

    def numel(self: Any) -> int:
        """The number of elements."""
        return self._aval.size  # type: ignore[no-any-return]

    nelement = numel

    def element_size(self: Any) -> int:
        """The bytes of an element."""
        return self._aval.dtype.itemsize  # type: ignore[no-any-return]

    def get_device(self: Any) -> int:
        """The number of the device: -1, the CPU."""
        return -1

    def __len__(self: Any) -> int:
        if not self._aval.shape:
            raise refuse("len() of a 0-d tensor", TorchTypeError)
        return self._aval.shape[0]  # type: ignore[no-any-return]

    def __bool__(self: Any) -> bool:
        if self._aval.size != 1:
            what = "no values" if self._aval.size == 0 else "more than one value"
            raise refuse(f"Boolean value of Tensor with {what} is ambiguous")
        return bool(self.item())

    def item(self: Any) -> Any:
        """The one element, as a Python number."""
        if self._aval.size != 1:
            raise refuse(f"a Tensor with {self._aval.size} elements cannot be converted to Scalar")
        try:
            return self._read().item()
        except TenureError as error:
            raise translated(error) from None

    def __float__(self: Any) -> float:
        return float(only(self, of_float=True))

    def __int__(self: Any) -> int:
        return int(only(self))

    def __complex__(self: Any) -> complex:
        return complex(only(self, of_float=True))

    def __index__(self: Any) -> int:
        if self._aval.dtype.kind not in "biu" or self._aval.size != 1:
            raise refuse("only integer tensors of a single element can be converted to an index", TorchTypeError)
        return int(self.item())

    def tolist(self: Any) -> Any:
        """The elements as nested lists of Python numbers."""
        try:
            return self._read().tolist()
        except TenureError as error:
            raise translated(error) from None

    def __array_ufunc__(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return of_numpy(ufunc, method, *inputs, **kwargs)

    def __array__(self: Any, dtype: Any = None, copy: Any = None) -> Any:
        if copy or (dtype is not None and np.dtype(dtype) != self._aval.dtype.numpy):
            if copy is False:
                raise ValueError("Unable to avoid copy while creating an array as requested.")
            return elements(self).astype(dtype)
        return self.numpy()

    def __repr__(self: Any, *, tensor_contents: Any = None) -> str:
        value = self._read()
        if value._kind.level is not None:
            return repr(value)
        try:
            array = spelled(array_of(value))
        except TenureError as error:
            raise translated(error) from None
        return format_tensor(
            array, requires_grad=value._kind.tracked, grad_fn=self._node_name(),
            dtype_name=value._aval.dtype.name, library="torch", default=Defaults.float.name,
        )  # fmt: skip

    __str__ = __repr__

    def _node_name(self: Any) -> str | None:
        return name_of(self) or (found if (found := Tensor._grad_fn_name(self)) != "" else "CompositeBackward0")

    def __format__(self: Any, spec: str) -> str:
        return format(self.item(), spec) if not self._aval.shape else object.__format__(self, spec)

    def __contains__(self: Any, element: Any) -> bool:
        if not isinstance(element, Tensor | int | float | complex | bool | np.generic):
            raise refuse(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")
        return bool((self == element).any().item())

    def __dir__(self: Any) -> list[str]:
        return sorted({n for n in object.__dir__(self) if is_there(self, n)})

    def to(
        self: Any, *args: Any, dtype: Any = None, device: Any = None, non_blocking: Any = False, copy: bool = False,
        memory_format: Any = None, other: Any = None, layout: Any = None,
    ) -> Any:  # fmt: skip
        """The tensor in another dtype, given as one, with a device, or by a tensor; itself where nothing changes."""
        flags = [a for a in args if type(a) is bool]
        copy = copy or (len(flags) > 1 and flags[1])
        for a in (*args, other):
            if isinstance(a, Tensor):
                dtype = a.dtype
            elif isinstance(a, _DTYPE) or a in (float, int, complex):
                dtype = a
            elif isinstance(a, str | _DEVICE) or (type(a) is int and device is None):
                device = a
            elif a is not None and type(a) is not bool:
                raise refuse(f"to() received an invalid combination of arguments - got ({type(a).__name__})",
                             TorchTypeError)
        if device is not None:
            check_device(device)
        return self._in(self._aval.dtype if dtype is None else home_dtype(dtype), copy, memory_format)

    def _in(self: Any, target: Any, copy: bool = False, memory_format: Any = None) -> Any:
        if self._aval.dtype is not target:
            made = casts.cast(self._read(), target)
        elif copy or (memory_format is not None and changes(self, memory_format)):
            made = tn.clone(self._read())
        else:
            return self
        return formatted(Tensor._of(made), memory_format, (self,))

    def type(self: Any, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The tensor in another dtype, given as one, an older class or its name; without it the name of its own."""
        if dtype is None:
            return f"torch.{LEGACY[self._aval.dtype.name]}Tensor"
        if isinstance(dtype, str):
            named = {f"torch.{name}Tensor": BY_NAME[of] for of, name in LEGACY.items()}
            if dtype not in named:
                raise refuse(f"invalid type: '{dtype}'", TorchTypeError)
            dtype = named[dtype]
        return self._in(home_dtype(Defaults.float if dtype is Tensor else getattr(dtype, "dtype", dtype)))

    def type_as(self: Any, other: Any) -> Any:
        """The tensor in the dtype of another."""
        return self._in(other._aval.dtype)

    def cpu(self: Any, memory_format: Any = None) -> Any:
        """The tensor itself."""
        return self

    def cuda(self: Any, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Any:
        """Refused, as in PyTorch's build for the CPU."""
        raise AssertionError("Torch not compiled with CUDA enabled")

    def pin_memory(self: Any, device: Any = None) -> Any:
        """Refused, as there is no accelerator."""
        raise refuse("Cannot access accelerator device when none is available.")

    def is_pinned(self: Any, device: Any = None) -> bool:
        """False: there is no accelerator."""
        return False

    def share_memory_(self: Any) -> Any:
        """The tensor itself, whose elements processes share that are forked from now on."""
        return share(self)

    def is_shared(self: Any) -> bool:
        """Whether processes share its elements."""
        return is_mapped(self)

    def record_stream(self: Any, s: Any) -> None:
        """Nothing: there are no streams."""

    def new_tensor(
        self: Any, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
        pin_memory: bool = False,
    ) -> Any:  # fmt: skip
        """A tensor with a copy of data, in this one's dtype unless told otherwise."""
        return copied(data, self.dtype if dtype is None else dtype, device, requires_grad, "tensor.new_tensor")

    def new(self: Any, *data: Any, device: Any = None) -> Any:
        """A tensor of this one's dtype, by sizes or data."""
        check_device(device)
        if data and not all(isinstance(n, int) for n in data) and not isinstance(data[0], Size):
            return copied(data[0], self.dtype)
        return self.new_zeros(*data) if data else self.new_zeros(0)

    def to_dense(self: Any, dtype: Any = None, *, masked_grad: Any = None) -> Any:
        """The tensor, which is dense."""
        return self if dtype is None else self.to(dtype)

    to_sparse = to_sparse_coo = to_sparse
    _sparse = SparseGradient
    to_sparse_csr = to_sparse_csr

    def apply_(self: Any, fn: Callable[[Any], Any]) -> Any:
        """Write a function of each element."""
        array = array_of(self._read())
        return self._assign(tn.tensor(np.vectorize(fn, otypes=[array.dtype])(array), dtype=self._aval.dtype))

    def map_(self: Any, other: Any, fn: Callable[[Any, Any], Any]) -> Any:
        """Write a function of each element and another tensor's."""
        a, b = array_of(self._read()), array_of(other._read())
        return self._assign(tn.tensor(np.vectorize(fn, otypes=[a.dtype])(a, b), dtype=self._aval.dtype))

    def fill_diagonal_(self: Any, fill_value: Any, wrap: bool = False) -> Any:
        """Write a number to the diagonal."""
        shape = self._aval.shape
        if len(shape) < 2:
            raise refuse("dimensions must larger than 1")
        if len(shape) > 2 and len(set(shape)) > 1:
            raise refuse("all dimensions of input must be of equal length")
        array = np.zeros(shape, bool)
        if len(shape) == 2:
            step = shape[1] + 1
            array.reshape(-1)[: array.size if wrap else min(shape) * step : step] = True
        else:
            array[(np.arange(shape[0]),) * len(shape)] = True
        return self._assign(tn.masked_fill(self._read(), tn.tensor(array), fill_value))

    def data_ptr(self: Any) -> int:
        """A number that tensors have in common whose elements begin at the same place."""
        owner = self.__dict__.get("_begins", self) if self._window is None else self._window.owner
        if owner is not self and self._window is None:
            return int(owner.data_ptr())
        return int(id(owner) + self.storage_offset() * self._aval.dtype.itemsize)

    def untyped_storage(self: Any) -> Any:
        """The elements that the tensor shows some of, as bytes: their number, to be read."""
        return UntypedStorage(self)

    def storage(self: Any) -> Any:
        """The elements that the tensor shows some of."""
        return TypedStorage(self)

    def resize_(self: Any, *shape: Any, memory_format: Any = None, size: Any = None) -> Any:
        """Another shape for the object, with its first elements; elements that are new are zeros."""
        wanted = sizes(shape, size)
        count, value = math.prod(wanted), self._read()
        if self.requires_grad:
            raise refuse("cannot resize variables that require grad")
        if any(step.recasts for step in steps_to(self)):
            raise refuse("resize_ of bytes as another dtype is not supported here")
        if wanted == value._aval.shape:
            return self
        if self._window is not None or any(r() is not None for r in self._borrows):
            if not is_safe() and resize(self, wanted):
                return self
            raise refuse("resize_ of a view, or of a tensor that has views, is not supported here")
        flat = tn.reshape(value, (-1,))
        if self._layout is not None:  # in the order of its memory
            flat = Strided(self._layout, contiguous((value._aval.size,)), 0).see(value)
        more = tn.zeros((max(count - value._aval.size, 0),), dtype=value._aval.dtype)
        kept = tn.cat([flat, more]) if more._aval.size else flat[:count]
        self._val = tn.reshape(kept, wanted)
        self._layout, self._val._held = None, True
        return self

    def resize_as_(self: Any, the_template: Any, *, memory_format: Any = None) -> Any:
        """The shape of another tensor for the object."""
        return self.resize_(*the_template._aval.shape)

    def set_(self: Any, source: Any = None) -> Any:
        """The elements of another tensor for the object."""
        if isinstance(source, Tensor) and source._aval.dtype is not self._aval.dtype:
            raise refuse(f"Could not set tensor of type {source.dtype} to a tensor of type {self.dtype}")
        is_recorded(self)
        if source is self:
            return self
        rebind(self, source if source is not None else self.new_zeros(0), shares=True)
        return self

    def coalesce(self: Any) -> Any:
        """Refused: this tensor is dense."""
        raise refuse("this tensor is dense", help="to_sparse() makes a sparse one")

    indices = values = crow_indices = col_indices = row_indices = ccol_indices = is_coalesced = coalesce
    to_sparse_csc = to_sparse_bsr = sparse_mask = dequantize = int_repr = coalesce

    H = mH = property(lambda self: self.adjoint(), doc="The conjugate transpose of the last two axes.")

    def adjoint(self: Any) -> Any:
        """The conjugate transpose of the last two axes."""
        if self.ndim < 2:
            return self if self.ndim == 0 else self.mT
        turned = self.mT
        return turned.conj() if self._aval.dtype.is_complex else turned

    def is_set_to(self: Any, tensor: Any) -> bool:
        """Whether it is the same tensor."""
        return self is tensor

    def dim_order(self: Any) -> tuple[int, ...]:
        """The axes from the outermost in memory to the innermost."""
        return tuple(sorted(range(self.ndim), key=lambda k: -self.stride(k)))

    def __setstate__(self: Any, state: Any) -> None:
        """Attributes that a program gave the tensor, from a pickle."""
        if type(state) is dict:
            self.__dict__.update(state)
            return
        raise refuse("a tensor is made by its constructor, not from a state")


_DTYPE, _DEVICE = dtype, device
