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
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from nlp.network import UPPER
from nlp.training.graph import EPSILON, MERGED, MICROSOFT, Array, Graph, Kind

_OPSET = 17
_STATES = "states"


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


def _layer(graph: Graph, state: dict[str, Array], x: str, number: int, heads: int) -> str:
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
    z = graph.node("BiasGelu", [z, const("intermediate.dense.bias")], f"{at}.gelu", MICROSOFT)
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
    state: dict[str, Array], heads: int, kind: Kind = "rows", early: int = 0, merged: int = 0
) -> tuple[Any, ...]:
    """Return the classifier whose weights are `state`, as one `onnx.ModelProto` or two.

    Inputs: `pieces` int64 (posts, longest) and `mask` int32 of the same shape, 1 on real pieces.
    Output: `logits` float32 (posts, 3). With `early`, the first graph ends after so many layers;
    its logits are those of ``exit.weight`` and ``exit.bias``, and `states` (posts, longest, width)
    goes into the second, which has the other layers. With `merged`, pieces are merged in pairs
    after so many layers. Raises `ValueError` if both are asked for.
    """
    if early and merged:
        raise ValueError("a network that merges its pieces has no early exit")
    layers = len({key.split(".")[3] for key in state if key.startswith("bert.encoder.layer.")})
    end = early or layers
    graph = Graph(kind, state["head.weight"].shape[1])
    x = _embedded(graph, state)
    graph.begin()
    for number in range(end):
        if merged and number == merged:
            x = graph.in_pairs(x, f"{MERGED}{number}")
        x = _layer(graph, state, x, number, heads)
    if not early:
        _judge(graph, x, state["head.weight"], state["head.bias"], "head")
        return (_model(graph, {"pieces": TensorProto.INT64}),)
    graph.node("Identity", [x], _STATES)
    _judge(graph, x, state["exit.weight"], state["exit.bias"], "exit")
    upper, x = Graph(kind, graph.width), _STATES
    upper.begin()
    for number in range(end, layers):
        x = _layer(upper, state, x, number, heads)
    _judge(upper, x, state["head.weight"], state["head.bias"], "head")
    wide: list[str | int | None] = ["posts", "longest", graph.width]
    states = helper.make_tensor_value_info(_STATES, TensorProto.FLOAT, wide)
    return _model(graph, {"pieces": TensorProto.INT64}, [states]), _model(upper, {}, (), [states])


def _embedded(graph: Graph, state: dict[str, Array]) -> str:
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
    return graph.node("LayerNormalization", [x, weight, bias], "embedded", axis=-1, epsilon=EPSILON)


def _judge(graph: Graph, x: str, weights: Array, bias: Array, name: str) -> str:
    """Return the scores of a linear layer on the mean of `x` over real pieces."""
    weight = graph.sizes
    x = graph.node("Mul", [x, weight], "kept")
    one = graph.constant("axis1", np.array([1]))
    total = graph.node("ReduceSum", [x, one], "total", keepdims=0)
    number_of = graph.node("ReduceSum", [weight, one], "number", keepdims=0)
    mean = graph.node("Div", [total, number_of], "mean")
    table = graph.constant(f"{name}.w", weights.T.copy())
    return graph.node("Gemm", [mean, table, graph.constant(f"{name}.b", bias)], "logits")


def _model(
    graph: Graph, pieces: dict[str, int], outputs: Sequence[Any] = (), inputs: Sequence[Any] = ()
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
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=9, producer_name="marsad")


def run(finetuned: Path, target: Path, positions: int, kind: Kind = "rows", early: int = 0) -> None:
    """Write `target` (an .onnx file) from the folder that the fine-tuning wrote.

    `positions` is the longest post in pieces that the file will be asked about. With `early`, the
    file ends after so many layers and the others go into the file of `nlp.network.UPPER` beside it.
    """
    from nlp.training import encoder, exits, finetune

    model = finetune.load(finetuned)
    state = {name: value.float().numpy() for name, value in model.state_dict().items()}
    key = "bert.embeddings.position_embeddings.weight"
    state[key] = state[key][:positions]
    if early:
        leave = np.load(finetuned / exits.FILE.format(early))
        state |= {"exit.weight": leave["weight"], "exit.bias": leave["bias"]}
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_name(UPPER).unlink(missing_ok=True)
    graphs = build(
        state, model.bert.config.num_attention_heads, kind, early, encoder.merged_after(model.bert)
    )
    for graph, path in zip(graphs, (target, target.with_name(UPPER)), strict=False):
        onnx.save(graph, str(path))
