"""The three products against NumPy, for every kind of edge a tile can have."""

import subprocess
import sys

import numpy as np
import pytest
from numba import njit

from caviar.trainer.kernels.gemm import multiply_nn, multiply_nt, multiply_tn, product_of
from caviar.trainer.kernels.host import K_BLOCK, PACK_ELEMENTS, READ_BEYOND

PRODUCTS = {"nn": multiply_nn, "tn": multiply_tn, "nt": multiply_nt}
TOLERANCE = {"float32": 3e-6, "float64": 1e-14}


def entry(product):
    @njit
    def call(address, C, A, B, m, n, k, pack):
        product(address, C, A, B, m, n, k, pack)

    return call


ENTRIES = {name: entry(product) for name, product in PRODUCTS.items()}


def multiply(name, A, B):
    """Op(A) op(B) by the kernels; what lies around the operands is NaN, what lies after C must stay."""
    (m, k), n = A.shape, B.shape[1]
    stored_A = np.ascontiguousarray(A.T if name == "tn" else A).ravel()
    stored_B = np.ascontiguousarray(B.T if name == "nt" else B).ravel()
    stored_B = np.concatenate([stored_B, np.full(READ_BEYOND, np.nan, A.dtype)])
    C = np.full(m * n + 40, 7, A.dtype)
    pack = np.full(PACK_ELEMENTS, np.nan, A.dtype)
    ENTRIES[name](product_of(A.dtype).address, C, stored_A, stored_B, m, n, k, pack)
    assert (C[m * n :] == 7).all()
    return C[: m * n].reshape(m, n)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_all_small_shapes(name, dtype):
    generator = np.random.default_rng(0)
    for m in (*range(1, 14), 17, 24):
        for n in (1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 40):
            for k in (1, 2, 7, 8, 9, 19):
                A = generator.standard_normal((m, k)).astype(dtype)
                B = generator.standard_normal((k, n)).astype(dtype)
                error = np.abs(multiply(name, A, B) - A.astype("f8") @ B).max()
                assert error < TOLERANCE[dtype] * k, (m, n, k)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize(
    "shape", [(13, 37, 2 * K_BLOCK + 5), (70, 300, 130), (4, 20, K_BLOCK + 1), (200, 19, 777)]
)
def test_packed_and_blocked_shapes(name, dtype, shape):
    m, n, k = shape
    generator = np.random.default_rng(1)
    A, B = generator.standard_normal((m, k)).astype(dtype), generator.standard_normal((k, n)).astype(dtype)
    error = np.abs(multiply(name, A, B) - A.astype("f8") @ B).max()
    assert error < TOLERANCE[dtype] * np.sqrt(k) * 4


def test_bits_do_not_depend_on_where_the_arrays_lie():
    generator = np.random.default_rng(2)
    A, B = generator.standard_normal((21, 50)).astype("f4"), generator.standard_normal((50, 37)).astype("f4")
    first = multiply("nn", A, B)
    for shift in range(1, 8):
        moved = np.concatenate([np.zeros(shift, "f4"), B.ravel()])[shift:].reshape(B.shape)
        assert (multiply("nn", A, moved) == first).all()


def test_a_nan_of_one_row_stays_in_its_row():
    A, B = np.ones((9, 5), "f4"), np.ones((5, 3), "f4")
    A[4, 2] = np.nan
    assert np.isnan(multiply("nn", A, B)).any(axis=1).tolist() == [i == 4 for i in range(9)]


BLAS_PROBE = """
import numpy as np
from caviar.trainer.kernels.host import TILING
from caviar.trainer.data.types import Data
from caviar.trainer.run import Run
from caviar.trainer.settings import make_settings
assert TILING is None
X = np.random.default_rng(0).standard_normal((60, 5)).astype("f4")
Y = (X[:, 0] > 0).astype("i4")
data = Data("binary", X, Y, X, Y, n_classes=2)
run = Run(make_settings({"hidden_units": [9, 4], "epochs": 3, "batch_size": 7}), data, 1)
while run.status == "running":
    run.advance()
print(run.result()["train_cost"])
"""


@pytest.mark.soak
def test_the_blas_path_trains_the_same_network(tmp_path):
    import os

    def cost(kernels):
        environment = {**os.environ, "CAVIAR_KERNELS": kernels, "CAVIAR_CACHE": str(tmp_path)}
        probe = BLAS_PROBE if kernels == "blas" else BLAS_PROBE.replace("assert TILING is None\n", "")
        done = subprocess.run(
            [sys.executable, "-c", probe], env=environment, capture_output=True, text=True, check=True
        )
        return float(done.stdout)

    assert cost("blas") == pytest.approx(cost(""), rel=1e-4)
