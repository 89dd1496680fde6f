"""How charts are to look: options of every command that draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import click

Code = Literal["en", "fr", "ar"]
F = TypeVar("F", bound=Callable[..., Any])


def look_options(function: F) -> F:
    """Add size, language and kind of letters."""
    for option in (
        click.option(
            "--svg-text",
            "real_text",
            is_flag=True,
            help="Letters of an SVG as text that can be searched, not as outlines.",
        ),
        click.option(
            "--lang-ui",
            "code",
            type=click.Choice(["en", "fr", "ar"]),
            default="en",
            show_default=True,
            help="Language of the chart.",
        ),
        click.option(
            "--size",
            default="",
            metavar="article|slide|WxH",
            help="Size of the chart: for a page of an article, for a slide, or in pixels "
            "(1600x900).",
        ),
    ):
        function = option(function)
    return function
