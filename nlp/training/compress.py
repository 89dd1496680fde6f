"""Step 5: a small, fast ONNX file out of the fine-tuned network.

The graph is written node by node, since the exporter's would have to be rewritten anyway: fused
attention, normalisation and activation, and weights in 8 bits. Activations are quantised inside
the products row by row (one scale for each piece of each post), never over a batch, so that a
post's result does not depend on its neighbours or on padding.

`MultiHeadAttention` and `BiasGelu` are contributed operators of ONNX Runtime
(docs/ContribOperators.md in its repository). Two others were tried and left out. Its
`SkipLayerNormalization` took six times as long as two additions and a normalisation. Its
`MatMulNBits`, with 8-bit weights and int8 products, was slower here, and a post alone came out up
to 0.14 (of a score) different from the same post in a batch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Kind = Literal["float", "rows"]
Array = npt.NDArray[Any]

_MS = "com.microsoft"
_OPSET = 17
_EPSILON = 1e-12


def quantise_rows(weights: Array) -> tuple[Array, Array]:
    """Symmetric 8 bits with one scale a row: int8 of the same shape and float32 (rows, 1)."""
    scale = np.abs(weights).max(1, keepdims=True) / 127.0
    scale = np.where(scale == 0, 1.0, scale).astype(np.float32)
    return np.rint(weights / scale).clip(-127, 127).astype(np.int8), scale


class _Graph:
    """Collects nodes and weights; every method returns the name of its output."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.nodes: list[Any] = []
        self.weights: dict[str, Array] = {}

    def constant(self, name: str, value: Array) -> str:
        self.weights.setdefault(name, value)
        return name

    def node(
        self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes: Any
    ) -> str:
        self.nodes.append(
            helper.make_node(kind, inputs, [output], name=output, domain=domain, **attributes)
        )
        return output

    def product(self, x: str, weights: Array, name: str) -> str:
        """`x` times `weights` (outputs, inputs) transposed, without bias."""
        if self.kind == "float":
            return self.node("MatMul", [x, self.constant(f"{name}.w", weights.T.copy())], name)
        values, scale = quantise_rows(weights)
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
            _MS,
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
        return self.node("LayerNormalization", [x, weight, shift], name, axis=-1, epsilon=_EPSILON)

    def table(self, rows: Array, ids: str, name: str) -> str:
        """Rows of an 8-bit table, as float32."""
        values, scale = quantise_rows(rows)
        picked = self.node("Gather", [self.constant(f"{name}.w", values), ids], f"{name}.rows")
        picked = self.node("Cast", [picked], f"{name}.float", to=TensorProto.FLOAT)
        factor = self.node("Gather", [self.constant(f"{name}.s", scale), ids], f"{name}.scales")
        return self.node("Mul", [picked, factor], name)


def _layer(graph: _Graph, state: dict[str, Array], x: str, number: int, heads: int) -> str:
    def weight(name: str) -> Array:
        return state[f"bert.encoder.layer.{number}.{name}"]

    def const(name: str) -> str:
        return graph.constant(f"l{number}.{name}", weight(name))

    at = f"l{number}"
    parts = ("query", "key", "value")
    joined = np.concatenate([weight(f"attention.self.{part}.weight") for part in parts])
    biases = np.concatenate([weight(f"attention.self.{part}.bias") for part in parts])
    packed = graph.product(x, joined, f"{at}.qkv")
    names = [f"{at}.{part}" for part in parts]
    graph.nodes.append(helper.make_node("Split", [packed], names, name=f"{at}.split", axis=2))
    inputs = [*names, graph.constant(f"{at}.qkv.b", biases), "mask"]
    y = graph.node("MultiHeadAttention", inputs, f"{at}.attention", _MS, num_heads=heads)
    y = graph.product(y, weight("attention.output.dense.weight"), f"{at}.attended")
    y = graph.norm(
        y,
        x,
        const("attention.output.dense.bias"),
        const("attention.output.LayerNorm.weight"),
        const("attention.output.LayerNorm.bias"),
        f"{at}.middle",
    )
    z = graph.product(y, weight("intermediate.dense.weight"), f"{at}.wide")
    z = graph.node("BiasGelu", [z, const("intermediate.dense.bias")], f"{at}.gelu", _MS)
    z = graph.product(z, weight("output.dense.weight"), f"{at}.narrow")
    return graph.norm(
        z,
        y,
        const("output.dense.bias"),
        const("output.LayerNorm.weight"),
        const("output.LayerNorm.bias"),
        f"{at}.out",
    )


