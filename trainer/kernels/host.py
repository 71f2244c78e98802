"""Which matrix product this machine gets: register tiles for AVX-512 or AVX2, BLAS elsewhere."""

import os
from dataclasses import dataclass

from llvmlite import binding


@dataclass(frozen=True)
class Tiling:
    """Sizes of the register tiles.

    A tile of `rows` x 2 registers keeps the multiply-add units busy: rows * 2 sums hide the latency, and
    together with two registers of B and one of A they fit into the register file. What rows do not divide
    is covered by tiles of `few_rows`.
    """

    name: str
    register_bytes: int
    rows: int
    few_rows: int


AVX512 = Tiling("avx512", 64, 8, 4)  # 32 registers
AVX2 = Tiling("avx2", 32, 6, 4)  # 16 registers: 12 sums, 2 of B, 1 of A
BLAS = None

K_BLOCK = 1024  # longest column of a packed panel
WIDEST, _MOST_ROWS = 32, 8  # elements and rows of the largest tile, AVX-512 in float32
PACK_ELEMENTS = K_BLOCK * WIDEST + _MOST_ROWS * WIDEST
READ_BEYOND = WIDEST


def choose_tiling():
    """Return the tiling of this host, or BLAS. CAVIAR_KERNELS=avx512, avx2 or blas decides otherwise."""
    wanted = os.environ.get("CAVIAR_KERNELS", "").lower()
    features = binding.get_host_cpu_features()
    if wanted == "blas":
        return BLAS
    if features.get("avx512f") and wanted in ("", "avx512"):
        return AVX512
    if features.get("avx2") and features.get("fma") and wanted in ("", "avx2", "avx512"):
        return AVX2
    return BLAS


TILING = choose_tiling()
