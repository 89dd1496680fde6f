from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp import batching, linear, model_input, sentiment
from nlp.checkpoint import Checkpoint, label_map
from nlp.errors import ModelError
from nlp.linear import FOLDER, LinearModel
from nlp.onnx_model import OnnxModel, script
from nlp.training import compress, finetune, package, read_posts
from nlp.training.encoder import Classifier
from tests.nlp import tiny

ODD = [
    "",
    " ",
    "a" * 100_000,
    "😡" * 3000,
    "\ud800",
    "x\udfffy",
    "\0",
    "\0\0\u202e\u200f",
    "[url]",
    "@someone https://example.org",
    "\u200f0123 ٠١٢٣ ۰۱۲۳",
    "لا" * 50_000,
    "\n\t\r",
    "🇲🇦👩‍👩‍👧❤️",
]
POSTS = [
    "réseau nul",
    "daba zwin mezyan bravo",
    "خايب اليوم",
    "good",
    "le le le le jeudi honte nul",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with random weights, in the shipped format."""
    root = tmp_path_factory.mktemp("model")
    tokenizer = tiny.tokenizer()
    tokenizer.save(str(root / "tokenizer.json"))
    finetune.save(Classifier(tiny.bert(tokenizer.get_vocab_size())), root / "torch")
    compress.run(root / "torch", root / "sentiment.onnx", 64)
    package.write(root, root / "sentiment.onnx", root / "tokenizer.json", 64)
    return root


@pytest.fixture(scope="module")
def model(folder: Path) -> sentiment.SentimentModel:
    return sentiment.load(str(folder), threads=1)


def check(rows: sentiment.Floats, count: int) -> None:
    assert rows.shape == (count, 3)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    assert (rows >= 0).all()
    assert np.abs(rows.sum(1) - 1).max(initial=0) < 1e-5


def test_odd_texts_get_probabilities(model: sentiment.SentimentModel) -> None:
    check(model.predict(ODD), len(ODD))
    for text in ODD:
        check(model.predict([text]), 1)


def test_no_texts_are_no_rows(model: sentiment.SentimentModel) -> None:
    check(model.predict([]), 0)


@settings(max_examples=60)
@given(texts=st.lists(st.text(alphabet=st.characters(), max_size=60), max_size=6))
def test_any_texts_get_probabilities(model: sentiment.SentimentModel, texts: list[str]) -> None:
    check(model.predict(texts), len(texts))


def test_a_text_does_not_depend_on_its_neighbours(model: sentiment.SentimentModel) -> None:
    texts = [*POSTS, *ODD] * 3
    together = model.predict(texts)
    alone = np.concatenate([model.predict([text]) for text in texts])
    assert np.abs(together - alone).max() < 1e-3
    assert np.abs(together[::-1] - model.predict(texts[::-1])).max() < 1e-3


def test_a_text_does_not_depend_on_threads(folder: Path, model: sentiment.SentimentModel) -> None:
    other = sentiment.load(str(folder), threads=2)
    assert np.abs(other.predict(POSTS) - model.predict(POSTS)).max() < 1e-3
    assert other.version == model.version


def test_copies_are_scored_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, scored = OnnxModel(folder), []
    score = model._network.logits
    monkeypatch.setattr(model._network, "logits", lambda ids: scored.extend(ids) or score(ids))
    rows = model.predict(["réseau nul", "good", "Réseau  nul", "good"] * 50)
    assert len(scored) == 2
    assert (rows[0] == rows[2]).all()


def test_free_weights__name_no_source_for_non_commercial_use(folder: Path, tmp_path: Path) -> None:
    network, tokenizer = folder / "sentiment.onnx", folder / "tokenizer.json"
    package.write(tmp_path, network, tokenizer, 64, licence="free")
    facts = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert facts["licence"] == "CC BY-SA 4.0"
    assert "NC" not in json.dumps(list(facts["sources"].values()))
    named = re.findall(r"[\w-]+", " ".join(facts["sources"]))
    assert [one for one in named if one.startswith(read_posts.NON_COMMERCIAL)] == []
    assert {name for name in package.SOURCES if name not in facts["sources"]} >= {"twifil"}
    assert "narabizi" in facts["sources"]


@pytest.fixture(scope="module")
def joint(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network beside the shipped linear model, which may decide by itself from 0.6 on."""
    root = tmp_path_factory.mktemp("joint")
    shutil.copyfile(FOLDER / "linear.npz", root / "linear.npz")
    names = ("arabic", "latin")
    package.write(
        root,
        folder / "sentiment.onnx",
        folder / "tokenizer.json",
        64,
        LinearModel(root / "linear.npz").version,
        {name: {"scale": [1.0] * 3, "shift": [0.0] * 3, "linear": 0.5} for name in names},
        alone={
            "limit": 0.6,
            "calibration": {name: {"scale": [1.0] * 3, "shift": [0.1, 0.0, 0.0]} for name in names},
        },
    )
    return root


def test_the_network_is_not_asked__where_the_linear_model_is_sure(
    joint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, asked = OnnxModel(joint), []
    score = model._network.logits
    monkeypatch.setattr(model._network, "logits", lambda ids: asked.extend(ids) or score(ids))
    logs = np.log(linear.load().predict(POSTS).astype(float)) + np.array([0.1, 0.0, 0.0])
    alone = batching.softmax(logs)
    sure = alone.max(1) >= 0.6
    assert 0 < sure.sum() < len(POSTS), "both cases stand in the posts"
    rows = model.predict(POSTS)
    check(rows, len(POSTS))
    assert len(asked) == (~sure).sum()
    assert np.abs(rows[sure] - alone[sure]).max() < 1e-6
    each = np.concatenate([model.predict([text]) for text in POSTS])
    assert np.abs(each - rows).max() < 1e-3
    assert model.predict([]).shape == (0, 3)


def test_a_model_has_another_name__if_the_linear_model_decides_elsewhere(joint: Path) -> None:
    facts = json.loads((joint / "model.json").read_text("utf-8"))
    files = (joint / "sentiment.onnx", joint / "tokenizer.json")
    rest = (facts["calibration"], facts["linear"])
    assert package.version_of(*files, *rest, facts["alone"]) == facts["version"]
    assert package.version_of(*files, *rest, {**facts["alone"], "limit": 0.7}) != facts["version"]
    early = {"limit": 0.7, "calibration": {}}
    assert package.version_of(*files, *rest, facts["alone"], early) != facts["version"]


def test_a_copied_model__leaves_no_part_of_another_one(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "sentiment-upper.onnx").write_bytes(b"of another network")
    package.copy(folder, tmp_path)
    assert not (tmp_path / "sentiment-upper.onnx").exists()
    assert (OnnxModel(tmp_path).predict(POSTS) == OnnxModel(folder).predict(POSTS)).all()


def test_a_post_with_nothing_to_read_is_neutral(model: sentiment.SentimentModel) -> None:
    rows = model.predict(["", "[url]", "@a @b http://c.d", "\u200f"])
    assert (rows.argmax(1) == 1).all()
    assert (rows == rows[0]).all()


def test_broken_folders_are_refused_at_once(folder: Path, tmp_path: Path) -> None:
    facts = json.loads((folder / "model.json").read_text("utf-8"))
    with pytest.raises(ModelError, match="reinstall"):
        OnnxModel(tmp_path)
    for name in ("sentiment.onnx", "tokenizer.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "model.json").write_text(json.dumps({**facts, "input": 0}))
    with pytest.raises(ModelError, match="train it again"):
        OnnxModel(tmp_path)
    (tmp_path / "model.json").write_text(json.dumps(facts))
    (tmp_path / "sentiment.onnx").write_bytes(b"not a network")
    with pytest.raises(ModelError, match="cannot be read"):
        OnnxModel(tmp_path)


def test_threads_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARSAD_THREADS", "3")
    assert sentiment.thread_count() == 3
    monkeypatch.setenv("MARSAD_THREADS", "many")
    with pytest.raises(ModelError, match="MARSAD_THREADS"):
        sentiment.thread_count()


def test_the_default_needs_neither_torch_nor_transformers(folder: Path) -> None:
    code = (
        "import sys; from nlp import sentiment; "
        f"sentiment.load({str(folder)!r}).predict(['daba']); "
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


@pytest.mark.skipif(
    not any((sentiment.SHIPPED / name).is_file() for name in ("sentiment.onnx", "linear.npz")),
    reason="no model is shipped yet",
)
def test_the_shipped_model_copes_with_odd_texts() -> None:
    model = sentiment.load(threads=1)
    check(model.predict(ODD), len(ODD))
    together, alone = model.predict(POSTS), [model.predict([text])[0] for text in POSTS]
    assert np.abs(together - np.stack(alone)).max() < 1e-3


@pytest.mark.parametrize(
    ("names", "ours"),
    [
        (["NEG", "NEU", "POS"], [0, 1, 2]),
        (["positive", "negative", "neutral"], [2, 0, 1]),
        (["LABEL_0", "LABEL_1", "LABEL_2"], [0, 1, 2]),
        (["LABEL_0", "LABEL_1"], [0, 2]),
        (["1 star", "2 stars", "3 stars", "4 stars", "5 stars"], [0, 0, 1, 2, 2]),
        (["Very Negative", "Negative", "Neutral", "Positive", "Very Positive"], [0, 0, 1, 2, 2]),
        (["négatif", "neutre", "positif"], [0, 1, 2]),
        (["-1", "neutral", "+1"], [0, 1, 2]),
    ],
)
def test_foreign_labels_are_mapped(names: list[str], ours: list[int]) -> None:
    assert label_map(names).argmax(1).tolist() == ours


@pytest.mark.parametrize(
    "names",
    [["joy", "anger"], ["LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3"], ["neutral", "positive"]],
)
def test_foreign_labels_that_say_nothing_are_refused(names: list[str]) -> None:
    with pytest.raises(ModelError):
        label_map(names)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Hugging Face classifier whose labels stand in another order than ours."""
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    root = tmp_path_factory.mktemp("checkpoint")
    tokenizer = tiny.tokenizer()
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        id2label={0: "positive", 1: "negative", 2: "neutral"},
        label2id={"positive": 0, "negative": 1, "neutral": 2},
    )
    network = BertForSequenceClassification(config)
    network.classifier.bias.data = (
        network.classifier.bias.data + network.classifier.bias.new_tensor([9.0, 0.0, 0.0])
    )
    network.save_pretrained(root)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token="<mask>",
    ).save_pretrained(root)
    return root


def test_any_checkpoint_runs_with_its_labels_mapped(checkpoint: Path) -> None:
    model = sentiment.load(str(checkpoint), threads=1)
    texts = [*POSTS, *ODD]
    rows = model.predict(texts)
    check(rows, len(texts))
    assert (rows.argmax(1) == 2).all()
    alone = np.concatenate([model.predict([text]) for text in texts])
    assert np.abs(rows - alone).max() < 1e-3
    assert model.version.startswith(checkpoint.name)
    assert sentiment.load(str(checkpoint), threads=1).version == model.version


def test_wrong_checkpoints_are_refused_at_once(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        sentiment.load(str(tmp_path / "nowhere"))
    assert not logging.getLogger("huggingface_hub").isEnabledFor(logging.WARNING)
    for file in checkpoint.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config["id2label"] = {"0": "joy", "1": "anger", "2": "fear"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="joy"):
        sentiment.load(str(tmp_path))


def _reader_of_the_last_piece(root: Path) -> str:
    """Write a tiny network that reads a text's mood from its last piece and knows no padding."""
    from transformers import GPT2Config, GPT2ForSequenceClassification, PreTrainedTokenizerFast

    torch.manual_seed(0)
    labels = {0: "negative", 1: "neutral", 2: "positive"}
    config = GPT2Config(
        vocab_size=tiny.tokenizer().get_vocab_size(),
        n_embd=32,
        n_layer=1,
        n_head=2,
        id2label=labels,
        label2id={name: place for place, name in labels.items()},
        bos_token_id=0,
        eos_token_id=2,
    )
    GPT2ForSequenceClassification(config).save_pretrained(root)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tiny.tokenizer(), bos_token="<s>", eos_token="</s>"
    )
    tokenizer.save_pretrained(root)
    return str(root)


def test_a_checkpoint_without_a_piece_for_padding_scores_posts_of_any_length(
    tmp_path: Path,
) -> None:
    model = sentiment.load(_reader_of_the_last_piece(tmp_path), threads=1)
    texts = [*POSTS, *ODD]
    rows = model.predict(texts)
    check(rows, len(texts))
    alone = np.concatenate([model.predict([text]) for text in texts])
    assert np.abs(rows - alone).max() < 1e-3


def test_a_checkpoint_that_scores_otherwise_in_company_is_refused_at_once(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = Checkpoint._score_ids

    def crowded(self: Checkpoint, ids: list[list[int]]) -> sentiment.Floats:
        return np.roll(score(self, ids), 1, axis=1) if len(ids) > 1 else score(self, ids)

    monkeypatch.setattr(Checkpoint, "_score_ids", crowded)
    with pytest.raises(ModelError, match="otherwise beside a longer one"):
        sentiment.load(str(checkpoint))

    def broken(self: Checkpoint, ids: list[list[int]]) -> sentiment.Floats:
        if len(ids) > 1:
            raise MemoryError
        return score(self, ids)

    monkeypatch.setattr(Checkpoint, "_score_ids", broken)
    with pytest.raises(ModelError, match=r"cannot score posts \(MemoryError\)"):
        sentiment.load(str(checkpoint))


def test_an_encoder_without_a_trained_head_is_refused(tmp_path: Path, checkpoint: Path) -> None:
    for file in checkpoint.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    from transformers import BertConfig

    config = BertConfig.from_pretrained(checkpoint)
    bert = tiny.bert(config.vocab_size)
    bert.config.id2label = config.id2label
    bert.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"no finished classifier|cannot be loaded"):
        sentiment.load(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Le RÉSEAU est NUL", "le réseau est nul"),
        ("looooool !!!!", "lool !!"),
        ("[user] [user] voir [url]", "@ voir http"),
        ("@inwi @maroc_telecom ok", "@ ok"),
        ("#bloquer_voip", "bloquer voip"),
        ("إنوي أحسن آش", "انوي احسن اش"),
        ("مُحَمَّد كـــبير", "محمد كبير"),
        ("a\u200fb\0c\ud800", "ab c"),
        ("l\u2019app", "l'app"),
    ],
)
def test_posts_are_prepared_for_the_model(text: str, read: str) -> None:
    assert model_input.prepare(text) == read


@given(st.text(alphabet=st.characters(), max_size=80))
def test_preparing_twice_changes_nothing_that_matters(text: str) -> None:
    once = model_input.prepare(text)
    once.encode()
    assert "\n" not in once
    assert len(once) <= model_input.MAX_CHARACTERS * 3


def test_the_script_is_that_of_most_letters() -> None:
    assert script("عليكم ok") == "arabic"
    assert script("3likom هاد safi") == "latin"
    assert script("😡 123") == "latin"
