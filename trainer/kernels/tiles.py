"""Register tiles in LLVM: the innermost loop of the matrix product, and a transposition in registers.

A tile keeps rows x vectors accumulators in registers. For each k it loads `vectors` vectors of B, broadcasts
`rows` elements of A and does rows * vectors fused multiply-adds. Both precisions come from the same builder.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

_I32, _I64 = ir.IntType(32), ir.IntType(64)


def make_tile(rows, vectors, register_bytes):
    """Make the intrinsic tile(A, row_step, k_step, B, B_step, C, C_step, K, accumulate).

    C[i, j] = sum over k < K of A[i * row_step + k * k_step] * B[k * B_step + j], added to C if `accumulate`,
    for i < rows and j < vectors * lanes. Steps are in elements; nothing needs to be aligned. K > 0.
    """

    @intrinsic
    def tile(typingctx, A, row_step, k_step, B, B_step, C, C_step, K, accumulate):
        integer = types.int64
        signature = types.void(A, integer, integer, A, integer, A, integer, integer, types.boolean)
        vector = _vector_type(A.dtype, register_bytes)

        def codegen(context, builder, signature, arguments):
            _tile_loop(builder, vector, rows, vectors, arguments)
            return context.get_dummy_value()

        return signature, codegen

    return tile


def make_transpose(register_bytes):
    """Make the intrinsic transpose(source, source_step, target, target_step) of a lanes x lanes block."""

    @intrinsic
    def transpose(typingctx, source, source_step, target, target_step):
        signature = types.void(source, types.int64, source, types.int64)
        vector = _vector_type(source.dtype, register_bytes)

        def codegen(context, builder, signature, arguments):
            source, source_step, target, target_step = arguments
            rows = [
                _load(builder, vector, source, builder.mul(source_step, _I64(i))) for i in range(vector.count)
            ]
            for i, column in enumerate(_transposed(builder, rows)):
                _store(builder, column, target, builder.mul(target_step, _I64(i)))
            return context.get_dummy_value()

        return signature, codegen

    return transpose


def make_copy(register_bytes):
    """Make the intrinsic copy(source, target) of one register."""

    @intrinsic
    def copy(typingctx, source, target):
        vector = _vector_type(source.dtype, register_bytes)

        def codegen(context, builder, signature, arguments):
            _store(builder, _load(builder, vector, arguments[0], _I64(0)), arguments[1], _I64(0))
            return context.get_dummy_value()

        return types.void(source, source), codegen

    return copy


def _tile_loop(builder, vector, rows, vectors, arguments):
    A, row_step, k_step, B, B_step, C, C_step, K, accumulate = arguments
    before = _first_values(builder, vector, rows, vectors, C, C_step, accumulate)
    start, loop, end = (
        builder.block,
        builder.append_basic_block("tile"),
        builder.append_basic_block("tile_end"),
    )
    builder.branch(loop)
    builder.position_at_end(loop)
    k, a, b = builder.phi(_I64), builder.phi(A.type), builder.phi(B.type)
    sums = [[builder.phi(vector) for _ in range(vectors)] for _ in range(rows)]
    after = _multiply_add(builder, vector, a, row_step, b, sums)
    next_values = (
        builder.add(k, _I64(1)),
        builder.gep(a, [k_step], source_etype=vector.element),
        builder.gep(b, [B_step], source_etype=vector.element),
    )
    for phi, first, following in zip((k, a, b), (_I64(0), A, B), next_values, strict=True):
        phi.add_incoming(first, start)
        phi.add_incoming(following, loop)
    for i in range(rows):
        for j in range(vectors):
            sums[i][j].add_incoming(before[i][j], start)
            sums[i][j].add_incoming(after[i][j], loop)
    builder.cbranch(builder.icmp_signed("<", next_values[0], K), loop, end)
    builder.position_at_end(end)
    for i in range(rows):
        for j in range(vectors):
            _store(builder, after[i][j], C, _place(builder, C_step, i, j, vector))


def _first_values(builder, vector, rows, vectors, C, C_step, accumulate):
    """Zeros, or what C holds."""
    zero = ir.Constant(vector, [0.0] * vector.count)
    start = builder.block
    load, go = builder.append_basic_block("load_C"), builder.append_basic_block("go")
    builder.cbranch(accumulate, load, go)
    builder.position_at_end(load)
    loaded = [
        [_load(builder, vector, C, _place(builder, C_step, i, j, vector)) for j in range(vectors)]
        for i in range(rows)
    ]
    builder.branch(go)
    builder.position_at_end(go)
    values = [[builder.phi(vector) for _ in range(vectors)] for _ in range(rows)]
    for i in range(rows):
        for j in range(vectors):
            values[i][j].add_incoming(zero, start)
            values[i][j].add_incoming(loaded[i][j], load)
    return values


def _multiply_add(builder, vector, a, row_step, b, sums):
    """One k: sums[i][j] + a[i] * b[j]."""
    bits = 32 if vector.element == ir.FloatType() else 64
    fma = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{vector.count}f{bits}"
    )
    columns = [_load(builder, vector, b, _I64(j * vector.count)) for j in range(len(sums[0]))]
    after = []
    for i, row in enumerate(sums):
        at = builder.gep(a, [builder.mul(row_step, _I64(i))], source_etype=vector.element)
        element = _broadcast(builder, vector, builder.load(at, align=bits // 8, typ=vector.element))
        after.append([builder.call(fma, [element, columns[j], row[j]]) for j in range(len(row))])
    return after


def _broadcast(builder, vector, element):
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, element, _I32(0))
    return builder.shuffle_vector(
        first, undefined, ir.Constant(ir.VectorType(_I32, vector.count), [0] * vector.count)
    )


def _transposed(builder, rows):
    """Transpose by swapping ever larger blocks: log2(lanes) rounds of shuffles of two registers."""
    lanes = len(rows)
    width = 1
    while width < lanes:
        low = [
            i + (j if j < width else lanes + j - width)
            for i in range(0, lanes, 2 * width)
            for j in range(2 * width)
        ]
        high = [index + width for index in low]
        rows = list(rows)
        for i in range(lanes):
            if not i & width:
                upper, lower = rows[i], rows[i + width]
                rows[i] = _shuffle(builder, upper, lower, low)
                rows[i + width] = _shuffle(builder, upper, lower, high)
        width *= 2
    return rows


def _shuffle(builder, first, second, indices):
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(_I32, len(indices)), indices))


def _vector_type(item, register_bytes):
    single = item == types.float32
    return ir.VectorType(
        ir.FloatType() if single else ir.DoubleType(), register_bytes // (4 if single else 8)
    )


def _place(builder, step, i, j, vector):
    return builder.add(builder.mul(step, _I64(i)), _I64(j * vector.count))


def _load(builder, vector, pointer, offset):
    """Load the vector that begins `offset` elements after the pointer, wherever that is."""
    at = builder.gep(pointer, [offset], source_etype=vector.element)
    return builder.load(builder.bitcast(at, vector.as_pointer()), align=_item_bytes(vector), typ=vector)


def _store(builder, value, pointer, offset):
    at = builder.gep(pointer, [offset], source_etype=value.type.element)
    builder.store(value, builder.bitcast(at, value.type.as_pointer()), align=_item_bytes(value.type))


def _item_bytes(vector):
    return 4 if vector.element == ir.FloatType() else 8
