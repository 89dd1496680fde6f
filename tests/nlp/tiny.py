"""A tiny world for the training: a few words in four languages, a random BERT, a data folder."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

WORDS = {
    "fr": (("nul", "honte", "mauvais"), ("le", "réseau", "jeudi"), ("merci", "bravo", "super")),
    "ary-Latn": (("khayb", "hchouma"), ("daba", "lyoum", "chno"), ("zwin", "mezyan", "tbarkallah")),
    "ary": (("خايب", "حشومة"), ("دابا", "اليوم"), ("زوين", "مزيان")),
    "en": (("bad", "shame"), ("today", "network"), ("good", "great")),
}
GROUPS = (
    ("umsab_french", "fr", True),
    ("afrisenti_ary", "ary-Latn", True),
    ("afrisenti_ary", "ary", True),
    ("umsab_english", "en", True),
    ("myc_cleaned", "ary", False),
)
LABELS = ("negative", "neutral", "positive")


def _post(lang: str, label: int, rng: random.Random) -> str:
    words = WORDS[lang]
    chosen = rng.choices(words[label], k=2) + rng.choices(words[1], k=rng.randint(1, 4))
    rng.shuffle(chosen)
    return " ".join(chosen) + " " + rng.choice("abcdefgh") * rng.randint(0, 3)


def rows(count: int, seed: int) -> list[dict[str, str]]:
    rng = random.Random(seed)
    made = []
    for place in range(count):
        source, lang, neutral = GROUPS[place % len(GROUPS)]
        label = rng.randrange(3) if neutral else rng.choice((0, 2))
        text = _post(lang, label, rng)
        made.append(
            {"id": str(place), "text": text, "label": LABELS[label], "lang": lang, "source": source}
        )
    return made


def write_data(folder: Path) -> Path:
    (folder / "sentiment").mkdir(parents=True)
    (folder / "text").mkdir()
    for name, count, seed in (("train", 1500, 1), ("dev", 200, 2)):
        text = "".join(json.dumps(row) + "\n" for row in rows(count, seed))
        (folder / "sentiment" / f"{name}.jsonl").write_text(text, encoding="utf-8")
    lines = [{"text": row["text"], "lang": row["lang"], "source": "myc-raw"} for row in rows(60, 3)]
    with gzip.open(folder / "text" / "unlabelled.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    pair = {"latin": "daba zwin", "arabic": "دابا زوين", "source": "smartly-sentences"}
    with gzip.open(folder / "text" / "pairs.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(pair) + "\n")
    return folder


def tokenizer() -> Tokenizer:
    known = [f"▁{word}" for lang in WORDS.values() for words in lang for word in words]
    letters = sorted({letter for word in known for letter in word})
    unused = [f"▁unused{place}" for place in range(40)]
    specials = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    scored = [(piece, -3.0) for piece in known] + [(piece, -9.0) for piece in (*letters, *unused)]
    made = Tokenizer(models.Unigram([*specials, *scored, ("<mask>", 0.0)], unk_id=3))
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return made


def bert(pieces: int) -> Any:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=pieces,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=160,
        type_vocab_size=2,
        layer_norm_eps=1e-12,
        pad_token_id=1,
    )
    return BertModel(config, add_pooling_layer=False)


def write_base(folder: Path) -> None:
    folder.mkdir(parents=True)
    made = tokenizer()
    made.save(str(folder / "tokenizer.json"))
    bert(made.get_vocab_size()).save_pretrained(folder / "bert")


def write_own(path: Path) -> Path:
    """Invented posts of a case, in the form of its sample archive."""
    lines = [
        {"text": row["text"], "labels": {"language": row["lang"], "sentiment": row["label"]}}
        for row in rows(600, 7)
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return path
