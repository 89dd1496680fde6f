"""Tests. This is imported before numpy and torch, which read how many threads they may use."""

import os
import sys

# Several test processes share the cores: threads that spin while they wait take time from them.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Commands that tests start find their modules compiled, whatever the surroundings say of that.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
