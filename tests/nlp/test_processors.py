"""The shipped network gives the same figures on every processor."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper

from nlp.sentiment import SHIPPED
from nlp.training import package
from nlp.training.compress import PRODUCT_LEVELS, quantise_rows
from nlp.training.processors import main

#: What `VPMADDUBSW` saturates at, and the largest activation beside a weight.
LARGEST_SUM = 2**15 - 1
LARGEST_ACTIVATION = 255


def product_weights(path: Path) -> dict[str, np.ndarray]:
    """Return the weights of each 8-bit product of a graph, by name."""
    found = {}
    for part in package.parts_of(path):
        graph = onnx.load(str(part)).graph
        tensors = {one.name: one for one in graph.initializer}
        names = [node.input[1] for node in graph.node if node.op_type == "MatMulIntegerToFloat"]
        found |= {name: numpy_helper.to_array(tensors[name]) for name in names}
    return found


def test_shipped_products__cannot_saturate_without_vnni() -> None:
    found = product_weights(SHIPPED / "sentiment.onnx")
    assert found
    for name, weights in found.items():
        assert weights.dtype == np.int8, name
        pair = 2 * LARGEST_ACTIVATION * int(np.abs(weights.astype(int)).max())
        assert pair <= LARGEST_SUM, f"{name}: two products sum up to {pair}"


def test_shipped_graph__holds_no_operator_that_depends_on_the_width_of_vectors() -> None:
    graphs = [onnx.load(str(part)).graph for part in package.parts_of(SHIPPED / "sentiment.onnx")]
    found = {node.op_type for graph in graphs for node in graph.node}
    # Their sums had other last bits with AVX-512 than with AVX2 (ONNX Runtime 1.32.0).
    assert not found & {"MultiHeadAttention", "Attention", "Softmax"}


def test_product_levels__are_the_largest_that_fit() -> None:
    assert 2 * LARGEST_ACTIVATION * PRODUCT_LEVELS <= LARGEST_SUM
    assert 2 * LARGEST_ACTIVATION * (PRODUCT_LEVELS + 1) > LARGEST_SUM


@given(
    st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=40),
    st.sampled_from([PRODUCT_LEVELS, 127]),
)
def test_quantise_rows__stays_in_range_and_is_no_worse_than_no_clipping(
    row: list[float], levels: int
) -> None:
    weights = np.array([row], np.float32)
    values, scale = quantise_rows(weights, levels)
    assert np.abs(values.astype(int)).max() <= levels
    step = np.float32(np.abs(weights).max() / levels) or np.float32(1)
    plain = np.rint(weights / step).clip(-levels, levels) * step
    error = ((values * scale - weights) ** 2).sum()
    assert error <= ((plain - weights) ** 2).sum() * (1 + 1e-5) + 1e-12


def test_processors__says_how_far_scores_are_apart(tmp_path: Path) -> None:
    posts = tmp_path / "posts.ndjson"
    posts.write_text(
        "\n".join(json.dumps({"text": text}) for text in ("réseau nul", "merci inwi")), "utf-8"
    )
    scores = tmp_path / "scores.npy"
    run = CliRunner().invoke
    assert run(main, ["--posts", str(posts), "--write", str(scores)]).exit_code == 0
    same = run(main, ["--posts", str(posts), "--compare", str(scores)])
    assert same.output.startswith("2 posts: probabilities differ by at most 0.000000")
    np.save(scores, np.roll(np.load(scores), 1, axis=1))
    other = run(main, ["--posts", str(posts), "--compare", str(scores)])
    assert "2 labels differ" in other.output
