"""Linear algebra and spectra in the forms that PyTorch has."""

from __future__ import annotations

from typing import Any

import tenure as tn
import tenure.nn.functional as F
from tenure.torch.dtypes import home_dtype
from tenure.torch.errors import TorchValueError, refuse
from tenure.torch.names.forms.arithmetic import flat
from tenure.torch.names.mixing import expected
from tenure.torch.names.precision import raised
from tenure.torch.names.structures import structure

__all__ = [
    "batched",
    "contraction",
    "crossed",
    "distances",
    "dotted",
    "exponential_of",
    "factors",
    "half",
    "inverse_of_factor",
    "least_squares",
    "low_rank",
    "matrix_of",
    "powered",
    "principal",
    "pseudo_inverse",
    "rank_of",
    "short_time",
    "short_time_inverse",
    "sign_and_size",
    "solved_by_factor",
    "symmetric",
    "triangular_solve",
]  # fmt: skip


def batched(x: Any, y: Any) -> tuple[Any, Any]:
    """Two batches of matrices, which have to be as many: one is not repeated for the others."""
    if x.ndim == y.ndim == 3 and x.shape[0] != y.shape[0]:
        wanted, given = [x.shape[0], x.shape[2]], list(y.shape[:2])
        raise refuse(f"Expected size for first two dimensions of batch2 tensor to be: {wanted} but got: {given}.")
    return x, y


def crossed(x: Any, y: Any, dim: Any) -> Any:
    """The vector product along an axis: by default the first of size 3."""
    if dim is None:
        dim = next((k for k, n in enumerate(x.shape) if n == 3), None)
        if dim is None:
            raise refuse("no dimension of size 3 in input")
    if x.ndim != y.ndim:
        raise refuse("linalg.cross: inputs must have the same number of dimensions.")
    return tn.cross(x, y, dim=dim)


def sign_and_size(x: Any) -> Any:
    """``slogdet``; the sign has a gradient, 0."""
    sign, size = tn.linalg.slogdet(x)
    return (flat(sign, size) if x.requires_grad else sign), size


def distances(x: Any, y: Any, p: Any, mode: Any) -> Any:
    """``cdist``; numbers of coordinates that differ have a gradient, 0, as in PyTorch."""
    found = tn.cdist(x, y, p, mode)
    for v in (x, y):
        found = flat(found, tn.sum(v)) if p == 0 and v.requires_grad else found
    return found


def contraction(equation: Any, operands: Any) -> Any:
    """``einsum``, of operands one by one or in a sequence, or of sublists."""
    if not isinstance(equation, str):
        parts = [equation, *operands]
        out = parts.pop() if len(parts) % 2 else None
        named = [("".join(chr(97 + n) if n < 26 else chr(39 + n) if type(n) is int else "..." for n in s))
                 if Ellipsis not in s else "".join("..." if n is Ellipsis else chr(97 + n) for n in s)
                 for s in parts[1::2]]
        spelled = ",".join(named) + ("" if out is None else "->" + "".join(chr(97 + n) for n in out))
        return tn.einsum(spelled, *parts[::2])
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = operands[0]
    refuse_mixed(equation, operands)
    return tn.einsum(equation, *operands)


def refuse_mixed(equation: str, operands: Any) -> None:
    """RuntimeError for operands of several dtypes of which ``einsum`` sums over an axis."""
    if len({x._aval.dtype for x in operands}) < 2:
        return
    given, arrow, out = equation.replace(" ", "").partition("->")
    letters = given.replace(",", "").replace(".", "")
    if set(letters) - set(out if arrow else [c for c in letters if letters.count(c) == 1]):
        raise refuse(expected(*operands))


def rank_of(x: Any, tol: Any, hermitian: bool, atol: Any, rtol: Any) -> Any:
    """The rank of matrices; the older ``tol`` is absolute."""
    if tol is not None:
        return tn.linalg.matrix_rank(x, atol=tol, rtol=0.0, hermitian=hermitian)
    return tn.linalg.matrix_rank(x, atol=atol, rtol=rtol, hermitian=hermitian)


