"""The three products of a layer, on flat row-major arrays: Z = A W, dW = A^T dZ, dA = dZ W^T.

The work is done by one compiled function for each precision, `product_of(dtype)`: register tiles where
the host has them, else BLAS. Kernels call it by its address, which a run carries along in
`Scratch.product`. `pack` is room to work in, PACK_ELEMENTS. B has READ_BEYOND readable elements after its
end.
"""

from functools import cache

import numpy as np
from numba import types

from .arrays import address, call
from .compile import inlined_kernel, pointer_kernel
from .host import TILING


@inlined_kernel
def multiply_nn(product, C, A, B, m, n, k, pack):
    """C (m, n) = A (m, k) B (k, n): Z = A W."""
    call(product, (address(C, 0), address(A, 0), address(B, 0), m, n, k, k, 1, 0, address(pack, 0)))


@inlined_kernel
def multiply_tn(product, C, A, B, m, n, k, pack):
    """C (m, n) = A^T B with A (k, m), B (k, n): dW = A^T dZ."""
    call(product, (address(C, 0), address(A, 0), address(B, 0), m, n, k, 1, m, 0, address(pack, 0)))


@inlined_kernel
def multiply_nt(product, C, A, B, m, n, k, pack):
    """C (m, n) = A (m, k) B^T with B (n, k): dA = dZ W^T."""
    call(product, (address(C, 0), address(A, 0), address(B, 0), m, n, k, k, 1, 1, address(pack, 0)))


@cache
def product_of(dtype):
    """Compile, or load, the product for float32 or float64; return it. Its `address` is what kernels take.

    product(C, A, B, m, n, k, row_step, k_step, transposed, pack): C (m, n) = op(A) op(B), where element
    (i, p) of op(A) is A[i * row_step + p * k_step], and B is (k, n), or (n, k) if transposed.
    """
    if TILING is None:
        from .blas import multiply
    else:
        from .tiled import multiply
    pointer = types.CPointer(types.float32 if np.dtype(dtype) == np.float32 else types.float64)
    sizes = [types.int64] * 6
    return pointer_kernel(types.void(pointer, pointer, pointer, *sizes, pointer), multiply)
