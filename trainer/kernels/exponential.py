"""exp, sigmoid and tanh that vectorise, for both precisions.

x = n log 2 + r with n whole and |r| <= log(2)/2. exp(r) - 1 is its Taylor polynomial of degree 7 (float32) or
13 (float64), whose remainder is below 5e-9 and 5e-18 of it, and exp(x) - 1 = 2^n (exp(r) - 1) + (2^n -
1), which keeps the relative accuracy near 0. So tanh(x) = u / (u + 2) with u = exp(2x) - 1 needs no
second formula for small x.

Error against long doubles, in units of the last place, in both precisions: exp 1.1, sigmoid 2.5, tanh 2.7.
Arguments are cut at +-87 (float32) and +-708 (float64); a NaN stays a NaN.
"""

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from .arrays import like
from .compile import exact_kernel


@exact_kernel
def exponentials(x, out):
    """out := exp(x)."""
    for i in range(x.size):
        scale, grown = _parts(x, x[i])
        out[i] = scale * grown + scale


@exact_kernel
def sigmoid(Z):
    """Z := 1 / (1 + exp(-Z))."""
    one = like(Z, 1)
    for i in range(Z.size):
        scale, grown = _parts(Z, -Z[i])
        Z[i] = one / (one + (scale * grown + scale))


@exact_kernel
def tanh(Z):
    """Z := tanh(Z)."""
    one, two = like(Z, 1), like(Z, 2)
    for i in range(Z.size):
        scale, grown = _parts(Z, _cut(two * Z[i], like(Z, 44)))
        u = scale * grown + (scale - one)
        Z[i] = u / (u + two)


@exact_kernel
def _cut(x, bound):
    x = -bound if x < -bound else x  # in this order a NaN passes
    return bound if x > bound else x


@exact_kernel
def _parts(array, x):
    """Return 2^n and exp(r) - 1 for x = n log 2 + r, in the type of the array."""
    single = array.itemsize == 4
    x = _cut(x, like(array, 87.0 if single else 708.0))
    n = _nearest(x * like(array, 1.4426950408889634))
    # log 2 in two parts, of which n times the first is exact
    r = (x - n * like(array, 0.693359375)) - n * like(array, -2.1219444005469057e-4)
    return _power_of_two(n), _polynomial(array, r, single)


@exact_kernel
def _polynomial(array, r, single):
    """r + r^2/2! + ... + r^7/7!, or to r^13/13!."""
    p = like(array, 1 / 5040)
    if not single:
        p = like(array, 1 / 6227020800)
        p = p * r + like(array, 1 / 479001600)
        p = p * r + like(array, 1 / 39916800)
        p = p * r + like(array, 1 / 3628800)
        p = p * r + like(array, 1 / 362880)
        p = p * r + like(array, 1 / 40320)
        p = p * r + like(array, 1 / 5040)
    p = p * r + like(array, 1 / 720)
    p = p * r + like(array, 1 / 120)
    p = p * r + like(array, 1 / 24)
    p = p * r + like(array, 1 / 6)
    p = p * r + like(array, 1 / 2)
    return r + (r * r) * p


@intrinsic
def _nearest(typingctx, x):
    """Round to the nearest whole number."""

    def codegen(context, builder, signature, arguments):
        kind = arguments[0].type
        name = f"llvm.rint.f{32 if kind == ir.FloatType() else 64}"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), name)
        return builder.call(function, arguments)

    return x(x), codegen


@intrinsic
def _power_of_two(typingctx, n):
    """2^n for whole n: in a large number plus n it is the last bits, which move to the exponent."""

    def codegen(context, builder, signature, arguments):
        kind = arguments[0].type
        single = kind == ir.FloatType()
        integer, mantissa, bias = (ir.IntType(32), 23, 127) if single else (ir.IntType(64), 52, 1023)
        shifted = builder.fadd(arguments[0], ir.Constant(kind, 1.5 * 2.0**mantissa))
        bits = builder.shl(builder.bitcast(shifted, integer), integer(mantissa))
        return builder.bitcast(builder.add(bits, integer(bias << mantissa)), kind)

    return n(n), codegen
