"""A network that merges its pieces in pairs: in torch, as a graph, and distilled from another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from click.testing import CliRunner

from nlp.training import compress, distil, finetune, loop, restore, steps
from nlp.training.__main__ import main
from nlp.training.encoder import Classifier, WithExits, in_pairs, pad
from tests.nlp import tiny

POSTS = [[0, 2], [0, 9, 2], [0, 5, 6, 2], [0, 5, 6, 7, 2], [0, *range(4, 40), 2]]


def network(merged: int) -> Classifier:
    bert = tiny.bert(60)
    bert.config.merged_after = merged
    return Classifier(bert).eval()


def logits(model: torch.nn.Module, posts: list[list[int]]) -> Any:
    with torch.inference_mode():
        return model(*pad(posts)).numpy()


def answers(graph: Any, posts: list[list[int]]) -> Any:
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    pieces, mask = pad(posts)
    feeds = {"pieces": pieces.numpy(), "mask": mask.numpy().astype(np.int32)}
    return session.run(None, feeds)[0]


def graph_of(model: Classifier, kind: compress.Kind = "float") -> Any:
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    (graph,) = compress.build(state, 2, kind, merged=model.bert.config.merged_after)
    return graph


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny data folder, base and trained network of two layers."""
    folder = tmp_path_factory.mktemp("merging")
    tiny.write_data(folder / "data")
    tiny.write_base(folder / "base")
    finetune.run(
        folder / "base" / "bert",
        folder / "base" / "tokenizer.json",
        folder / "data",
        folder / "finetune",
        loop.Plan(60, 4e-3),
        layers=3,
    )
    return folder


def test_in_pairs__takes_the_mean_of_each_two_pieces_and_leaves_padding_out() -> None:
    states = torch.tensor(
        [[[1.0], [3.0], [5.0], [9.0], [7.0]], [[1.0], [9.0], [9.0], [9.0], [9.0]]]
    )
    sizes = torch.tensor([[1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0, 0.0]])
    merged, total = in_pairs(states, sizes)
    assert merged[..., 0].tolist() == [[2.0, 7.0, 7.0], [1.0, 0.0, 0.0]]
    assert total.tolist() == [[2.0, 2.0, 1.0], [1.0, 0.0, 0.0]]


def test_a_merge__changes_what_the_upper_layers_read_and_not_the_lower_ones() -> None:
    merged, whole = network(2), network(0)
    whole.load_state_dict(merged.state_dict())
    with torch.inference_mode():
        ours, sizes = merged.states(*pad(POSTS))
        theirs, _ = whole.states(*pad(POSTS))
    assert all(torch.equal(ours[layer], theirs[layer]) for layer in (0, 1))
    assert ours[2].shape[1] == 19
    assert sizes.sum(1).tolist() == [float(len(post)) for post in POSTS]
    assert np.abs(logits(merged, POSTS) - logits(whole, POSTS)).max() > 1e-4


def test_a_merge__gives_a_post_the_same_scores_in_every_batch() -> None:
    model = network(1)
    together = logits(model, POSTS)
    graph = graph_of(model, "rows")
    for place, post in enumerate(POSTS):
        assert np.abs(logits(model, [post]) - together[place]).max() < 1e-5
        assert np.abs(answers(graph, [post]) - answers(graph, POSTS)[place]).max() < 1e-5


@pytest.mark.parametrize("merged", [0, 1, 2])
def test_the_graph__agrees_with_torch_and_says_where_it_merges(merged: int) -> None:
    model = network(merged)
    graph = graph_of(model)
    assert np.abs(answers(graph, POSTS) - logits(model, POSTS)).max() < 0.01  # tables have 8 bits
    assert restore.merged_after([graph]) == merged


def test_distilling__brings_a_merged_network_near_the_one_it_comes_from(
    tuned: Path, tmp_path: Path
) -> None:
    def apart(quick: Classifier) -> float:
        with torch.inference_mode():
            return float(distil.distance(quick, *pad(posts), slow))

    posts = [
        one.ids for one in tiny.tokenizer().encode_batch([r["text"] for r in tiny.rows(64, 5)])
    ]
    slow = finetune.load(tuned / "finetune")
    before = finetune.load(tuned / "finetune")
    before.bert.config.merged_after = 1
    tokenizer = tuned / "base" / "tokenizer.json"
    distil.run(
        tuned / "finetune", tokenizer, tuned / "data", tmp_path, loop.Plan(60, 3e-3), merged=1
    )
    after = finetune.load(tmp_path)
    assert after.bert.config.merged_after == 1
    assert apart(after) < 0.8 * apart(before)
    lower = "bert.encoder.layer.0.output.dense.weight"
    assert torch.equal(after.state_dict()[lower], slow.state_dict()[lower])
    with pytest.raises(ValueError, match="merges its pieces already"):
        distil.run(tmp_path, tokenizer, tuned / "data", tmp_path, loop.Plan(1, 1e-3), merged=1)


def test_a_finished_network__comes_back_with_its_merge(tuned: Path, tmp_path: Path) -> None:
    model = finetune.load(tuned / "finetune")
    model.bert.config.merged_after = 2
    finetune.save(model, tmp_path)
    compress.run(tmp_path, tmp_path / "sentiment.onnx", positions=40)
    again = restore.restore(tmp_path / "sentiment.onnx", heads=2).eval()
    assert again.bert.config.merged_after == 2
    assert np.abs(logits(again, POSTS) - logits(model, POSTS)).max() < 0.5


def test_networks_of_different_shapes__are_refused_where_they_cannot_go_together(
    tuned: Path, tmp_path: Path
) -> None:
    model = finetune.load(tuned / "finetune")
    model.bert.config.merged_after = 1
    finetune.save(model, tmp_path / "merged")
    with pytest.raises(ValueError, match="have no mean"):
        finetune.average(tuned / "finetune", [tmp_path / "merged"], tmp_path / "mean")
    with pytest.raises(ValueError, match="after layer 1"):
        WithExits(model, [1])
    assert len(logits_of_exits(WithExits(model, [2]))) == 2
    with pytest.raises(ValueError, match="no early exit"):
        compress.build({"head.weight": np.zeros((3, 4))}, 2, early=1, merged=1)


def logits_of_exits(model: WithExits) -> list[torch.Tensor]:
    with torch.inference_mode():
        return model(*pad(POSTS))  # type: ignore[no-any-return]


def test_the_command__distils_only_from_a_network_and_without_an_early_exit(tuned: Path) -> None:
    given = ["--data", str(tuned / "data"), "--work", str(tuned / "work"), "--merge", "1"]
    alone = CliRunner().invoke(main, given)
    assert (alone.exit_code, "name that too" in alone.output) == (2, True)
    both = CliRunner().invoke(main, [*given, "--start", str(tuned / "finetune"), "--early", "1"])
    assert (both.exit_code, "exclude each other" in both.output) == (2, True)


def test_the_steps__distil_instead_of_fine_tuning(tuned: Path, tmp_path: Path) -> None:
    (tmp_path / "vocabulary").mkdir()
    tokenizer = tmp_path / "vocabulary" / "tokenizer.json"
    tokenizer.write_bytes((tuned / "base" / "tokenizer.json").read_bytes())
    settings = steps.Settings(
        tuned / "data",
        tmp_path,
        finetuning=loop.Plan(2, 1e-3),
        merged=1,
        start=tuned / "finetune",
        threads=1,
    )
    assert steps._tuned(settings, tuned / "base" / "bert", tokenizer) == tmp_path / "distil"
    assert not (tmp_path / "finetune").exists()
