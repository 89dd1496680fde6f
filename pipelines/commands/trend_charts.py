"""The charts of ``marsad trends``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pipelines.analysis.scanned import BETWEEN, SplitBy
from pipelines.annotations import Event
from pipelines.commands._shared.chart_options import Code
from pipelines.commands._shared.options import Filters, values_of
from pipelines.commands._shared.output import notify
from pipelines.commands.trend_answer import Answer
from pipelines.errors import OutputError
from pipelines.query.fields import LANGUAGE_WORDS
from pipelines.stages import utc_now
from pipelines.trends import deaf_times

if TYPE_CHECKING:
    from pipelines.charts import Caption, Language


class Look(msgspec.Struct, frozen=True):
    """How charts are to look."""

    title: str = ""
    size: str = ""
    code: Code = "en"
    real_text: bool = False


def check(charts: Sequence[Path], look: Look) -> None:
    """Raise :class:`~pipelines.errors.OutputError` for files and sizes that cannot be."""
    from pipelines.charts import format_of, size_of

    for path in charts:
        format_of(path)
        if not path.parent.is_dir():
            raise OutputError(f"{path}: there is no folder {path.parent}; make it first")
    size_of(look.size)


def draw(
    charts: Sequence[Path],
    answer: Answer,
    filters: Filters,
    splits: Sequence[SplitBy],
    events: Sequence[Event],
    look: Look,
) -> None:
    """Draw the rows of an answer into files. Raises :class:`~pipelines.errors.OutputError`."""
    from pipelines.analysis.break_words import breaks_of
    from pipelines.charts import Language, changes, format_of, render, size_of, write

    language = Language(look.code, answer.case.country)
    names = group_names(answer, splits, look.code)
    events = [event.told_in(look.code) for event in events]
    caption = _caption(answer, filters, splits, look, language)
    if not answer.series.selected_by:
        told = changes(language, breaks_of(answer.rows, events), answer.by, names)
        caption = msgspec.structs.replace(caption, changes=told)
    for path in charts:
        content = render(
            answer.rows,
            answer.by,
            caption,
            format_of(path),
            events=events,
            names=names,
            deaf=deaf_times(answer.status.gaps, answer.zone, utc_now()),
            size=size_of(look.size),
            real_text=look.real_text,
        )
        write(path, content)
        notify(f"Drawn: {path}")


def _caption(
    answer: Answer,
    filters: Filters,
    splits: Sequence[SplitBy],
    look: Look,
    language: Language,
) -> Caption:
    from pipelines.charts import Caption, asked, method

    names = answer.case.names_in(look.code)
    options = {field: values_of(given) for field, given in filters.items()}
    if answer.wanted:
        options.pop("entity", None)  # they stand in the title
    how = method(language, answer.series, names)
    return Caption(
        query=asked(answer.query, options, names | LANGUAGE_WORDS[look.code], language),
        exact=_words(answer.query, filters),
        split=" and ".join(splits),
        towards=[names.get(entity, entity) for entity in answer.wanted],
        of_all=any(row.of_all is not None for row in answer.rows),
        title=look.title,
        method="" if answer.series.selected_by else how,
        timezone=answer.timezone,
        posts=answer.posts,
        fictional=answer.fictional,
        without_date=answer.without_day,
        pending=answer.status.ledger.pending,
        models=sorted(name for name in answer.status.models if name),
        language=language,
    )


def group_names(answer: Answer, splits: Sequence[SplitBy], code: Code = "en") -> dict[str, str]:
    """Return the names for people of the groups that rows have."""
    known: dict[str, Mapping[str, str]] = {
        "entity": answer.case.names_in(code),
        "language": LANGUAGE_WORDS[code],
    }
    names = {}
    for group in dict.fromkeys(row.group for row in answer.rows):
        values = group.split(BETWEEN) if len(splits) > 1 else [group]
        names[group] = BETWEEN.join(
            known.get(split, {}).get(value, value)
            for split, value in zip(splits or ("",), values, strict=False)
        )
    return names


def _words(query: str, filters: Filters) -> str:
    """Return query and options as one query, as people may write it."""
    options = [f"{field}:{','.join(values_of(given))}" for field, given in filters.items()]
    return " ".join([*([query] if query else []), *options])
