"""Step 5: a small, fast ONNX file out of the fine-tuned network.

The graph is written node by node, since the exporter's would have to be rewritten anyway: fused
normalisation and activation, and weights in 8 bits. Activations are quantised inside
the products row by row (one scale for each piece of each post), never over a batch, so that a
post's result does not depend on its neighbours or on padding.

`BiasGelu` and `MatMulIntegerToFloat` are contributed operators of ONNX Runtime
(docs/ContribOperators.md in its repository). Three others were tried and left out.
`MultiHeadAttention` gives other last bits with AVX-512 than with AVX2; written out, attention costs
the same and the whole graph gives the same bits on both. Its
`SkipLayerNormalization` took six times as long as two additions and a normalisation. Its
`MatMulNBits`, with 8-bit weights and int8 products, was slower here, and a post alone came out up
to 0.14 (of a score) different from the same post in a batch.

Weights of products lie within -64 to 64. Processors without VNNI multiply unsigned by signed bytes
with `VPMADDUBSW`, which adds two products into 16 signed bits and saturates (Intel Architectures
Software Developer's Manual, volume 2). 255 * 64 * 2 = 32,640 fits, 255 * 127 * 2 does not, and
the same post then had other scores than with VNNI. Unsigned weights avoid it too, at 2.3 times the
processor time with VNNI (`python -m nlp.training.processors` compares machines).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from nlp.network import UPPER

Kind = Literal["float", "rows"]
Array = npt.NDArray[Any]

_MS = "com.microsoft"
_OPSET = 17
_EPSILON = 1e-12
_STATES = "states"


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


class _Graph:
    """Collects nodes and weights; every method returns the name of its output."""

    def __init__(self, kind: Kind, width: int) -> None:
        self.kind, self.width = kind, width
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
        score = self.node("Add", [score, "padding"], f"{name}.masked")
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

    def padding(self) -> str:
        """What is added to the scores of attention: 0 on pieces, far below on padding."""
        seen = self.node("Cast", ["mask"], "mask.seen", to=TensorProto.FLOAT)
        away = self.node("Sub", [seen, self.constant("one", np.array(1, np.float32))], "mask.away")
        far = self.constant("far", np.array(1e4, np.float32))
        away = self.node("Mul", [away, far], "mask.far")
        axes = self.constant("axes12", np.array([1, 2]))
        return self.node("Unsqueeze", [away, axes], "padding")

    def table(self, rows: Array, ids: str, name: str) -> str:
        """Rows of an 8-bit table, as float32."""
        values, scale = quantise_rows(rows)
        picked = self.node("Gather", [self.constant(f"{name}.w", values), ids], f"{name}.rows")
        picked = self.node("Cast", [picked], f"{name}.float", to=TensorProto.FLOAT)
        factor = self.node("Gather", [self.constant(f"{name}.s", scale), ids], f"{name}.scales")
        return self.node("Mul", [picked, factor], name)


def _projections(state: dict[str, Array], prefix: str, heads: int) -> tuple[Array, Array]:
    """Weights and biases of query, key and value; value gets a column of ones for each head."""
    query, key, value = (state[f"{prefix}.{part}.weight"] for part in ("query", "key", "value"))
    biases = [state[f"{prefix}.{part}.bias"] for part in ("query", "key", "value")]
    width = query.shape[1]
    by_head = value.reshape(heads, -1, width)
    value = np.concatenate([by_head, np.zeros((heads, 1, width), value.dtype)], 1)
    ones = np.ones((heads, 1), biases[2].dtype)
    biases[2] = np.concatenate([biases[2].reshape(heads, -1), ones], 1).reshape(-1)
    weights = np.concatenate([query, key, value.reshape(-1, width)])
    return weights, np.concatenate(biases)


def _layer(graph: _Graph, state: dict[str, Array], x: str, number: int, heads: int) -> str:
    def weight(name: str) -> Array:
        return state[f"bert.encoder.layer.{number}.{name}"]

    def const(name: str) -> str:
        return graph.constant(f"l{number}.{name}", weight(name))

    at = f"l{number}"
    joined, biases = _projections(state, f"bert.encoder.layer.{number}.attention.self", heads)
    packed = graph.product(x, joined, f"{at}.qkv")
    packed = graph.node("Add", [packed, graph.constant(f"{at}.qkv.b", biases)], f"{at}.qkv.biased")
    names = [f"{at}.{part}" for part in ("query", "key", "value")]
    width = (len(biases) - heads) // 3
    sizes = graph.constant("qkv.parts", np.array([width, width, width + heads]))
    graph.nodes.append(
        helper.make_node("Split", [packed, sizes], names, name=f"{at}.split", axis=2)
    )
    query, key, value = names
    y = graph.attention(query, key, value, heads, f"{at}.attention")
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


def build(
    state: dict[str, Array], heads: int, kind: Kind = "rows", early: int = 0
) -> tuple[Any, ...]:
    """Return the classifier whose weights are `state`, as one `onnx.ModelProto` or two.

    Inputs: `pieces` int64 (posts, longest) and `mask` int32 of the same shape, 1 on real pieces.
    Output: `logits` float32 (posts, 3). With `early`, the first graph ends after so many layers;
    its logits are those of ``exit.weight`` and ``exit.bias``, and `states` (posts, longest, width)
    goes into the second, which has the other layers.
    """
    layers = len({key.split(".")[3] for key in state if key.startswith("bert.encoder.layer.")})
    end = early or layers
    graph = _Graph(kind, state["head.weight"].shape[1])
    x = _embedded(graph, state)
    graph.padding()
    for number in range(end):
        x = _layer(graph, state, x, number, heads)
    if not early:
        _judge(graph, x, state["head.weight"], state["head.bias"], "head")
        return (_model(graph, {"pieces": TensorProto.INT64}),)
    graph.node("Identity", [x], _STATES)
    _judge(graph, x, state["exit.weight"], state["exit.bias"], "exit")
    upper, x = _Graph(kind, graph.width), _STATES
    upper.padding()
    for number in range(end, layers):
        x = _layer(upper, state, x, number, heads)
    _judge(upper, x, state["head.weight"], state["head.bias"], "head")
    wide: list[str | int | None] = ["posts", "longest", graph.width]
    states = helper.make_tensor_value_info(_STATES, TensorProto.FLOAT, wide)
    return _model(graph, {"pieces": TensorProto.INT64}, [states]), _model(upper, {}, (), [states])


def _embedded(graph: _Graph, state: dict[str, Array]) -> str:
    prefix = "bert.embeddings."
    words = graph.table(state[prefix + "word_embeddings.weight"], "pieces", "words")
    places = state[prefix + "position_embeddings.weight"]
    places = places + state[prefix + "token_type_embeddings.weight"][:1]
    shape = graph.node("Shape", ["pieces"], "length", start=1)
    begin, axis = graph.constant("0", np.array([0])), graph.constant("axis0", np.array([0]))
    table = graph.constant("places", places.astype(np.float32))
    near = graph.node("Slice", [table, begin, shape, axis], "near")
    x = graph.node("Add", [words, near], "summed")
    weight = graph.constant("ln.w", state[prefix + "LayerNorm.weight"])
    bias = graph.constant("ln.b", state[prefix + "LayerNorm.bias"])
    return graph.node(
        "LayerNormalization", [x, weight, bias], "embedded", axis=-1, epsilon=_EPSILON
    )


def _judge(graph: _Graph, x: str, weights: Array, bias: Array, name: str) -> str:
    """Return the scores of a linear layer on the mean of `x` over real pieces."""
    last = graph.constant("axis2", np.array([2]))
    weight = graph.node("Cast", ["mask"], "mask.float", to=TensorProto.FLOAT)
    weight = graph.node("Unsqueeze", [weight, last], "mask.wide")
    x = graph.node("Mul", [x, weight], "kept")
    one = graph.constant("axis1", np.array([1]))
    total = graph.node("ReduceSum", [x, one], "total", keepdims=0)
    number_of = graph.node("ReduceSum", [weight, one], "number", keepdims=0)
    mean = graph.node("Div", [total, number_of], "mean")
    table = graph.constant(f"{name}.w", weights.T.copy())
    return graph.node("Gemm", [mean, table, graph.constant(f"{name}.b", bias)], "logits")


def _model(
    graph: _Graph, pieces: dict[str, int], outputs: Sequence[Any] = (), inputs: Sequence[Any] = ()
) -> Any:
    shape = ["posts", "longest"]
    integers = {**pieces, "mask": TensorProto.INT32}
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["posts", 3])
    body = helper.make_graph(
        graph.nodes,
        "marsad-sentiment",
        [
            *inputs,
            *(helper.make_tensor_value_info(name, kind, shape) for name, kind in integers.items()),
        ],
        [logits, *outputs],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in graph.weights.items()],
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_MS, 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=9, producer_name="marsad")


def run(finetuned: Path, target: Path, positions: int, kind: Kind = "rows", early: int = 0) -> None:
    """Write `target` (an .onnx file) from the folder that the fine-tuning wrote.

    `positions` is the longest post in pieces that the file will be asked about. With `early`, the
    file ends after so many layers and the others go into the file of `nlp.network.UPPER` beside it.
    """
    from nlp.training import exits, finetune

    model = finetune.load(finetuned)
    state = {name: value.float().numpy() for name, value in model.state_dict().items()}
    key = "bert.embeddings.position_embeddings.weight"
    state[key] = state[key][:positions]
    if early:
        leave = np.load(finetuned / exits.FILE.format(early))
        state |= {"exit.weight": leave["weight"], "exit.bias": leave["bias"]}
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_name(UPPER).unlink(missing_ok=True)
    graphs = build(state, model.bert.config.num_attention_heads, kind, early)
    for graph, path in zip(graphs, (target, target.with_name(UPPER)), strict=False):
        onnx.save(graph, str(path))
