"""The product of two matrices by register tiles; `gemm` says what the arguments are.

B is handled in panels one or two registers wide. A panel is read in place where that is worth it, else it is
copied together first, transposed if need be, so that the tiles read along memory. The last panel may read
beyond the end of B; what comes of that is cut off.
"""

from .arrays import item_bytes, move, number_as
from .compile import inner_kernel
from .host import K_BLOCK, TILING, WIDEST
from .tiles import make_copy, make_tile, make_transpose

_PANEL = K_BLOCK * WIDEST  # after it in `pack` lies a spare tile
_L1_BYTES, _L2_BYTES = 1 << 15, 1 << 20
_SHORT_ROW_BYTES = 2048  # of longer ones, the rows of a panel meet in too few places of the caches
_FEW_TILES = 32  # tiles that a panel is read by, up to which a copy does not pay

_BYTES, _ROWS, _FEW = TILING.register_bytes, TILING.rows, TILING.few_rows
_many_wide, _many_narrow = make_tile(_ROWS, 2, _BYTES), make_tile(_ROWS, 1, _BYTES)
_few_wide, _few_narrow = make_tile(_FEW, 2, _BYTES), make_tile(_FEW, 1, _BYTES)
_one_wide, _one_narrow = make_tile(1, 2, _BYTES), make_tile(1, 1, _BYTES)
_copy, _transpose = make_copy(_BYTES), make_transpose(_BYTES)


def multiply(C, A, B, m, n, k, row_step, k_step, transposed, pack):
    """C (m, n) = op(A) op(B)."""
    lanes = _BYTES // item_bytes(A)
    in_place = transposed == 0 and _better_in_place(m, n * item_bytes(A), k)
    for k0 in range(0, k, K_BLOCK):
        depth = min(K_BLOCK, k - k0)
        a = move(A, k0 * k_step)
        for j in range(0, n, 2 * lanes):
            wide = n - j > lanes
            width = 2 * lanes if wide else lanes
            used = min(width, n - j)
            panel, step = pack, width
            if in_place:
                panel, step = move(B, k0 * n + j), n
            elif transposed:
                _pack_transposed(move(B, j * k + k0), k, used, depth, width, pack)
            else:
                _pack(move(B, k0 * n + j), n, used, depth, width, pack)
            _panel(move(C, j), n, a, row_step, k_step, panel, step, m, wide, used, depth, k0 > 0, pack)


@inner_kernel
def _better_in_place(m, row_bytes, k):
    """Are the panels of B (k rows) read m rows at a time faster than they are copied first?"""
    size = k * row_bytes
    near = row_bytes <= _SHORT_ROW_BYTES and size <= _L2_BYTES and m <= _FEW_TILES * _ROWS
    return near or size <= _L1_BYTES or m <= 2 * _ROWS


@inner_kernel
def _panel(C, n, A, row_step, k_step, panel, step, m, wide, used, depth, accumulate, pack):
    """As many columns of C as the panel has, by tiles of many, few or one row."""
    width = (2 if wide else 1) * (_BYTES // item_bytes(C))
    spare = move(pack, _PANEL)
    i = 0
    while i < m:
        rows = 1
        left = m - i
        if m >= _ROWS and left > _FEW and not _ROWS < left <= 2 * _FEW:
            rows = _ROWS
        elif m >= _FEW:
            rows = _FEW
        first = min(i, m - rows)  # the last tile may redo rows of the one before
        a, c = move(A, first * row_step), move(C, first * n)
        direct = used == width and not (accumulate and first < i)
        if direct:
            _tile(rows, wide, a, row_step, k_step, panel, step, c, n, depth, accumulate)
        else:
            _tile(rows, wide, a, row_step, k_step, panel, step, spare, width, depth, accumulate and direct)
            _merge(spare, width, i - first, rows, used, c, n, accumulate)
        i = first + rows


@inner_kernel
def _tile(rows, wide, a, row_step, k_step, b, b_step, c, c_step, depth, accumulate):
    if rows == _ROWS:
        if wide:
            _many_wide(a, row_step, k_step, b, b_step, c, c_step, depth, accumulate)
        else:
            _many_narrow(a, row_step, k_step, b, b_step, c, c_step, depth, accumulate)
    elif rows == _FEW:
        if wide:
            _few_wide(a, row_step, k_step, b, b_step, c, c_step, depth, accumulate)
        else:
            _few_narrow(a, row_step, k_step, b, b_step, c, c_step, depth, accumulate)
    elif wide:
        _one_wide(a, row_step, k_step, b, b_step, c, c_step, depth, accumulate)
    else:
        _one_narrow(a, row_step, k_step, b, b_step, c, c_step, depth, accumulate)


@inner_kernel
def _merge(spare, width, begin, end, used, c, n, accumulate):
    """Move rows begin .. end - 1 of the spare tile to C, cutting off the columns that are none."""
    for i in range(begin, end):
        for j in range(used):
            value = spare[i * width + j]
            c[i * n + j] = c[i * n + j] + value if accumulate else value


@inner_kernel
def _pack(B, n, used, depth, width, pack):
    """Copy depth rows of a panel of B, whose rows are n long."""
    lanes = _BYTES // item_bytes(B)
    if used == 2 * lanes:
        for p in range(depth):
            _copy(move(B, p * n), move(pack, p * width))
            _copy(move(B, p * n + lanes), move(pack, p * width + lanes))
        return
    for p in range(depth):
        for j in range(width):
            pack[p * width + j] = B[p * n + j] if j < used else number_as(B, 0)


@inner_kernel
def _pack_transposed(B, k, used, depth, width, pack):
    """Copy a panel out of the rows of B, each k long, one row to a column."""
    lanes = _BYTES // item_bytes(B)
    blocks_j, blocks_p = used - used % lanes, depth - depth % lanes
    for j in range(0, blocks_j, lanes):
        for p in range(0, blocks_p, lanes):
            _transpose(move(B, j * k + p), k, move(pack, p * width + j), width)
        for i in range(j, j + lanes):
            for p in range(blocks_p, depth):
                pack[p * width + i] = B[i * k + p]
    for j in range(blocks_j, width):
        for p in range(depth):
            pack[p * width + j] = B[j * k + p] if j < used else number_as(B, 0)
