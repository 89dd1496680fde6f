from __future__ import annotations

import gzip
import json
import random
import shutil
import struct
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from nlp import batching, model_input, sentiment
from nlp.onnx_model import Early, OnnxModel
from nlp.training import (
    augment,
    base,
    calibrate,
    compress,
    data,
    device,
    evaluate,
    finetune,
    loop,
    measures,
    moods,
    restore,
    steps,
    transliterate,
    votes,
)
from nlp.training.__main__ import main
from nlp.training.duplicates import Near
from nlp.training.encoder import Classifier, pad
from tests.nlp import tiny


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole training on a tiny scale, once for all tests of this module."""
    folder = tmp_path_factory.mktemp("training")
    tiny.write_data(folder / "data")
    tiny.write_base(folder / "work" / "base")
    steps.run(
        steps.Settings(
            folder / "data",
            folder / "work",
            pieces=40,
            pretraining=loop.Plan(12, 1e-3),
            finetuning=loop.Plan(150, 4e-3),
            layers=2,
            threads=1,
            own=tiny.write_own(folder / "training.ndjson"),
        )
    )
    return folder / "work"


def test_the_finished_model_has_learned_its_words(work: Path) -> None:
    model = sentiment.load(str(work / "candidate"), threads=1)
    guess = model.predict(["réseau nul honte", "daba zwin mezyan", "اليوم دابا", "good great"])
    assert [sentiment.LABELS[place] for place in guess.argmax(1)] == [
        "negative",
        "positive",
        "neutral",
        "positive",
    ]


def test_the_vocabulary_is_trimmed_and_the_layers_cut(work: Path) -> None:
    pieces = json.loads((work / "vocabulary" / "tokenizer.json").read_text("utf-8"))
    assert len(pieces["model"]["vocab"]) == 40
    assert pieces["model"]["vocab"][-1][0] == "<mask>"
    assert finetune.load(work / "finetune").bert.config.num_hidden_layers == 2


def test_a_second_round_begins_with_the_weights_of_the_first(work: Path, tmp_path: Path) -> None:
    finetune.run(
        work / "vocabulary" / "bert",
        work / "vocabulary" / "tokenizer.json",
        work.parent / "data",
        tmp_path,
        loop.Plan(1, rate=0.0),
        layers=2,
        start=work / "finetune",
    )
    before, after = (finetune.load(folder).state_dict() for folder in (work / "finetune", tmp_path))
    assert all(torch.equal(before[name], after[name]) for name in before)


def take_linear(work: Path, folder: Path) -> None:
    """Take the linear model of another training: steps whose result is there are left out."""
    (folder / "candidate").mkdir()
    shutil.copy(work / "candidate" / "linear.npz", folder / "candidate")


@pytest.fixture(scope="module")
def voted(work: Path) -> votes.Votes:
    """What the tiny model says of its own training posts, and of those without a label."""
    own = work.parent / "training.ndjson"
    return votes.ask(work / "candidate", work.parent / "data", work / "votes", 1, own)


def test_an_earlier_model_votes_on_all_posts_to_train_on(work: Path, voted: votes.Votes) -> None:
    folder, own = work.parent / "data", work.parent / "training.ndjson"
    texts = [row.text for row in data.labelled(folder, "train", own)]
    texts += [text for text, _ in data.without_label(folder)]
    wanted = sentiment.load(str(work / "candidate"), threads=1).predict(texts)
    assert np.allclose([voted[text] for text in texts], wanted, atol=2e-3)
    parts = sorted((work / "votes").iterdir())
    votes.ask(work / "candidate", folder, work / "votes", 1, own)
    assert sorted((work / "votes").iterdir()) == parts, "asked again"


def test_a_vote_counts_beside_the_label_and_alone_without_one(
    work: Path, voted: votes.Votes
) -> None:
    (row,) = [row for row in votes.rows(work.parent / "data", voted) if row.lang == "fr"][:1]
    assert np.allclose(finetune.wanted(row, voted), voted[row.text])
    labelled = data.Row(row.text, 0, "fr", "umsab_french")
    assert np.allclose(finetune.wanted(labelled, voted), (voted[row.text] + [1, 0, 0]) / 2)
    silent = finetune.wanted(data.Row(row.text, 0, "ary", "myc_cleaned"), voted)
    assert silent[1] == 0
    assert silent.sum() == pytest.approx(1)


def test_posts_that_are_held_out_get_no_vote(tmp_path: Path) -> None:
    folder = tiny.write_data(tmp_path)
    held_out = [row.text for row in data.labelled(folder, "check")][:20]
    lines = [{"text": text, "lang": "fr", "source": "myc-raw"} for text in [*held_out, "autre"]]
    with gzip.open(folder / "text" / "unlabelled.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    assert data.without_label(folder) == [("autre", "fr")]


def test_posts_for_non_commercial_use_get_no_vote_where_weights_are_free(tmp_path: Path) -> None:
    folder = tiny.write_data(tmp_path)
    sources = {"un": "myc-raw", "deux": "twifil-train", "trois": "smartly-domain"}
    lines = [{"text": text, "lang": "fr", "source": source} for text, source in sources.items()]
    with gzip.open(folder / "text" / "unlabelled.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    assert {text for text, _ in data.without_label(folder)} >= {"un", "trois"}
    assert data.without_label(folder, "free") == [("un", "fr")]


def test_a_training_with_a_teacher_asks_it_first(work: Path, tmp_path: Path) -> None:
    for name in ("base", "vocabulary"):
        shutil.copytree(work / name, tmp_path / name)
    take_linear(work, tmp_path)
    settings = steps.Settings(
        work.parent / "data",
        tmp_path,
        pieces=40,
        finetuning=loop.Plan(40, 4e-3),
        layers=2,
        threads=1,
        start=work / "finetune",
        teacher=work / "candidate",
    )
    model = sentiment.load(str(steps.run(settings)), threads=1)
    assert len(votes.Votes(tmp_path / "votes")) > 1000
    assert model.predict(["réseau nul honte"]).argmax() == 0


def test_the_mean_of_trainings_is_the_mean_of_their_weights(work: Path, tmp_path: Path) -> None:
    model = finetune.load(work / "finetune")
    one = {name: value.clone() for name, value in model.state_dict().items()}
    other = {name: value + 1 for name, value in one.items()}
    model.load_state_dict(other)
    finetune.save(model, tmp_path / "other")
    finetune.average(work / "finetune", [tmp_path / "other"], tmp_path / "mean", share=0.25)
    mean = finetune.load(tmp_path / "mean").state_dict()
    assert all(torch.allclose(mean[name], one[name] + 0.75) for name in one)
    finetune.average(work / "finetune", [tmp_path / "other"], tmp_path / "mean")
    mean = finetune.load(tmp_path / "mean").state_dict()
    assert all(torch.allclose(mean[name], one[name] + 0.5) for name in one)


def test_the_mean_of_trainings_may_hold_a_finished_model(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetune.restore, "restore", partial(restore.restore, heads=2))
    shipped = finetune.load(work / "candidate").state_dict()
    model = finetune.load(work / "candidate")
    model.load_state_dict({name: value + 1 for name, value in shipped.items()})
    finetune.save(model, tmp_path / "tuned")
    finetune.average(tmp_path / "tuned", [work / "candidate"], tmp_path / "mean")
    mean = finetune.load(tmp_path / "mean").state_dict()
    assert all(torch.allclose(mean[name], shipped[name] + 0.5) for name in shipped)


def test_model_json_names_what_a_researcher_asks_for(work: Path) -> None:
    facts = json.loads((work / "candidate" / "model.json").read_text("utf-8"))
    assert facts["labels"] == list(sentiment.LABELS)
    assert facts["licence"] == "CC BY-NC-SA 4.0"
    assert facts["sources"]["afrisenti_ary, afrisenti_arq"] == "CC BY-NC-SA 4.0"
    assert set(facts["errors"]["sentiment"]["script"]) == {"arabic", "latin"}
    assert facts["errors"]["model"] == facts["version"]
    table = facts["errors"]["sentiment"]["language"]["fr"]
    assert np.sum(table["confusion"]) == table["posts"]


def test_invented_posts_are_trained_on_and_have_no_say_in_the_error_tables(work: Path) -> None:
    own = work.parent / "training.ndjson"
    without, beside = (data.labelled(work.parent / "data", "train", one) for one in (None, own))
    added = [row for row in beside if row.source == data.OWN]
    assert len(beside) - len(without) == len(added) > 400
    facts = json.loads((work / "candidate" / "model.json").read_text("utf-8"))
    people = [row for part in ("dev", "check") for row in data.labelled(work.parent / "data", part)]
    tables = facts["errors"]["sentiment"]["script"]
    assert sum(one["posts"] for one in tables.values()) == sum(
        row.source not in data.WITHOUT_NEUTRAL for row in people
    )


def test_a_second_run_does_nothing_and_prints_the_report(work: Path) -> None:
    before = (work / "finetune" / "model.pt").stat().st_mtime_ns
    result = CliRunner().invoke(
        main, ["--data", str(work.parent / "data"), "--work", str(work), "--threads", "1"]
    )
    assert result.exit_code == 0, result.output
    assert "| language | ary-Latn |" in result.output
    assert (work / "finetune" / "model.pt").stat().st_mtime_ns == before


def test_the_quantised_network_agrees_with_torch(work: Path) -> None:
    model = finetune.load(work / "finetune")
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    ids = [[0, 5, 6, 7, 2], [0, 9, 2], [0, *range(4, 40), 2]]
    with torch.inference_mode():
        wanted = model(*pad(ids)).numpy()
    import onnxruntime

    for kind, tolerance in (("float", 0.05), ("rows", 0.3)):
        (graph,) = compress.build(state, 2, kind)  # type: ignore[arg-type]
        content = graph.SerializeToString()
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        pieces, mask = pad(ids)
        feeds = {"pieces": pieces.numpy(), "mask": mask.numpy().astype(np.int32)}
        (found,) = session.run(None, feeds)
        assert np.abs(found - wanted).max() < tolerance, kind


def test_training_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    seen: list[int] = []

    def batches(step: int):  # type: ignore[no-untyped-def]
        yield from range(step, 10)

    def train(model: torch.nn.Linear, stop: int | None) -> None:
        def loss_of(number: int) -> torch.Tensor:
            if number == stop:
                raise KeyboardInterrupt
            seen.append(number)
            loss: torch.Tensor = (model(torch.full((1, 2), float(number))) ** 2).mean()
            return loss

        loop.train(model, batches, loss_of, loop.Plan(10, 0.01), tmp_path / "c.pt")

    torch.manual_seed(0)
    model = torch.nn.Linear(2, 1)
    start = {name: value.clone() for name, value in model.state_dict().items()}
    train(model, None)
    whole = model.weight.detach().clone()

    (tmp_path / "c.pt").unlink()
    model.load_state_dict(start)
    saves = loop._SAVE_EVERY
    try:
        loop._SAVE_EVERY = 0.0
        with pytest.raises(KeyboardInterrupt):
            train(model, 6)
    finally:
        loop._SAVE_EVERY = saves
    again = torch.nn.Linear(2, 1)
    train(again, None)
    assert seen == [*range(10), *range(6), *range(6, 10)]
    assert torch.allclose(again.weight, whole)


def test_a_time_budget_ends_the_training(tmp_path: Path) -> None:
    model = torch.nn.Linear(1, 1)
    steps_done = 0

    def loss_of(_: int) -> torch.Tensor:
        nonlocal steps_done
        steps_done += 1
        loss: torch.Tensor = model(torch.ones(1, 1)).sum()
        return loss

    plan = loop.Plan(10**9, 0.01, seconds=0.05)
    loop.train(model, lambda step: iter(range(step, 10**9)), loss_of, plan, tmp_path / "c.pt")
    assert 0 < steps_done < 10**6


def test_the_rate_rises_and_falls() -> None:
    rates = [loop.rate_at(share / 100) for share in range(101)]
    assert rates[0] == rates[-1] == 0
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) == 5


def test_neutral_is_not_taught_away_by_sets_without_it() -> None:
    logits = torch.tensor([[0.0, 5.0, 0.0]], requires_grad=True)
    weights, positive = torch.ones(1), torch.tensor([[0.0, 0.0, 1.0]])
    finetune.loss(logits, positive, weights, torch.tensor([True])).backward()
    assert logits.grad is not None
    assert logits.grad[0, 1] == 0
    assert logits.grad[0, 2] < 0


def test_classes_of_a_group_weigh_the_same() -> None:
    rows = [data.Row("x", 0, "fr", "s")] * 10 + [data.Row("x", 1, "fr", "s")] * 20
    weights = finetune.class_weights(rows)["s/fr"]
    assert weights[0] * 10 == pytest.approx(weights[1] * 20)
    assert weights[2] == 0


def test_groups_are_drawn_by_quota_and_repeatably(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "GROUPS", {"a/fr": 30, "b/fr": 10})
    rows = [data.Row("x", 0, "fr", "a")] * 5 + [data.Row("x", 0, "fr", "b")] * 100
    order = finetune.draw(rows, 80, seed=3)
    assert order == finetune.draw(rows, 80, seed=3)
    assert Counter(rows[place].source for place in order) == {"a": 60, "b": 20}
    assert set(Counter(place for place in order if place < 5).values()) == {12}


def test_batches_from_a_step_are_the_batches_of_the_whole(tmp_path: Path) -> None:
    tiny.write_base(tmp_path / "base")
    tokenizer = finetune.load_tokenizer(tmp_path / "base" / "tokenizer.json", 16)
    rows = [
        data.Row(one["text"], data.LABELS.index(one["label"]), one["lang"], one["source"])
        for one in tiny.rows(300, 5)
    ]
    spellings = transliterate.Spellings([("zwin", "زوين"), ("zwine", "زوين")])
    rows += transliterate.candidates(rows, spellings)
    batches = finetune.Batches(rows, tokenizer, 60, 4, 1, spellings)
    whole, rest = list(batches(0)), list(batches(43))
    assert len(whole) == 60
    for one, other in zip(whole[43:], rest, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_copies_of_a_text_stay_on_one_side() -> None:
    rows = [data.Row(text, 0, "fr", "umsab_french") for text in ("Le  Réseau", "le réseau")]
    assert data.split_of(rows[0]) == data.split_of(rows[1])
    posts = [data.Row(f"post {number}", 0, "fr", "umsab_french") for number in range(2000)]
    counts = Counter(map(data.split_of, posts))
    assert 0.84 < counts["train"] / 2000 < 0.92
    assert counts["calibrate"] > counts["check"] > 0


def test_respelling_changes_latin_words_only() -> None:
    rng = random.Random(0)
    text = "3lach hchouma عليكم @user1 ok"
    changed = {augment.respell(text, rng, share=1.0) for _ in range(50)}
    assert len(changed) > 10
    assert all("عليكم" in one and one.endswith(" ok") for one in changed)


def test_emoji_are_dropped_unless_there_is_nothing_else() -> None:
    assert augment.drop_emoji("bravo 😍👏").strip() == "bravo"
    assert augment.drop_emoji("😡😡") == "😡😡"


def test_four_bit_weights_are_expanded() -> None:
    nibbles = bytes(range(16))  # low nibble = place, high nibble = 0
    values = base.dequantise(np.float16(0.5).tobytes() + nibbles, 32)
    assert values[:16].tolist() == [(place - 8) * 0.5 for place in range(16)]
    assert values[16:].tolist() == [-4.0] * 16


def test_a_foreign_weight_file_is_refused() -> None:
    with pytest.raises(ValueError, match="E5S1"):
        base.read_weights(b"GGUF" + struct.pack("<20i", *range(20)))


def test_report__groups_posts_by_length_and_confidence_with_intervals() -> None:
    rows = [data.Row("un " * (3 if place < 40 else 20), 0, "fr", "s") for place in range(80)]
    chances = np.tile(np.array([[0.95, 0.03, 0.02], [0.3, 0.45, 0.25]], np.float32), (40, 1))
    found = evaluate.report(rows, chances)
    assert {name: one["posts"] for name, one in found["length"].items()} == {
        "0-5 words": 40,
        "16-30 words": 40,
    }
    assert {name: one["accuracy"] for name, one in found["confidence"].items()} == {
        "0.0-0.5": 0.0,
        "from 0.9": 1.0,
    }
    low, high = found["all"]["all"]["macro_f1_95"]
    assert low < found["all"]["all"]["macro_f1"] < high
    assert "| length | 0-5 words | 40 |" in evaluate.lines(found)


def test_calibration_finds_the_temperature() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=(4000, 3)) * 1.5
    chances = batching.softmax(true)
    gold = np.array([rng.choice(3, p=row / row.sum()) for row in chances.astype(float)])
    logits = true * 3 + np.array([1.0, 0.0, -1.0])
    scale, shift, _ = calibrate.fit(logits, gold, np.ones(len(gold)), doubt=0.0)
    error = measures.calibration_error(batching.softmax(logits * scale + shift), gold)
    assert error < 0.03 < measures.calibration_error(batching.softmax(logits), gold)


def test_calibration_learns_whom_to_believe() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 3, 600)
    noise, truth = rng.normal(size=(600, 3)), 2 * np.eye(3)[gold] + rng.normal(size=(600, 3))
    scale, _, share = calibrate.fit(noise, gold, np.ones(600), truth)
    assert abs(scale).max() < 0.5
    assert share > 1


def test_calibration__is_less_sure_where_labels_are_doubted() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3)) * 1.5
    chances = batching.softmax(logits).astype(float)
    gold = np.array([rng.choice(3, p=row / row.sum()) for row in chances])
    sure, doubting = (
        calibrate.fit(logits, gold, np.ones(len(gold)), doubt=doubt).scale for doubt in (0.0, 0.1)
    )
    assert (doubting < sure).all()


def test_calibration__judges_a_post_without_its_own_label() -> None:
    rng = np.random.default_rng(0)
    rows = [data.Row(f"post {place}", place % 3, "fr", "umsab_french") for place in range(90)]
    logits = rng.normal(size=(90, 3))
    zeros = np.zeros((90, 3))
    judged = calibrate.crossed(rows, calibrate.Scores(logits, zeros))
    assert np.allclose(judged.sum(1), 1, atol=1e-6)
    other = [*rows[1:], data.Row(rows[0].text, 2, "fr", "umsab_french")]
    moved = calibrate.crossed(other, calibrate.Scores(logits[[*range(1, 90), 0]], zeros))
    assert np.allclose(moved[-1], judged[0], atol=1e-6), "its label had a say"
    assert not np.allclose(moved[:-1], judged[1:], atol=1e-6), "no label had a say"


def test_calibration__gives_the_linear_model_the_say_that_was_chosen() -> None:
    table = {"ary-Latn": {"scale": [1.0] * 3, "shift": [0.5, 0.0, -0.5], "linear": 0.4}}
    more, less = calibrate.TRUST["ary-Latn"]
    assert calibrate.trusted(table)["ary-Latn"] == {
        "scale": [less] * 3, "shift": [0.5 * less, 0.0, -0.5 * less], "linear": round(0.4 * more, 4)
    }  # fmt: skip
    assert calibrate.trusted({"fr": table["ary-Latn"]}) == {"fr": table["ary-Latn"]}


def test_calibration__counts_groups_by_roots_of_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "GROUPS", {"s/fr": 100, "t/fr": 900})
    rows = [data.Row("a", 0, "fr", "s")] * 30 + [data.Row("a", 0, "fr", "t")] * 10
    weights = calibrate.row_weights(rows)
    assert weights[:30].sum() * 3 == pytest.approx(weights[30:].sum())
    assert weights.mean() == pytest.approx(1.0)
    rows = [data.Row("a", 0, "fr", "s")] * 9 + [data.Row("a", 0, "fr", "umsab_french")] * 9
    monkeypatch.setattr(calibrate, "GROUPS", {"s/fr": 100, "umsab_french/fr": 100})
    weights = calibrate.row_weights(rows)
    assert weights[9] == pytest.approx(2 * weights[0]), "labelled by several people"


def test_shares_of_annotators__are_learned_instead_of_one_label() -> None:
    row = data.Row("x", 0, "ary-Latn", "afrisenti_votes", (0.6, 0.3, 0.1))
    assert finetune.wanted(row, None).tolist() == pytest.approx([0.6, 0.3, 0.1])
    sure = data.Row("y", 1, "ary-Latn", "afrisenti_votes", (0.0, 1.0, 0.0))
    weights = finetune.class_weights([row, sure])["afrisenti_votes/ary-Latn"]
    assert weights[0] == pytest.approx(2 / 3 / 0.6)
    assert weights[1] == pytest.approx(2 / 3 / 1.3)


def test_networks_of_several_depths__come_out_of_one_training(work: Path, tmp_path: Path) -> None:
    finetune.run(
        work / "vocabulary" / "bert",
        work / "vocabulary" / "tokenizer.json",
        work.parent / "data",
        tmp_path,
        loop.Plan(3, 1e-4),
        layers=2,
        start=work / "finetune",
        exits=(1,),
    )
    small, whole = finetune.load(tmp_path / "layers-1"), finetune.load(tmp_path)
    assert (small.bert.config.num_hidden_layers, whole.bert.config.num_hidden_layers) == (1, 2)
    ids = [[0, 5, 6, 7, 2]]
    with torch.inference_mode():
        assert not torch.allclose(small(*pad(ids)), whole(*pad(ids)))
    lowest = "bert.encoder.layer.0.output.dense.weight"
    assert torch.equal(small.state_dict()[lowest], whole.state_dict()[lowest])


def test_float_weights__come_back_from_the_8_bit_graph(work: Path) -> None:
    model = finetune.load(work / "finetune")
    again = restore.restore(work / "candidate" / "sentiment.onnx", heads=2).eval()
    ids = [[0, 5, 6, 7, 2], [0, 9, 2]]
    with torch.inference_mode():
        assert (model(*pad(ids)) - again(*pad(ids))).abs().max() < 0.5
    before = model.state_dict()["bert.encoder.layer.1.output.dense.weight"]
    after = again.state_dict()["bert.encoder.layer.1.output.dense.weight"]
    assert (before - after).abs().mean() < before.abs().mean() / 20


def test_frozen_layers__stay_as_they_are(work: Path, tmp_path: Path) -> None:
    finetune.run(
        work / "vocabulary" / "bert",
        work / "vocabulary" / "tokenizer.json",
        work.parent / "data",
        tmp_path,
        loop.Plan(3, 1e-2),
        layers=2,
        start=work / "finetune",
        frozen=1,
    )
    before, after = (finetune.load(folder).state_dict() for folder in (work / "finetune", tmp_path))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith(("bert.encoder.layer.1.", "head.")) for name in changed)


def test_moods__teach_the_same_short_sentences_each_time() -> None:
    rows = moods.rows()
    assert moods.rows.__wrapped__() == rows
    assert {row.group for row in rows} <= set(data.GROUPS)
    assert {row.label for row in rows} == {0, 1, 2}
    assert all(len(row.text.split()) <= 14 for row in rows)


def test_moods__hold_no_sentence_that_is_measured_on() -> None:
    lines = data.read_lines(Path(__file__).parents[1] / "quality" / "plain-words.ndjson")
    near = Near(model_input.prepare(line["text"]) for line in lines)
    assert not [row.text for row in moods.rows() if model_input.prepare(row.text) in near]


@pytest.fixture(scope="module")
def divided(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model in two parts: a sure post leaves it after one of two layers."""
    folder = tmp_path_factory.mktemp("divided")
    for name in ("vocabulary", "finetune"):
        shutil.copytree(work / name, folder / name)
    take_linear(work, folder)
    settings = steps.Settings(
        work.parent / "data", folder, layers=2, threads=1, start=work / "finetune", early=1
    )
    return steps.run(settings)


