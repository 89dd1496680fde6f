"""Assertions in the suites show their values, as those of test modules do."""

import pytest

pytest.register_assert_rewrite(
    "tests.conformance.store_suite",
    "tests.conformance.reposts_suite",
    "tests.conformance.scored_suite",
    "tests.conformance.runner_suite",
)