def build(state: dict[str, Array], heads: int, kind: Kind = "rows") -> Any:
    """Return an `onnx.ModelProto` of the classifier whose weights are `state`.

    Inputs: `pieces` int64 (posts, longest) and `mask` int32 of the same shape, 1 on real pieces.
    Output: `logits` float32 (posts, 3).
    """
    graph = _Graph(kind)
    prefix = "bert.embeddings."
    words = graph.table(state[prefix + "word_embeddings.weight"], "pieces", "words")
    places = state[prefix + "position_embeddings.weight"]
    places = places + state[prefix + "token_type_embeddings.weight"][:1]
    shape = graph.node("Shape", ["pieces"], "length", start=1)
    begin, axis = graph.constant("0", np.array([0])), graph.constant("axis0", np.array([0]))
    table = graph.constant("places", places.astype(np.float32))
    near = graph.node("Slice", [table, begin, shape, axis], "near")
    x = graph.node("Add", [words, near], "summed")
    x = graph.node(
        "LayerNormalization",
        [
            x,
            graph.constant("ln.w", state[prefix + "LayerNorm.weight"]),
            graph.constant("ln.b", state[prefix + "LayerNorm.bias"]),
        ],
        "embedded",
        axis=-1,
        epsilon=_EPSILON,
    )
    layers = len({key.split(".")[3] for key in state if key.startswith("bert.encoder.layer.")})
    for number in range(layers):
        x = _layer(graph, state, x, number, heads)
    last = graph.constant("axis2", np.array([2]))
    weight = graph.node("Cast", ["mask"], "mask.float", to=TensorProto.FLOAT)
    weight = graph.node("Unsqueeze", [weight, last], "mask.wide")
    x = graph.node("Mul", [x, weight], "kept")
    one = graph.constant("axis1", np.array([1]))
    total = graph.node("ReduceSum", [x, one], "total", keepdims=0)
    number_of = graph.node("ReduceSum", [weight, one], "number", keepdims=0)
    mean = graph.node("Div", [total, number_of], "mean")
    head = graph.constant("head.w", state["head.weight"].T.copy())
    bias = graph.constant("head.b", state["head.bias"])
    graph.node("Gemm", [mean, head, bias], "logits")
    return _model(graph)


def _model(graph: _Graph) -> Any:
    shape = ["posts", "longest"]
    body = helper.make_graph(
        graph.nodes,
        "marsad-sentiment",
        [
            helper.make_tensor_value_info("pieces", TensorProto.INT64, shape),
            helper.make_tensor_value_info("mask", TensorProto.INT32, shape),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["posts", 3])],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in graph.weights.items()],
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_MS, 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=9, producer_name="marsad")


def run(finetuned: Path, target: Path, positions: int, kind: Kind = "rows") -> None:
    """Write `target` (an .onnx file) from the folder that the fine-tuning wrote.

    `positions` is the longest post in pieces that the file will be asked about.
    """
    from nlp.training import finetune

    model = finetune.load(finetuned)
    state = {name: value.float().numpy() for name, value in model.state_dict().items()}
    key = "bert.embeddings.position_embeddings.weight"
    state[key] = state[key][:positions]
    proto = build(state, model.bert.config.num_attention_heads, kind)
    target.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(proto, str(target))