def factors(x: Any, get_infos: bool) -> Any:
    """LU factors in one matrix, and the pivots."""
    found = tn.linalg.lu_factor_ex(x)
    return tuple(found) if get_infos else tuple(found)[:2]


def least_squares(a: Any, b: Any, rcond: Any, driver: Any) -> Any:
    """Least squares; empty is what LAPACK's driver does not compute: the rank (gels), residuals (gelsy)."""
    driver = "gelsy" if driver is None else driver
    found = tn.linalg.lstsq(a, b, rcond, driver=driver)
    solution, residuals, rank, values = (*tuple(found)[:3], tn.detach(found[3]))
    empty = tn.zeros((0,), dtype=values.dtype)
    if driver == "gelsy":
        residuals = tn.reshape(residuals, (-1,))[:0]
    if driver in ("gels", "gelsy"):
        values = empty
    return solution, residuals, tn.zeros((0,), dtype=tn.int64) if driver == "gels" else rank, values


def pseudo_inverse(x: Any, atol: Any, rtol: Any, hermitian: bool) -> Any:
    """The pseudo-inverse; of a Hermitian matrix the gradient is that of any."""
    if not hermitian or not x.requires_grad:
        return tn.linalg.pinv(x, atol=atol, rtol=rtol, hermitian=hermitian)
    plain = tn.tril(tn.detach(x)) + adjoint(tn.tril(tn.detach(x), -1))
    found = tn.linalg.pinv(plain, atol=atol, rtol=rtol, hermitian=True)
    whole = tn.linalg.pinv(plain + (x - tn.detach(x)), atol=atol, rtol=rtol)
    return found + (whole - tn.detach(whole))


def matrix_of(x: Any) -> Any:
    """x, which is a matrix."""
    if len(x.shape) != 2:
        raise refuse(f"trace: expected a matrix, but got tensor with dim {len(x.shape)}")
    return x


def dotted(a: Any, b: Any, dims: Any) -> Any:
    """The product summed over pairs of axes; one of size 1 is as long as the other."""
    if isinstance(dims, int):
        if dims < 0:
            raise refuse(f"tensordot expects dims >= 0, but got dims={dims}")
        dims = list(range(-dims, 0)), list(range(dims))
    elif hasattr(dims, "tolist"):
        dims = dims.tolist()
    left, right = ([int(k) for k in d] for d in dims)
    for i, j in zip(left, right, strict=False):
        if a.shape[i] != b.shape[j]:
            if a.shape[i] == 1:
                b = tn.sum(b, (j,), True)
            elif b.shape[j] == 1:
                a = tn.sum(a, (i,), True)
    return tn.tensordot(a, b, dims=(left, right))


def symmetric(x: Any, uplo: str) -> Any:
    """The symmetric matrix of a triangle, whose gradient goes to both."""
    if uplo.upper() not in ("L", "U"):
        raise refuse(f"Expected UPLO argument to be 'L' or 'U', but got {uplo}")
    if len(x.shape) < 2 or x.shape[-1] != x.shape[-2] or not x.requires_grad:
        return x
    plain = tn.detach(x)
    half = tn.tril(plain) if uplo.upper() == "L" else tn.triu(plain)
    off = tn.tril(plain, -1) if uplo.upper() == "L" else tn.triu(plain, 1)
    mean = (x + adjoint(x)) / 2
    return tn.detach(half + adjoint(off)) + (mean - tn.detach(mean))


def half(x: Any, upper: bool) -> Any:
    """The matrix of which a triangle is read, with the gradient of both."""
    return symmetric(x, "U" if upper else "L") if x.requires_grad else x


def _product_of(factor: Any, upper: bool) -> Any:
    return tn.matmul(adjoint(factor), factor) if upper else tn.matmul(factor, adjoint(factor))


def inverse_of_factor(factor: Any, upper: bool) -> Any:
    """The inverse of a matrix by its Cholesky factor; the gradient is that of the whole factor, as in PyTorch."""
    found = tn.cholesky_inverse(tn.detach(factor), upper)
    if not factor.requires_grad:
        return found
    whole = tn.linalg.inv(_product_of(factor, upper))
    return found + (whole - tn.detach(whole))


