"""Products, linear algebra and Fourier transforms."""

TABLE = """
[torch Tensor out]
matmul inner vdot(input, other)
mm(input, mat2) = mm(input, mat2)
bmm(input, mat2) = bmm(*batched(input, mat2))
smm spmm hspmm(input, mat2) = mm(input, mat2)
mv(input, vec)
dot(input, tensor) = dot(input, tensor)

[torch Tensor out]
cross(input, other, dim=None) = crossed(input, other, dim)
inverse(input)
cholesky(input, upper=False) = cholesky(half(input, upper), upper)
cholesky_inverse(input, upper=False) = inverse_of_factor(input, upper)
cholesky_solve(input, input2, upper=False) = solved_by_factor(input, input2, upper)
qr(input, some=True) -> Q R
svd(input, some=True, compute_uv=True) -> U S V
geqrf(input) -> a tau
slogdet(input) -> sign logabsdet = sign_and_size(input)
orgqr(input, input2)
ormqr(input, input2, input3, left=True, transpose=False)
lu_solve(input, LU_data, LU_pivots)
matrix_power(input, n) = powered(input, n)
triangular_solve(input, A, upper=True, transpose=False, unitriangular=False) -> solution cloned_coefficient

[torch Tensor]
det logdet(input)
matrix_exp(input) = exponential_of(input)
trace(input) = traced(matrix_of(input)) ! 'TraceBackward0'
pinverse(input, rcond=1e-15)

[torch Tensor Tensor_ out]
addmm(input, mat1, mat2, *, beta=1, alpha=1)
addmv(input, mat, vec, *, beta=1, alpha=1)
addbmm baddbmm(input, batch1, batch2, *, beta=1, alpha=1)

[torch Tensor Tensor_ out bools]
addr(input, vec1, vec2, *, beta=1, alpha=1)

[torch Tensor out bools]
kron(input, other)
outer ger(input, vec2) = outer(input, vec2)

[torch out]
tensordot(a, b, dims=2) = dotted(a, b, dims)
lu_unpack(LU_data, LU_pivots, unpack_data=True, unpack_pivots=True) -> P L U

[torch]
einsum(equation, *operands) = contraction(equation, operands)
chain_matmul(*tensors) = chain_matmul(*tensors)
cdist(x1, x2, p=2.0, compute_mode=None) = distances(x1, x2, p, compute_mode)
vander(x, N=None, increasing=False)
lu(A, pivot=True, get_infos=False) = factors(A, get_infos)
svd_lowrank(A, q=6, niter=2, M=None) = low_rank(A, q, niter, M)
pca_lowrank(A, q=None, center=True, niter=2) = principal(A, q, center, niter)

[torch Tensor]
stft(input, n_fft, hop_length=None, win_length=None, window=None, center=True, pad_mode='reflect', normalized=False,
    onesided=None, return_complex=None, align_to_window=None) = short_time(input, n_fft, hop_length, win_length, window,
    center, pad_mode, normalized, onesided, return_complex)
istft(input, n_fft, hop_length=None, win_length=None, window=None, center=True, normalized=False, onesided=None,
    length=None, return_complex=False) = short_time_inverse(input, n_fft, hop_length, win_length, window, center,
    normalized, onesided, length, return_complex)

[Tensor]
lu(input, pivot=True, get_infos=False) = factors(input, get_infos)

[linalg out]
cholesky(input, *, upper=False) = linalg.cholesky(half(input, upper), upper=upper)
cholesky_ex(input, *, upper=False, check_errors=False) -> L info = linalg.cholesky_ex(half(input, upper), upper=upper,
    check_errors=check_errors)
cond(input, p=None)
cross(input, other, *, dim=-1) = crossed(input, other, dim)
det eigvals inv svdvals(A) = NAME(A)
matrix_exp(A) = exponential_of(A)
eig(A) -> eigenvalues eigenvectors
eigh(A, UPLO='L') -> eigenvalues eigenvectors = linalg.eigh(symmetric(A, UPLO), UPLO)
eigvalsh(A, UPLO='L') = linalg.eigvalsh(symmetric(A, UPLO), UPLO)
householder_product(A, tau)
ldl_factor(A, *, hermitian=False) -> LD pivots
ldl_factor_ex(A, *, hermitian=False, check_errors=False) -> LD pivots info
ldl_solve(LD, pivots, B, *, hermitian=False)
inv_ex(A, *, check_errors=False) -> inverse info
lstsq(input, b, rcond=None, *, driver=None) -> solution residuals rank singular_values = least_squares(input, b, rcond,
    driver)
lu(A, *, pivot=True) -> P L U = linalg.lu(A)
lu_factor(A, *, pivot=True) -> LU pivots = linalg.lu_factor(A)
lu_factor_ex(A, *, pivot=True, check_errors=False) -> LU pivots info = linalg.lu_factor_ex(A, check_errors=check_errors)
lu_solve(LU, pivots, B, *, left=True, adjoint=False)
matmul(input, other)
matrix_norm(A, ord='fro', dim=(-2, -1), keepdim=False, *, dtype=None) = linalg.matrix_norm(A, ord, dim, keepdim,
    dtype=dtype)
matrix_power(A, n) = powered(A, n)
matrix_rank(A, tol=None, hermitian=False, *, atol=None, rtol=None) = rank_of(A, tol, hermitian, atol, rtol)
multi_dot(tensors)
norm(A, ord=None, dim=None, keepdim=False, *, dtype=None) = followed(linalg.norm(A, ord, axes(dim), keepdim,
    dtype=dtype), A)
pinv(A, rcond=None, hermitian=False, *, atol=None, rtol=None) = pseudo_inverse(A, atol,
    rcond if rtol is None else rtol, hermitian)
qr(A, mode='reduced') -> Q R = linalg.qr(A, mode=mode)
slogdet(A) -> sign logabsdet = sign_and_size(A)
solve(A, B, *, left=True)
solve_ex(A, B, *, left=True, check_errors=False) -> result info
solve_triangular(A, B, *, upper, left=True, unitriangular=False)
svd(A, full_matrices=True, *, driver=None) -> U S Vh = linalg.svd(A, full_matrices=full_matrices, driver=driver)
tensorinv(A, ind=2)
tensorsolve(A, B, dims=None)
vander(x, *, N=None) = linalg.vander(x if x.shape else x[None], N=N)
vecdot(x, y, *, dim=-1) = linalg.vecdot(x, y, dim)
vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None) = followed(linalg.vector_norm(x, ord, axes(dim),
    keepdim, dtype=dtype), x)

[linalg face]
diagonal(A, *, offset=0, dim1=-2, dim2=-1) = A.diagonal(offset, dim1, dim2)

[fft out]
fft ifft rfft irfft hfft ihfft(input, n=None, dim=-1, norm=None)
fft2(input, s=None, dim=(-2, -1), norm=None) = fftn(input, s, dim, norm)
ifft2(input, s=None, dim=(-2, -1), norm=None) = ifftn(input, s, dim, norm)
rfft2(input, s=None, dim=(-2, -1), norm=None) = rfftn(input, s, dim, norm)
irfft2(input, s=None, dim=(-2, -1), norm=None) = irfftn(input, s, dim, norm)
hfft2(input, s=None, dim=(-2, -1), norm=None) = hfftn(input, s, dim, norm)
ihfft2(input, s=None, dim=(-2, -1), norm=None) = ihfftn(input, s, dim, norm)
fftn ifftn rfftn irfftn hfftn ihfftn(input, s=None, dim=None, norm=None)
fftshift ifftshift(input, dim=None)
fftfreq rfftfreq(n, d=1.0, **options) = NAME(n, d, dtype=dtype or default())
"""
