"""A report of figures as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nlp.evaluation import Attitudes, Figures, Interval, Section
from pipelines.evaluation import Entities, Report, Worst

_GROUPS = ("language", "script", "source")

#: Names of the ways to tell attitudes, for people.
_WAYS = {
    "model": "model",
    "sentiment-copied": "post's sentiment copied",
    "by-kind": "operators neg., apps neutral",
}


def show(report: Report, console: Console) -> None:
    """Print everything that was measured."""
    console.print(
        f"{report.data.name}: {report.data.rows:,} labelled posts; model {report.model}; "
        "95 % intervals in brackets",
        markup=False,
    )
    if report.sentiment is not None:
        _section("Sentiment", report.sentiment, console, report.without_neutral)
    if report.language is not None:
        _section("Language", report.language, console)
    if report.targets is not None:
        _section("Attitudes to entities", report.targets.model, console)
        _ways(report.targets, console)
    console.print(
        "\nECE: calibration error; luck: what it would be on these posts if the calibration were "
        "perfect.",
        style="dim",
    )
    if report.entities is not None:
        _entities(report.entities, console)
    if report.worst:
        _worst(report.worst, console)


def _worst(found: Sequence[Worst], console: Console) -> None:
    console.print("\nThe surest errors of sentiment, and the words that moved each score")
    for one in found:
        console.print(
            f"\n{one.gold} called {one.said} ({one.confidence:.2f}, {one.gold} {one.of_gold:.2f})",
            style="dim",
        )
        console.print(printable(one.text), markup=False, highlight=False)
        words = ", ".join(f"{printable(word.word)} {word.effect:+.2f}" for word in one.words)
        console.print(f"  {words}", style="dim", markup=False, highlight=False)


def printable(text: str) -> str:
    """Return a text without what could steer a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _section(
    title: str, section: Section, console: Console, without_neutral: Mapping[str, int] | None = None
) -> None:
    counted = "posts" if section.all.posts == section.all.judgements else "entities"
    many = "posts" if counted == "posts" else "judged"
    table = _table(title, many, "accuracy", "weighted F1", "macro F1", "ECE", "luck")
    _line(table, "all", section.all)
    for kind in _GROUPS:
        groups: dict[str, Figures] = getattr(section, kind)
        if groups:
            table.add_row(f"by {kind}", style="dim")
        for name, figures in groups.items():
            _line(table, f"  {name}", figures)
    console.print()
    console.print(table)
    for source, posts in (without_neutral or {}).items():
        binary = section.source.get(source, section.all).binary_f1
        console.print(
            f"{source or 'Here'}: none of {posts:,} posts is labelled neutral, so every neutral "
            "answer counts as an error"
            + (f"; without that answer macro F1 is {_score(binary)}." if binary else "."),
            style="dim",
            markup=False,
        )
    console.print()
    console.print(_labels(section.all, counted))
    console.print()
    console.print(_confusion(section.all))


def _line(table: Table, name: str, figures: Figures) -> None:
    table.add_row(
        Text(name),
        f"{figures.judgements:,}",
        f"{figures.accuracy.value:.3f}",
        _score(figures.weighted_f1),
        _score(figures.macro_f1),
        "" if figures.ece is None else f"{figures.ece:.3f}",
        "" if figures.ece_by_chance is None else f"{figures.ece_by_chance:.2f}",
    )


def _occurring(figures: Figures) -> list[tuple[int, str]]:
    return [
        (place, label)
        for place, (label, one) in enumerate(figures.labels.items())
        if one.support or one.said
    ]


def _labels(figures: Figures, counted: str) -> Table:
    table = _table("", counted, "said", "precision", "recall", "F1")
    for _, label in _occurring(figures):
        one = figures.labels[label]
        scores = [f"{value:.3f}" for value in (one.precision, one.recall, one.f1)]
        table.add_row(label, f"{one.support:,}", f"{one.said:,}", *scores)
    return table


def _confusion(figures: Figures) -> Table:
    shown = _occurring(figures)
    table = _table("", *(label for _, label in shown), first="truly / said")
    for place, label in shown:
        counts = [f"{figures.confusion[place][column]:,}" for column, _ in shown]
        table.add_row(label, *counts)
    return table


def _ways(found: Attitudes, console: Console) -> None:
    table = _table("Against simple rules", "entities", "accuracy", "macro F1")
    table.add_row("all posts", style="dim")
    for way, one in found.compared.items():
        _way(table, way, one.all)
    apart = {way: one.differing for way, one in found.compared.items() if one.differing}
    if apart:
        table.add_row("posts whose attitudes differ", style="dim")
    for way, figures in apart.items():
        _way(table, way, figures)
    console.print()
    console.print(table)


def _way(table: Table, way: str, figures: Figures) -> None:
    scores = (_score(figures.accuracy), _score(figures.macro_f1))
    table.add_row(f"  {_WAYS.get(way, way)}", f"{figures.judgements:,}", *scores)


def _entities(found: Entities, console: Console) -> None:
    console.print(
        f"Entities: {found.both:,} both labelled and found, {found.missed:,} labelled but not "
        f"found, {found.extra:,} found but not labelled.",
        style="dim",
    )
    if found.unknown:
        names = ", ".join(f"{name} ({count:,})" for name, count in found.unknown.items())
        console.print(f"Not in the watchlist, left out: {names}.", style="dim", markup=False)


def _table(title: str, *heads: str, first: str = "") -> Table:
    table = Table(
        title=title or None, box=None, pad_edge=False, header_style="dim", title_justify="left"
    )
    table.add_column(first, overflow="fold")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _score(one: Interval) -> str:
    if one.low is None or one.high is None:
        return f"{one.value:.3f}"
    return f"{one.value:.3f} ({one.low:.2f}–{one.high:.2f})"
