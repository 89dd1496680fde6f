"""Meaning: text analysis, language, sentiment and targets of posts.

This package stands at the bottom: it imports nothing from ``ingest`` or ``pipelines``.
"""

import os

# Since 1.29, ONNX Runtime's Linux wheels report each session to their maker and leave a lasting
# device id in the user's cache folder (https://github.com/microsoft/onnxruntime/pull/27379). Only
# this variable, set before the import, prevents both.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
