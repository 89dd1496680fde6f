"""Where tables and lines for people go."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from pipelines.terminal import printable


class _Terminal(Console):
    """Writes what it is given with controls as signs, also where the caller forgot to."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the parts of what is shown."""
        for part in super().render(renderable, options):
            yield part if part.control else part._replace(text=printable(part.text))


def console(*, soft_wrap: bool = False, stderr: bool = False) -> Console:
    """Return where tables and lines for people go; data stays as it is, ``:kenya:`` too."""
    return _Terminal(highlight=False, markup=False, emoji=False, soft_wrap=soft_wrap, stderr=stderr)