def test_a_sure_post__leaves_after_the_lower_layers(
    divided: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, gone_on = OnnxModel(divided), []
    upper = model._network.upper
    monkeypatch.setattr(model._network, "upper", lambda some: gone_on.extend(some) or upper(some))
    texts = [row["text"] for row in tiny.rows(300, 11)]
    model._alone = None
    assert model._early is not None
    model._early = model._early._replace(limit=0.0)
    sure = np.median(model.predict(texts).max(1))
    assert not gone_on
    model._early = model._early._replace(limit=float(sure))
    together = model.predict(texts)
    assert 0 < len(gone_on) < len(set(texts)), "both cases stand in the posts"
    alone = np.concatenate([model.predict([text]) for text in texts])
    assert np.abs(together - alone).max() < 1e-3
    assert model.predict(["réseau nul honte"]).argmax() == 0


def test_a_network_in_two_parts__is_the_same_network(work: Path, divided: Path) -> None:
    texts = ["réseau nul honte", "daba zwin mezyan", "good", ""]
    early, whole = OnnxModel(divided).both(texts)
    assert np.abs(whole - OnnxModel(work / "candidate").logits(texts)).max() < 1e-5
    assert np.abs(early - whole).max() > 0.01
    one, other = (
        restore.restore(folder / "sentiment.onnx", heads=2).state_dict()
        for folder in (work / "candidate", divided)
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_doubt__grows_over_a_stretch_below_the_limit() -> None:
    rows = np.array([[0.8, 0.1, 0.1], [0.74, 0.2, 0.06], [0.6, 0.3, 0.1]], np.float32)
    doubt = Early(0.75, {}).doubt(rows)
    assert doubt.tolist() == pytest.approx([0.0, 0.5, 1.0], abs=1e-4)


def test_precision__is_whatever_is_quicker_here() -> None:
    def slow(kind: torch.dtype) -> Callable[[torch.dtype], None]:
        def run(asked: torch.dtype) -> None:
            if asked == kind:
                sum(number * number for number in range(200_000))

        return run

    where = torch.device("cpu")
    assert device.precision(slow(torch.float32), where) == torch.bfloat16
    assert device.precision(slow(torch.bfloat16), where) == torch.float32


def test_precision__tries_what_is_hopeless_once() -> None:
    tried: list[torch.dtype] = []

    def run(asked: torch.dtype) -> None:
        tried.append(asked)
        sum(number for number in range(1_000_000 if asked == torch.bfloat16 else 10_000))

    assert device.precision(run, torch.device("cpu")) == torch.float32
    assert tried.count(torch.bfloat16) == 1


def test_near_duplicates__are_reposts_and_cut_copies() -> None:
    near = Near(["le réseau est coupé depuis hier soir chez nous"])
    assert "le réseau est coupé depuis hier soir chez nous !!!" in near
    assert "rt le réseau est coupé depuis hier soir" in near
    assert "le réseau est rétabli chez tout le monde ce matin" not in near
    assert "http" not in near


def test_second_dev__is_never_learned_from(tmp_path: Path) -> None:
    folder = tiny.write_data(tmp_path)
    posts = [
        {
            "id": str(n), "text": f"daba {n} khayb bzaf {n * 7} walo {n * 13}",
            "label": "negative", "votes": {"negative": 2, "neutral": 1}, "lang": "ary-Latn",
            "source": "afrisenti_votes", "split": "none",
        }
        for n in range(900)
    ]  # fmt: skip
    with gzip.open(folder / "sentiment" / "votes.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(post) + "\n" for post in posts)
    second = {row.text for row in data.labelled(folder, "second-dev")}
    parts = [data.labelled(folder, part) for part in ("train", "calibrate", "check")]
    learned = {row.text: row for rows in parts for row in rows if row.source == "afrisenti_votes"}
    assert len(second) == 400
    assert len(learned) == 500
    assert second.isdisjoint(learned)
    [soft] = {row.soft for row in learned.values()}
    assert soft == pytest.approx((2.15 / 3.45, 1.15 / 3.45, 0.15 / 3.45))


def test_free_licence__leaves_out_sources_for_non_commercial_use(tmp_path: Path) -> None:
    folder = tiny.write_data(tmp_path)
    sources = {row.source for row in data.labelled(folder, "train", licence="free")}
    assert sources == {"umsab_french", "umsab_english", "myc_cleaned", moods.SOURCE}


def test_measures_agree_with_scikit_learn() -> None:
    from sklearn import metrics

    rng = np.random.default_rng(1)
    gold, guess = rng.integers(0, 3, 500), rng.integers(0, 3, 500)
    table = measures.confusion(gold, guess)
    assert (table == metrics.confusion_matrix(gold, guess)).all()
    assert measures.macro_f1(table) == pytest.approx(metrics.f1_score(gold, guess, average="macro"))
    weighted = metrics.f1_score(gold, guess, average="weighted")
    assert measures.weighted_f1(table) == pytest.approx(weighted)


def test_padding_does_not_change_the_torch_network() -> None:
    model = Classifier(tiny.bert(60)).eval()
    with torch.inference_mode():
        alone = model(*pad([[0, 5, 6, 2]]))
        beside = model(*pad([[0, 5, 6, 2], [0, *range(4, 30), 2]]))[:1]
    assert torch.allclose(alone, beside, atol=1e-5)
