"""How ``marsad export`` is to export: its options, and what they say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipelines.errors import OutputError

if TYPE_CHECKING:
    from pipelines.export import Level
    from pipelines.export.options import CsvFor
    from pipelines.labels.sampling import Stratum


class Choice(NamedTuple):
    """The options that say how to export."""

    formats: tuple[str, ...]
    level: Level
    reason: str
    rare: str
    pseudonyms: str
    csv_for: CsvFor
    size: int | None
    strata: tuple[Stratum, ...]
    seed: int

    @property
    def suppresses(self) -> bool:
        """Whether what makes posts rare is left out: ids alone have nothing of that."""
        return self.rare == "suppress" and self.level != "ids"

    def fitting(self, total: int) -> int:
        """Return how many posts match, unless they are more than Excel opens in a sheet.

        Where rare posts may be left out, the writer alone can tell, at its end. Raises
        :class:`~pipelines.errors.OutputError`.
        """
        from pipelines.export.options import ROWS, TOO_MANY

        posts = total if self.size is None else min(self.size, total)
        if "xlsx" in self.formats and posts >= ROWS and not self.suppresses:
            raise OutputError(TOO_MANY)
        return total

    def words(self) -> list[str]:
        """Return the options that are not the usual ones, as they were given."""
        words = [] if self.level == "pseudonymous" else ["--level", self.level]
        words += ["--reason", self.reason] if self.reason else []
        words += [] if self.rare == "keep" else ["--rare", self.rare]
        words += [] if self.pseudonyms == "store" else ["--pseudonyms", self.pseudonyms]
        words += [] if self.csv_for == "en" else ["--csv-for", self.csv_for]
        if self.size is None:
            return words
        usual = list(self.strata) == ["language", "week"]
        spread = [] if usual else ["--stratify", ",".join(self.strata)]
        return [*words, "--sample", str(self.size), *spread, "--seed", str(self.seed)]

    def sampled(self, posts: int, total: int) -> str:
        """Say how a sample was drawn; empty for none, and where all posts that match are in it."""
        if not posts or posts == total or self.size is None:
            return ""
        spread = f", spread over {' and '.join(self.strata)}" if self.strata else ""
        return (
            f"{posts:,} of {total:,} posts that match, drawn at random{spread} (seed {self.seed}); "
            "each stands for as many posts as its weight says"
        )
