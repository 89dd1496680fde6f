"""Step 2: keep only the pieces that our languages use.

96 of the 118 million parameters of e5-small are its vocabulary of 250,000 pieces for a hundred
languages. The pieces are counted over the training texts as the model reads them
(`nlp.model_input`), and the most frequent are kept with their scores, so that the smaller
tokenizer cuts a word as before wherever its pieces remain.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import BertModel

from nlp.model_input import prepare
from nlp.training import data as folder

SIZE = 26_000
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
_MASK = "<mask>"
_CHUNK = 4096


def count_pieces(tokenizer: Tokenizer, texts: Iterable[str]) -> Counter[int]:
    """Count how often each piece is used over `texts`."""
    counts: Counter[int] = Counter()
    stream = iter(texts)
    while chunk := [prepare(text) for text in islice(stream, _CHUNK)]:
        for encoding in tokenizer.encode_batch(chunk, add_special_tokens=False):
            counts.update(encoding.ids)
    return counts


def choose(vocabulary: list[list[Any]], counts: Counter[int], size: int) -> list[int]:
    """Return the ids to keep, in the old order: specials, used single characters, most used."""
    special = [index for index, (piece, _) in enumerate(vocabulary) if piece in _SPECIAL]
    single = [index for index in counts if len(vocabulary[index][0].lstrip("▁")) <= 1]
    kept = dict.fromkeys(special)
    kept.update(dict.fromkeys(index for index in single if counts[index] > 1))
    for index, _ in counts.most_common():
        if len(kept) >= size - 1:  # one more for the mask
            break
        kept.setdefault(index)
    return sorted(kept)


def trim(tokenizer: dict[str, Any], kept: list[int]) -> tuple[dict[str, Any], list[int]]:
    """Return the smaller tokenizer and, for each of its ids, the old id (mask last)."""
    vocabulary = tokenizer["model"]["vocab"]
    mask = next(index for index, (piece, _) in enumerate(vocabulary) if piece == _MASK)
    old = [index for index in kept if index != mask] + [mask]
    new = {index: place for place, index in enumerate(old)}
    small = json.loads(json.dumps(tokenizer))
    small["model"]["vocab"] = [vocabulary[index] for index in old]
    small["model"]["unk_id"] = new[tokenizer["model"]["unk_id"]]
    for token in small["added_tokens"]:
        token["id"] = new[token["id"]]
    for token in small["post_processor"].get("special_tokens", {}).values():
        token["ids"] = [new[index] for index in token["ids"]]
    return small, old


def run(base: Path, data: Path, target: Path, size: int = SIZE) -> None:
    """Write the trimmed `target`/tokenizer.json and `target`/bert from those in `base`."""
    full = json.loads((base / "tokenizer.json").read_text(encoding="utf-8"))
    full["truncation"] = full["padding"] = None
    counts = count_pieces(Tokenizer.from_str(json.dumps(full)), folder.all_texts(data))
    small, old = trim(full, choose(full["model"]["vocab"], counts, size))
    model: Any = BertModel.from_pretrained(base / "bert", add_pooling_layer=False)
    rows = model.embeddings.word_embeddings.weight.data[torch.tensor(old)]
    model.resize_token_embeddings(len(old))
    model.embeddings.word_embeddings.weight.data.copy_(rows)
    target.mkdir(parents=True, exist_ok=True)
    text = json.dumps(small, ensure_ascii=False, separators=(",", ":"))
    (target / "tokenizer.json").write_text(text, encoding="utf-8")
    model.save_pretrained(target / "bert")
    total, covered = sum(counts.values()), sum(counts[index] for index in old)
    print(f"vocabulary: {len(old)} pieces, {covered / total:.4%} of all uses", flush=True)
