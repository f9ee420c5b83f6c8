"""Functions element by element."""

TABLE = """
[torch Tensor Tensor_ out]
acos arccos acosh arccosh asin arcsin asinh arcsinh atan arctan atanh arctanh cos cosh sin sinh tan tanh(input)
deg2rad digamma erf erfc erfinv exp exp2 expm1 frac i0 lgamma log log10 log1p log2(input)
rad2deg reciprocal rsqrt sigmoid sinc sqrt(input)
bitwise_not logical_not conj_physical(input)
neg negative(input) = opposite(input)
logit(input, eps=None)
nan_to_num(input, nan=None, posinf=None, neginf=None) = nan_to_num(input, 0.0 if nan is None else nan, posinf, neginf)
mvlgamma(input, p)

[torch Tensor out]
abs absolute(input)

[Tensor_]
abs absolute(input) = size_in_place(input)

[torch Tensor Tensor_ out]
square(input) = power(as_number(input), 2)

[torch Tensor Tensor_ out flat]
ceil fix floor trunc(input) = NAME(numbers_only(input))
round(input, *, decimals=0) = round(numbers_only(input), decimals=decimals) ! f'RoundBackward{1 * (decimals != 0)}'

[torch Tensor Tensor_ out bools flat]
sgn sign(input) = signs(input)

[torch Tensor Tensor_ out flat]
fill(input, value) = filled(input, value)

[torch Tensor out bools weigh strict]
fmax fmin(input, other)

[Tensor Tensor_]
polygamma(input, n) = polygamma(n, input)

[torch out]
polygamma(n, input)

[torch Tensor out]
isneginf isposinf signbit angle(input)

[torch Tensor]
isfinite isinf isnan isreal positive(input)

[torch Tensor out]
frexp(input) -> mantissa exponent

[torch Tensor Tensor_]
relu(input)

[torch Tensor out]
isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False) = is_close(input, other, rtol, atol, equal_nan)

[torch Tensor Tensor_ out weigh numbers]
add(input, other, *, alpha=1)
sub subtract(input, other, *, alpha=1) = difference(input, other, alpha)
mul multiply(input, other)
true_divide(input, other) = divided(input, other)
div divide(input, other, *, rounding_mode=None) = quotient(input, other, rounding_mode)
floor_divide(input, other) = quotient(input, other, 'floor')
remainder(input, other) = remainder(input, other) ! 'RemainderBackward1' if type(other) is _V else 'RemainderBackward0'
xlogy(input, other)
bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift(input, other)
pow(input, exponent) = power(input, exponent) ! 'PowBackward1' if type(exponent) is _V else 'PowBackward0'

[torch Tensor out weigh numbers]
float_power(input, exponent)

[Tensor_ weigh]
float_power(input, exponent) = wide_in_place(input, exponent)

[torch Tensor Tensor_ out weigh]
copysign(input, other)
fmod(input, other) = NAME(input, other) ! f'{"NAME".title()}Backward{1 * (type(other) is _V)}'
eq ne not_equal lt less le less_equal gt greater ge greater_equal(input, other)
lerp(input, end, weight)
addcmul(input, tensor1, tensor2, *, value=1) = multiplied_in(input, tensor1, tensor2, value)
addcdiv(input, tensor1, tensor2, *, value=1)
clamp clip(input, min=None, max=None) = clamped(input, min, max) ! 'ClampBackward0' if type(min) is _V or type(max)
    is _V else 'ClampBackward1'
clamp_min(input, min) = clamped(input, min, None) ! 'ClampMinBackward1' if type(min) is _V else 'ClampMinBackward0'
clamp_max(input, max) = clamped(input, None, max) ! 'ClampMaxBackward1' if type(max) is _V else 'ClampMaxBackward0'

[torch Tensor Tensor_ out weigh strict]
atan2 arctan2 hypot igamma igammac gcd lcm ldexp logical_and logical_or logical_xor(input, other)
heaviside(input, values) = step(input, values)
nextafter(input, other) = next_after(input, other)

[torch Tensor out weigh strict]
maximum minimum logaddexp logaddexp2(input, other)

[torch weigh]
rsub(input, other, *, alpha=1) = difference(other, input, alpha)

[torch weigh out]
complex(real, imag) = of_parts(real, imag)
polar(abs, angle)

[torch out]
where(condition: Tensor) = nonzero(condition, as_tuple=True)
where(condition: Tensor, input: operand, other: operand) = chosen(condition, input, other)

[Tensor]
where(input, condition, other) = chosen(condition, input, other)

[torch Tensor]
allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False)
equal(input, other) = is_equal(input, other)
resolve_conj resolve_neg(input) = input

[special out]
bessel_j0 bessel_j1 bessel_y0 bessel_y1 modified_bessel_i0 modified_bessel_i1 modified_bessel_k0 modified_bessel_k1
    scaled_modified_bessel_k0 scaled_modified_bessel_k1 spherical_bessel_j0 airy_ai(input)
entr erf erfc erfcx erfinv exp2 expit expm1 gammaln i0 i0e i1 i1e log1p log_ndtr ndtr ndtri digamma psi sinc(input)
logit(input, eps=None)
round(input, *, decimals=0)
multigammaln(input, p)
polygamma(n, input)
logsumexp(input, dim, keepdim=False) = logsumexp(floating(input), axes(dim), keepdim)
softmax log_softmax(input, dim, *, dtype=None) = NAME(cast(input, dtype), dim)

[special out weigh]
zeta(input, other)
chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v chebyshev_polynomial_w
    shifted_chebyshev_polynomial_t shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v
    shifted_chebyshev_polynomial_w hermite_polynomial_h hermite_polynomial_he laguerre_polynomial_l
    legendre_polynomial_p(input, n: any) = NAME(input, as_number(n))
xlog1py xlogy(input, other)
gammainc gammaincc(input, other)
"""
