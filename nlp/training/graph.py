"""A graph of ONNX operators, written node by node, with weights in 8 bits.

Activations are quantised inside the products row by row; why, and which operators were tried and
left out, is told in :mod:`nlp.training.compress`.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper

Kind = Literal["float", "rows"]
Array = npt.NDArray[Any]

MICROSOFT = "com.microsoft"
EPSILON = 1e-12
#: The node that merges pieces after so many layers begins with this.
MERGED = "merged."

#: The largest weight of a product whose pair sums fit into 16 bits beside activations up to 255.
PRODUCT_LEVELS = 64
_TABLE_LEVELS = 127
_CLIPPED = np.linspace(1.0, 0.5, 26)


def quantise_rows(weights: Array, levels: int = _TABLE_LEVELS) -> tuple[Array, Array]:
    """Symmetric 8 bits with one scale a row: int8 of the same shape and float32 (rows, 1).

    The values lie within -`levels` to `levels`. Each row takes, of 26 scales that clip nothing up
    to half of the largest weight, the one with the least squared error.
    """
    largest = np.abs(weights).max(1, keepdims=True)
    best = np.full_like(largest, np.inf, dtype=np.float64)
    values = np.zeros(weights.shape, np.int8)
    scales = np.ones(largest.shape, np.float32)
    for share in _CLIPPED:
        scale = np.where(largest == 0, 1.0, largest * share / levels).astype(np.float32)
        tried = np.rint(weights / scale).clip(-levels, levels).astype(np.int8)
        error = ((tried * scale - weights) ** 2).sum(1, keepdims=True, dtype=np.float64)
        better = error < best
        best = np.where(better, error, best)
        values = np.where(better, tried, values)
        scales = np.where(better, scale, scales)
    return values, scales


class Graph:
    """Collects nodes and weights; every method returns the name of its output."""

    def __init__(self, kind: Kind, width: int) -> None:
        self.kind, self.width = kind, width
        self.nodes: list[Any] = []
        self.weights: dict[str, Array] = {}
        self.sizes = ""
        """How many pieces each state stands for, (posts, length, 1) float32."""
        self.attended = ""
        """What is added to the scores of attention."""

    def constant(self, name: str, value: Array) -> str:
        """Keep `value` under `name`, once, and return the name."""
        self.weights.setdefault(name, value)
        return name

    def node(
        self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes: Any
    ) -> str:
        """Add an operator with one output, and return that."""
        self.nodes.append(
            helper.make_node(kind, inputs, [output], name=output, domain=domain, **attributes)
        )
        return output

    def product(self, x: str, weights: Array, name: str) -> str:
        """`x` times `weights` (outputs, inputs) transposed, without bias."""
        if self.kind == "float":
            return self.node("MatMul", [x, self.constant(f"{name}.w", weights.T.copy())], name)
        values, scale = quantise_rows(weights, PRODUCT_LEVELS)
        quantised, row = self.by_row(x)
        wide = self.node(
            "MatMulIntegerToFloat",
            [
                quantised,
                self.constant(f"{name}.w", values.T.copy()),
                self.constant("one", np.array(1, np.float32)),
                self.constant(f"{name}.s", scale[:, 0]),
                self.constant("zero.u8", np.array(128, np.uint8)),
                self.constant("zero.s8", np.array(0, np.int8)),
            ],
            f"{name}.wide",
            MICROSOFT,
        )
        return self.node("Mul", [wide, row], name)

    def by_row(self, x: str) -> tuple[str, str]:
        """Quantise the last axis of `x` to uint8 around 128; also return the scale of each row."""
        if f"{x}.u8" in {node.name for node in self.nodes}:
            return f"{x}.u8", f"{x}.scale"
        size = self.node("Abs", [x], f"{x}.abs")
        size = self.node("ReduceMax", [size], f"{x}.max", axes=[-1], keepdims=1)
        least = self.constant("tiny", np.array(1e-9, np.float32))
        size = self.node("Max", [size, least], f"{x}.most")
        most = self.constant("127", np.array(127, np.float32))
        scale = self.node("Div", [size, most], f"{x}.scale")
        inverse = self.node("Div", [most, size], f"{x}.inverse")
        steps = self.node("Mul", [x, inverse], f"{x}.steps")
        one = self.constant("one", np.array(1, np.float32))
        zero = self.constant("zero.u8", np.array(128, np.uint8))
        return self.node("QuantizeLinear", [steps, one, zero], f"{x}.u8"), scale

    def norm(self, x: str, beside: str, bias: str, weight: str, shift: str, name: str) -> str:
        """Normalise the sum of `x`, `bias` and `beside` over the last axis."""
        x = self.node("Add", [x, bias], f"{name}.biased")
        x = self.node("Add", [x, beside], f"{name}.sum")
        return self.node("LayerNormalization", [x, weight, shift], name, axis=-1, epsilon=EPSILON)

    def attention(self, query: str, key: str, value: str, heads: int, name: str) -> str:
        """Multi-head attention; `value` has a last column of ones in each head.

        Written out, since the sums inside of `MultiHeadAttention`, `Softmax` and `ReduceSum`
        depend on the processor's vectors and on padding, and one changed bit can move a value to
        the next of the 8-bit steps. A product of matrices adds one term after the other, so that
        the column of ones gives the same total everywhere.
        """
        width = self.width
        size = width // heads
        root = self.constant("head.scale", np.array(size**-0.5, np.float32))
        query = self.node("Mul", [query, root], f"{name}.scaled")
        queries = self.by_head(query, heads, size, [0, 2, 1, 3])
        keys = self.by_head(key, heads, size, [0, 2, 3, 1])
        values = self.by_head(value, heads, size + 1, [0, 2, 1, 3])
        score = self.node("MatMul", [queries, keys], f"{name}.score")
        score = self.node("Add", [score, self.attended], f"{name}.masked")
        peak = self.node("ReduceMax", [score], f"{name}.peak", axes=[-1], keepdims=1)
        score = self.node("Sub", [score, peak], f"{name}.below")
        share = self.node("Exp", [score], f"{name}.share")
        sums = self.node("MatMul", [share, values], f"{name}.sums")
        parts = [f"{name}.sum", f"{name}.total"]
        sizes = self.constant("head.parts", np.array([size, 1]))
        self.nodes.append(
            helper.make_node("Split", [sums, sizes], parts, name=f"{name}.parts", axis=3)
        )
        mean = self.node("Div", parts, f"{name}.mean")
        mean = self.node("Transpose", [mean], f"{name}.turned", perm=[0, 2, 1, 3])
        joined = self.constant("joined", np.array([0, 0, width]))
        return self.node("Reshape", [mean, joined], name)

    def by_head(self, x: str, heads: int, size: int, order: list[int]) -> str:
        """Split the last axis into `heads` of `size`, and put the four axes in this order."""
        shape = self.constant(f"heads.{size}", np.array([0, 0, heads, size]))
        split = self.node("Reshape", [x, shape], f"{x}.split")
        return self.node("Transpose", [split], f"{x}.heads", perm=order)

    def begin(self) -> None:
        """Say which pieces are real: 1 on pieces, 0 on padding."""
        seen = self.node("Cast", ["mask"], "mask.seen", to=TensorProto.FLOAT)
        last = self.constant("axis2", np.array([2]))
        self.sizes = self.node("Unsqueeze", [seen, last], "mask.wide")
        away = self.node("Sub", [seen, self.constant("one", np.array(1, np.float32))], "mask.away")
        self.attended = self._far(away, "padding")

    def _far(self, away: str, name: str) -> str:
        """What is added to the scores of attention where `away` (posts, length) is -1."""
        far = self.constant("far", np.array(1e4, np.float32))
        away = self.node("Mul", [away, far], f"{name}.far")
        axes = self.constant("axes12", np.array([1, 2]))
        return self.node("Unsqueeze", [away, axes], name)

    def in_pairs(self, x: str, name: str) -> str:
        """Merge each two neighbours of `x` into their mean (`encoder.in_pairs`).

        A merged state counts twice in attention, so that the logarithm of 2 is added to its score:
        as a constant, since the last bits of `Log` are the processor's.
        """
        one = self.constant("one", np.array(1, np.float32))
        parts = []
        for state, short in (
            (self.node("Mul", [x, self.sizes], f"{name}.real"), "x"),
            (self.sizes, "size"),
        ):
            # One row of padding more, so that a length may be odd.
            row = self.constant("row", np.array([0, 0, 0, 0, 1, 0]))
            wide = self.node("Pad", [state, row], f"{name}.{short}.padded")
            length = self.node("Shape", [wide], f"{name}.{short}.length", start=1, end=2)
            axis, two = self.constant("axis1", np.array([1])), self.constant("2", np.array([2]))
            short_of = self.node(
                "Sub", [length, self.constant("1", np.array([1]))], f"{name}.{short}.before"
            )
            even = self.node(
                "Slice",
                [wide, self.constant("0", np.array([0])), short_of, axis, two],
                f"{name}.{short}.even",
            )
            odd = self.node(
                "Slice",
                [wide, self.constant("1", np.array([1])), length, axis, two],
                f"{name}.{short}.odd",
            )
            parts.append(self.node("Add", [even, odd], f"{name}.{short}.sum"))
        total, sizes = parts
        some = self.node("Max", [sizes, one], f"{name}.some")
        x = self.node("Div", [total, some], name)
        last = self.constant("axis2", np.array([2]))
        flat = self.node("Squeeze", [sizes, last], f"{name}.flat")
        real = self.node("Min", [flat, one], f"{name}.any")
        away = self.node("Sub", [real, one], f"{name}.away")
        both = self.node("Sub", [flat, real], f"{name}.both")
        log = self.constant("log2", np.array(math.log(2), np.float32))
        twice = self.node("Mul", [both, log], f"{name}.twice")
        axes = self.constant("axes12", np.array([1, 2]))
        twice = self.node("Unsqueeze", [twice, axes], f"{name}.more")
        hidden = self._far(away, f"{name}.padding")
        self.sizes = sizes
        self.attended = self.node("Add", [hidden, twice], f"{name}.attended")
        return x

    def table(self, rows: Array, ids: str, name: str) -> str:
        """Rows of an 8-bit table, as float32."""
        values, scale = quantise_rows(rows)
        picked = self.node("Gather", [self.constant(f"{name}.w", values), ids], f"{name}.rows")
        picked = self.node("Cast", [picked], f"{name}.float", to=TensorProto.FLOAT)
        factor = self.node("Gather", [self.constant(f"{name}.s", scale), ids], f"{name}.scales")
        return self.node("Mul", [picked, factor], name)
