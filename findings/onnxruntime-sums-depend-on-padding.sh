#!/usr/bin/env bash
# onnxruntime 1.32.0, CPU: sums over a padded axis.
# Expected: zeros at the end of a row change nothing in its sum, whatever operator adds it up.
# Seen: ReduceSum gives other last bits when zeros are appended, for most rows; a product with a
#   column of ones beside other columns gives the same bits. Where values are rounded to 8 bits
#   afterwards (as in quantised networks), one such bit moves a value by a whole step, and a post's
#   score then depends on the longest post of its batch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6 2>/dev/null
cat > "$folder/sums.py" <<'P'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

rows, length, padding = 200, 29, 3
values = np.random.default_rng(1).random((rows, length), np.float32)
padded = np.pad(values, ((0, 0), (0, padding)))


def run(node, inputs):
    graph = helper.make_graph(
        [node],
        "sum",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT if v.dtype == np.float32 else TensorProto.INT64, v.shape) for n, v in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


def reduced(x):
    node = helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=0)
    return run(node, {"x": x, "axes": np.array([1])})


def multiplied(x):
    ones = np.ones((x.shape[1], 33), np.float32)
    return run(helper.make_node("MatMul", ["x", "w"], ["y"]), {"x": x, "w": ones})[:, -1]


for name, total in (("ReduceSum", reduced), ("MatMul with ones", multiplied)):
    print(name, "changed rows:", "some" if (total(values) != total(padded)).any() else "none")
P
seen=$(ORT_DISABLE_TELEMETRY=1 "$folder/venv/bin/python" "$folder/sums.py")
printf 'onnxruntime 1.32.0\n%s\n' "$seen"
expected='ReduceSum changed rows: some
MatMul with ones changed rows: none'
[ "$seen" = "$expected" ] || { echo "changed: expected"; echo "$expected"; exit 1; }
