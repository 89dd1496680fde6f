"""Assertions in the suites show their values, as those of test modules do."""

import pytest

pytest.register_assert_rewrite("tests.conformance.store_suite")
