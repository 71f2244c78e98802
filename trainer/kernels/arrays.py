"""What Numba lacks: views that own nothing, constants in the type of an array, calls by address."""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array


@intrinsic
def part(typingctx, array, offset, size):
    """Return elements offset .. offset + size - 1 of a flat array, without bounds check or reference count.

    A slice would count references atomically, about 10 ns each: as much as a whole layer of a small net.
    The caller holds the array for as long as the view lives.
    """
    view_type = types.Array(array.dtype, 1, "C")

    def codegen(context, builder, signature, arguments):
        source = make_array(signature.args[0])(context, builder, arguments[0])
        view = make_array(view_type)(context, builder)
        item = context.get_data_type(array.dtype)
        size_of_item = context.get_constant(types.intp, context.get_abi_sizeof(item))
        populate_array(
            view,
            data=builder.gep(source.data, [arguments[1]], source_etype=item),
            shape=cgutils.pack_array(builder, [arguments[2]]),
            strides=cgutils.pack_array(builder, [size_of_item]),
            itemsize=size_of_item,
            meminfo=None,
        )
        return view._getvalue()

    return view_type(array, types.intp, types.intp), codegen


@intrinsic
def like(typingctx, array, value):
    """Return a number in the type of the array's elements; a bare 0.5 would make a float32 loop float64."""

    def codegen(context, builder, signature, arguments):
        return context.cast(builder, arguments[1], signature.args[1], signature.return_type)

    return array.dtype(array, value), codegen


@intrinsic
def address(typingctx, array, offset):
    """Return a pointer to element `offset` of a flat array."""

    def codegen(context, builder, signature, arguments):
        source = make_array(signature.args[0])(context, builder, arguments[0])
        item = context.get_data_type(array.dtype)
        assert isinstance(item, ir.Type)
        return builder.gep(source.data, [arguments[1]], source_etype=item)

    return types.CPointer(array.dtype)(array, types.intp), codegen


@intrinsic
def fetch(typingctx, array, offset):
    """Have the cache line of element `offset` of a flat array loaded, without waiting for it."""

    def codegen(context, builder, signature, arguments):
        source = make_array(signature.args[0])(context, builder, arguments[0])
        item = context.get_data_type(array.dtype)
        place = builder.bitcast(
            builder.gep(source.data, [arguments[1]], source_etype=item), ir.IntType(8).as_pointer()
        )
        kind = ir.FunctionType(ir.VoidType(), [place.type, *[ir.IntType(32)] * 3])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        read, keep, data = (ir.IntType(32)(number) for number in (0, 3, 1))
        builder.call(prefetch, [place, read, keep, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


@intrinsic
def move(typingctx, pointer, offset):
    """Return the pointer to the element `offset` elements further."""

    def codegen(context, builder, signature, arguments):
        item = context.get_data_type(pointer.dtype)
        return builder.gep(arguments[0], [arguments[1]], source_etype=item)

    return pointer(pointer, types.intp), codegen


@intrinsic
def item_bytes(typingctx, pointer):
    """Return the size of what a pointer points to."""

    def codegen(context, builder, signature, arguments):
        size = context.get_abi_sizeof(context.get_data_type(pointer.dtype))
        return context.get_constant(types.intp, size)

    return types.intp(pointer), codegen


@intrinsic
def number_as(typingctx, pointer, value):
    """Return a number in the type that a pointer points to."""

    def codegen(context, builder, signature, arguments):
        return context.cast(builder, arguments[1], signature.args[1], signature.return_type)

    return pointer.dtype(pointer, value), codegen


@intrinsic
def call(typingctx, function, arguments):
    """Call the compiled function at an address, with a tuple of pointers and int64; it returns nothing.

    Its code is not linked into the caller: a long function is optimised once, not again in every caller.
    """

    def codegen(context, builder, signature, values):
        items = cgutils.unpack_tuple(builder, values[1], len(arguments))
        kind = ir.FunctionType(ir.VoidType(), [item.type for item in items])
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), items)
        return context.get_dummy_value()

    return types.void(types.int64, arguments), codegen
