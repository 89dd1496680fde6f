"""What people are told instead of pydantic's words, for settings and for watchlists."""

from __future__ import annotations

from pydantic_core import ErrorDetails

#: By pydantic's name of the error.
_WORDS = {
    "int_type": "it must be a whole number",
    "int_parsing": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "bool_type": "it must be true or false",
    "bool_parsing": "it must be true or false",
    "string_type": "it must be text, in quotes",
    "list_type": 'it must be a list, as in ["a", "b"]',
    "tuple_type": 'it must be a list, as in ["a", "b"]',
    "dict_type": "it must be a table",
    "model_type": "it must be a table",
    "greater_than_equal": "it must be {ge} or more",
    "less_than_equal": "it must be {le} or less",
    "literal_error": "it must be one of {expected}",
}


def describe(error: ErrorDetails) -> str:
    """Return what is wrong, without its place: a validator's own words, else ours."""
    context = error.get("ctx", {})
    if own := context.get("error"):
        return str(own)
    ours = _WORDS.get(error["type"])
    return ours.format(**context) if ours else error["msg"]