def solved_by_factor(b: Any, factor: Any, upper: bool) -> Any:
    """The solution of a system by a Cholesky factor; the gradient is that of the whole factor, as in PyTorch."""
    if not factor.requires_grad:
        return tn.cholesky_solve(b, factor, upper)
    found = tn.cholesky_solve(tn.detach(b), tn.detach(factor), upper)
    whole = tn.linalg.solve(_product_of(factor, upper), b)
    return found + (whole - tn.detach(whole))


def adjoint(x: Any) -> Any:
    """The conjugate transpose."""
    turned = tn.matrix_transpose(x)
    return tn.conj(turned) if x.dtype.is_complex else turned


def low_rank(a: Any, q: Any, niter: Any, mean: Any) -> Any:
    """Singular values and vectors of a matrix of low rank, by a random basis of its range (Halko et al., 2009)."""
    q, niter = 6 if q is None else q, 2 if niter is None else niter
    a = a if mean is None else a - mean
    wide = a.shape[-2] < a.shape[-1]
    a = adjoint(a) if wide else a
    basis = tn.linalg.qr(tn.matmul(a, tn.randn(a.shape[-1], q, dtype=a.dtype)))[0]
    for _ in range(niter):
        basis = tn.linalg.qr(tn.matmul(adjoint(a), basis))[0]
        basis = tn.linalg.qr(tn.matmul(a, basis))[0]
    u, s, vh = tn.linalg.svd(tn.matmul(adjoint(basis), a), full_matrices=False)
    u, v = tn.matmul(basis, u), adjoint(vh)
    return (v, s, u) if wide else (u, s, v)


def principal(a: Any, q: Any, center: bool, niter: int) -> Any:
    """Principal components of the rows of a matrix, by a random basis."""
    rows, columns = a.shape[-2:]
    q = min(6, rows, columns) if q is None else q
    if not 0 <= q <= min(rows, columns):
        raise refuse(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(rows, columns)}",
                     TorchValueError)
    if niter < 0:
        raise refuse(f"niter(={niter}) must be non-negative integer", TorchValueError)
    return low_rank(a - tn.mean(a, -2, True) if center else a, q, niter, None)


def triangular_solve(b: Any, a: Any, upper: bool, transpose: bool, unitriangular: bool) -> Any:
    """The solution of a triangular system, and the matrix."""
    matrix = tn.matrix_transpose(a) if transpose else a
    solved = tn.linalg.solve_triangular(matrix, b, upper=upper != transpose, unitriangular=unitriangular)
    return solved, tn.broadcast_to(a, (*solved.shape[:-2], *a.shape[-2:]))


def _taper(window: Any, win_length: int, n_fft: int, like: Any) -> Any:
    """The window of a short-time transform, in the middle of n_fft."""
    if window is None:
        window = tn.ones((win_length,), dtype=like.dtype.parts)
    elif window.shape != (win_length,):
        raise refuse(f"stft: expected a 1D window tensor of size equal to win_length={win_length}")
    left = (n_fft - win_length) // 2
    return F.pad(window, (left, n_fft - win_length - left)) if win_length < n_fft else window


