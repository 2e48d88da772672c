"""Attention within short texts, compiled: one text and one head at a time, all in the first cache.

Numbers are bf16, which NumPy lacks and which therefore come as int16; sums are float32. It knows
only where each text lies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from finstrat.features.compiled import cache_directory

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 48
"""Tokens up to which the kernel is quicker than a call of torch for each text."""
ROWS, LANES = 8, 16
"""The part of a product that is kept in registers: 8 rows of 16 float32."""
_HIDDEN = np.float32(-1e30)


@intrinsic
def _as_float(context, bits):
    """The float32 of these 32 bits."""
    del context, bits
    return types.float32(types.int32), lambda _, builder, __, args: builder.bitcast(
        args[0], ir.FloatType()
    )


@intrinsic
def _as_bits(context, number):
    """The 32 bits of this float32."""
    del context, number
    return types.int32(types.float32), lambda _, builder, __, args: builder.bitcast(
        args[0], ir.IntType(32)
    )


@intrinsic
def _multiply_tile(context, memory, a, a_row, b, b_row, depth, out, out_row):
    """out[r, c] = Σ a[r, k] · b[k, c] over `depth` k, for ROWS r and LANES c, inside `memory`.

    Matrices are given by their first element and the distance of their rows. Written for the
    compiler below numba, which would otherwise store the sums after every addition.
    """
    del context, memory, a, a_row, b, b_row, depth, out, out_row
    index = ir.IntType(64)
    lanes = ir.VectorType(ir.FloatType(), LANES)

    def generate(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        a, a_row, b, b_row, depth, out, out_row = args[1:]
        fma = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(lanes, [lanes] * 3), f"llvm.fma.v{LANES}f32"
        )

        def element(base, row, row_size, column=None):
            offset = builder.add(base, builder.mul(row, row_size))
            return builder.gep(data, [builder.add(offset, column) if column else offset])

        sums = [
            cgutils.alloca_once_value(builder, ir.Constant(lanes, [0.0] * LANES))
            for _ in range(ROWS)
        ]
        undefined = ir.Constant(lanes, ir.Undefined)
        first = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        with cgutils.for_range(builder, depth) as loop:
            right = builder.load(
                builder.bitcast(element(b, loop.index, b_row), lanes.as_pointer()), align=4
            )
            for row, total in enumerate(sums):
                left = builder.load(element(a, index(row), a_row, loop.index))
                single = builder.insert_element(undefined, left, ir.IntType(32)(0))
                spread = builder.shuffle_vector(single, undefined, first)
                builder.store(builder.call(fma, [spread, right, builder.load(total)]), total)
        for row, total in enumerate(sums):
            place = builder.bitcast(element(out, index(row), out_row), lanes.as_pointer())
            builder.store(builder.load(total), place, align=4)
        return context.get_dummy_value()

    numbers = types.Array(types.float32, 1, "C")
    return types.void(numbers, *[types.int64] * 7), generate


@numba.njit(inline="always")
def _widened(number):
    """A bf16, held as int16, as float32."""
    return _as_float(np.int32(number) << np.int32(16))


@numba.njit(inline="always")
def _narrowed(number):
    """The nearest bf16 of a float32, ties to even, held as int16."""
    bits = _as_bits(number)
    odd = (bits >> np.int32(16)) & np.int32(1)
    return np.int16((bits + np.int32(0x7FFF) + odd) >> np.int32(16))


@numba.njit(inline="always")
def _exp(x):
    """Euler's number to an `x` of at most 0, to about 1e-7: a power of 2 times a Taylor series."""
    power = max(x, np.float32(-80.0)) * np.float32(1.4426950408889634)
    whole = np.int32(power - np.float32(0.5))
    f = (power - np.float32(whole)) * np.float32(0.6931471805599453)
    series = np.float32(1 / 720)
    series = series * f + np.float32(1 / 120)
    series = series * f + np.float32(1 / 24)
    series = series * f + np.float32(1 / 6)
    series = series * f + np.float32(0.5)
    series = series * f + np.float32(1.0)
    series = series * f + np.float32(1.0)
    return series * _as_float((whole + np.int32(127)) << np.int32(23))


def _attend_shortly(qkv, starts, lengths, heads, scale, out):
    """Fill `out [T, H]` from `qkv [T, 3H]` for texts of at most LONGEST tokens.

    Keys are turned on their side, so that a row of scores is a sum of key rows; queries go in
    groups of ROWS. Scratch lies in one array: the compiler gives up on telling several apart.
    """
    width = qkv.shape[1] // 3
    size = width // heads
    keys = 0
    values = keys + size * LONGEST
    queries = values + LONGEST * size
    scores = queries + LONGEST * size
    mixed = scores + ROWS * LONGEST
    shares = mixed + ROWS * size
    memory = np.zeros(shares + ROWS, np.float32)
    for text in range(len(starts)):
        start, length = starts[text], lengths[text]
        padded = (length + LANES - 1) // LANES * LANES
        for head in range(heads):
            at = head * size
            for j in range(length):
                q = qkv[start + j, at : at + size]
                k = qkv[start + j, width + at : width + at + size]
                v = qkv[start + j, 2 * width + at : 2 * width + at + size]
                to_query = memory[queries + j * size : queries + (j + 1) * size]
                to_value = memory[values + j * size : values + (j + 1) * size]
                for d in range(size):
                    memory[keys + d * LONGEST + j] = _widened(k[d])
                for d in range(size):
                    to_value[d] = _widened(v[d])
                for d in range(size):
                    to_query[d] = _widened(q[d]) * scale
            for i in range(0, length, ROWS):
                for j in range(0, padded, LANES):
                    _multiply_tile(
                        memory,
                        queries + i * size,
                        size,
                        keys + j,
                        LONGEST,
                        size,
                        scores + j,
                        LONGEST,
                    )
                for r in range(min(ROWS, length - i)):
                    row = memory[scores + r * LONGEST : scores + r * LONGEST + padded]
                    # Masked by place, not by narrow stores, which the wide loads would wait for.
                    for j in range(padded - LANES, padded):
                        row[j] = row[j] if j < length else _HIDDEN
                    top = _HIDDEN
                    for j in range(padded):
                        top = max(top, row[j])
                    total = np.float32(0.0)
                    for j in range(padded):
                        weight = _exp(row[j] - top)
                        row[j] = weight
                        total += weight
                    memory[shares + r] = np.float32(1.0) / total
                for d in range(0, size, LANES):
                    _multiply_tile(
                        memory, scores, LONGEST, values + d, size, length, mixed + d, size
                    )
                for r in range(min(ROWS, length - i)):
                    share = memory[shares + r]
                    row = memory[mixed + r * size : mixed + (r + 1) * size]
                    to = out[start + i + r, at : at + size]
                    for d in range(size):
                        to[d] = _narrowed(row[d] * share)


def _compiled(function):
    """`function` compiled at its first call, its machine code kept beside that of the features.

    Sums are taken in the order that suits the processor; it is the same for all texts of a length.
    """
    former = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(cache_directory())
    try:
        return numba.njit(
            cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "reassoc"}
        )(function)
    finally:
        numba.config.CACHE_DIR = former


attend_shortly: Callable[..., None] = _compiled(_attend_shortly)
