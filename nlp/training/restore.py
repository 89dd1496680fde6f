"""Float weights out of a shipped ``sentiment.onnx``, to go on training from them.

Only the 8-bit graph is kept with the project; each weight comes back as its rounded value, at most
half a quantisation step from what was trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from transformers import BertConfig, BertModel

from nlp.network import UPPER
from nlp.training.encoder import PAD, Classifier

Array = npt.NDArray[Any]

_HEADS = 12
_PRODUCTS = {
    "attended": "attention.output.dense",
    "wide": "intermediate.dense",
    "narrow": "output.dense",
}
_KEPT = (
    "attention.output.dense.bias",
    "attention.output.LayerNorm.weight",
    "attention.output.LayerNorm.bias",
    "intermediate.dense.bias",
    "output.dense.bias",
    "output.LayerNorm.weight",
    "output.LayerNorm.bias",
)


def _part(packed: Array, place: int, width: int, heads: int) -> Array:
    """Return query, key or value out of their rows, without the column of ones of each head."""
    part = packed[place * width : None if place == 2 else (place + 1) * width]
    if len(part) > width:
        part = part.reshape(heads, -1, part.shape[1])[:, :-1].reshape(width, -1)
    return np.ascontiguousarray(part)


def weights_of(graphs: Sequence[Any], heads: int) -> dict[str, Array]:
    """Return the state of :class:`~nlp.training.encoder.Classifier` from `onnx.ModelProto`s.

    Raises `KeyError` for graphs that :mod:`nlp.training.compress` did not write.
    """
    stored = {
        one.name: numpy_helper.to_array(one) for graph in graphs for one in graph.graph.initializer
    }

    def product(name: str) -> Array:
        wide = stored[f"{name}.w"].astype(np.float32) * stored[f"{name}.s"]
        return np.ascontiguousarray(wide.T)

    places = stored["places"]
    width = places.shape[1]
    state: dict[str, Array] = {
        "bert.embeddings.word_embeddings.weight": stored["words.w"] * stored["words.s"],
        "bert.embeddings.position_embeddings.weight": places,
        "bert.embeddings.token_type_embeddings.weight": np.zeros((1, places.shape[1]), np.float32),
        "bert.embeddings.LayerNorm.weight": stored["ln.w"],
        "bert.embeddings.LayerNorm.bias": stored["ln.b"],
        "head.weight": np.ascontiguousarray(stored["head.w"].T),
        "head.bias": stored["head.b"],
    }
    layers = sum(name.endswith(".qkv.w") for name in stored)
    for layer in range(layers):
        here = f"bert.encoder.layer.{layer}."
        packed, biases = product(f"l{layer}.qkv"), stored[f"l{layer}.qkv.b"]
        for place, name in enumerate(("query", "key", "value")):
            state[f"{here}attention.self.{name}.weight"] = _part(packed, place, width, heads)
            state[f"{here}attention.self.{name}.bias"] = _part(
                biases[:, None], place, width, heads
            )[:, 0]
        for short, name in _PRODUCTS.items():
            state[f"{here}{name}.weight"] = product(f"l{layer}.{short}")
        for name in _KEPT:
            state[f"{here}{name}"] = stored[f"l{layer}.{name}"]
    return state


def restore(network: Path, heads: int = _HEADS) -> Classifier:
    """Return the classifier whose weights are those of the ONNX file `network`, or of its parts."""
    files = [path for path in (network, network.with_name(UPPER)) if path.exists()]
    state = weights_of([onnx.load(str(path)) for path in files], heads)
    words = state["bert.embeddings.word_embeddings.weight"]
    layers = {key.split(".")[3] for key in state if key.startswith("bert.encoder.layer.")}
    configuration = BertConfig(
        vocab_size=len(words),
        hidden_size=words.shape[1],
        num_hidden_layers=len(layers),
        num_attention_heads=heads,
        intermediate_size=len(state["bert.encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=len(state["bert.embeddings.position_embeddings.weight"]),
        type_vocab_size=1,
        layer_norm_eps=1e-12,
        pad_token_id=PAD,
    )
    bert: Any = BertModel(configuration, add_pooling_layer=False)
    model = Classifier(bert)
    tensors = {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
    outcome = model.load_state_dict(tensors, strict=False)
    missing = [key for key in outcome.missing_keys if "position_ids" not in key]
    if missing or outcome.unexpected_keys:
        raise RuntimeError(f"missing {missing}, unexpected {outcome.unexpected_keys}")
    return model