def short_time(
    x: Any, n_fft: int, hop: Any, win_length: Any, window: Any, center: bool, pad_mode: str, normalized: bool,
    onesided: Any, return_complex: Any,
) -> Any:  # fmt: skip
    """The short-time Fourier transform."""
    hop, win_length = hop or n_fft // 4, win_length or n_fft
    is_complex = x.dtype.is_complex or (window is not None and window.dtype.is_complex)
    if return_complex is None:
        if not is_complex:
            raise refuse(
                "stft requires the return_complex parameter be given for real inputs, and will further require that"
                " return_complex=True in a future PyTorch release."
            )
        return_complex = True
    vector = len(x.shape) == 1
    if len(x.shape) not in (1, 2):
        raise refuse(f"stft: expected a 1D or 2D tensor, but got {len(x.shape)}D tensor")
    x = x[None] if vector else x
    if center:
        half = n_fft // 2
        x = F.pad(x[:, None], (half, half), mode=pad_mode)[:, 0]
    length = x.shape[-1]
    if not 0 < n_fft <= length:
        raise refuse(f"stft: expected 0 < n_fft <= {length}, but got n_fft={n_fft}")
    if hop <= 0:
        raise refuse(f"stft: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < win_length <= n_fft:
        raise refuse(f"stft: expected 0 < win_length <= n_fft, but got win_length={win_length}")
    frames = x.unfold(-1, n_fft, hop) * _taper(window, win_length, n_fft, x)
    onesided = not is_complex if onesided is None else onesided
    norm = "ortho" if normalized else None
    found = (tn.fft.rfft if onesided and not is_complex else tn.fft.fft)(frames, norm=norm)
    found = tn.matrix_transpose(found)
    found = found[0] if vector else found
    return found if return_complex else tn.view_as_real(found)


def short_time_inverse(
    x: Any, n_fft: int, hop: Any, win_length: Any, window: Any, center: bool, normalized: bool, onesided: Any,
    length: Any, return_complex: bool,
) -> Any:  # fmt: skip
    """The signal of which ``stft`` is given: frames added where they overlap, over the windows' squares."""
    hop, win_length = hop or n_fft // 4, win_length or n_fft
    if not x.dtype.is_complex:
        raise refuse("istft requires a complex-valued input tensor matching the output from stft with "
                     "return_complex=True.")
    if not 0 < hop <= win_length or not 0 < win_length <= n_fft:
        raise refuse("istft: expected 0 < hop_length <= win_length <= n_fft")
    matrix = len(x.shape) == 2
    x = tn.matrix_transpose(x[None] if matrix else x)
    bins = x.shape[-1]
    onesided = bins != n_fft if onesided is None else onesided
    if bins != (n_fft // 2 + 1 if onesided else n_fft):
        raise refuse(f"istft: expected the frequency dimension (3rd to the last) of the input tensor to match n_fft, "
                     f"but got {bins}")
    norm = "ortho" if normalized else None
    frames = tn.fft.ifft(x, norm=norm) if return_complex else tn.fft.irfft(x[..., : n_fft // 2 + 1], n_fft, norm=norm)
    taper = _taper(window, win_length, n_fft, frames)
    count = frames.shape[1]
    total = n_fft + hop * (count - 1)
    signal = _overlapped(frames * taper, hop, total)
    weight = _overlapped(tn.broadcast_to(taper * tn.conj(taper), (1, count, n_fft)), hop, total)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - (n_fft // 2 if center else 0)
    signal, weight = signal[:, start:end], weight[:, start:end]
    if float(tn.min(tn.abs(weight)).item()) < 1e-11:
        raise refuse("istft(torch...) window overlap add min: 1")
    signal = signal / weight
    if length is not None and signal.shape[-1] < length:
        signal = F.pad(signal, (0, length - signal.shape[-1]))
    return signal[0] if matrix else signal


def _overlapped(frames: Any, hop: int, total: int) -> Any:
    """Frames added at their places."""
    batch, count, size = frames.shape
    places = (tn.arange(count)[:, None] * hop + tn.arange(size)).reshape(-1)
    return tn.index_add(tn.zeros(batch, total, dtype=frames.dtype), 1, places, frames.reshape(batch, count * size))


def powered(x: Any, n: Any) -> Any:
    """Power of square matrices: of halves in float32, rounded once; of whole numbers by repeated squares."""
    if isinstance(n, int) and n >= 0 and not x.dtype.has_gradient:
        found = tn.broadcast_to(tn.eye(x.shape[-1], dtype=x.dtype), x.shape)
        for digit in f"{n:b}":
            found = found @ found
            found = found @ x if digit == "1" else found
        return found
    (wide,) = (x,) if isinstance(n, int) and n < 0 else raised(x)
    return tn.linalg.matrix_power(wide, n).to(x.dtype)


def exponential_of(x: Any) -> Any:
    """Exponential of square matrices; of halves it is computed in float32, and rounded once."""
    return tn.linalg.matrix_exp(*raised(x)).to(x.dtype)


__all__ += ["home_dtype", "structure"]
