"""Sentiment over time: from a store's daily (or hourly) sums to the rows people read.

The way: sums, one for each bucket, group, language and label
→ :func:`cells` (all sums of one bucket and group together, weeks formed from days)
→ an :data:`Estimator` (shares and their intervals of one cell)
→ :func:`rows` (every bucket from the first to the last, also those without posts).

Languages stay apart up to the estimator, because a correction for a model's known errors needs
them: it is another estimator with the same signature, and nothing else changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import PAGES, Gap, unfilled
from pipelines.records import Sum

By = Literal["day", "week", "hour"]
State = Literal["ok", "zero", "unknown"]

#: 97.5 % quantile of the normal distribution: intervals of 95 %.
Z = 1.959963984540054

#: An empty bucket is unknown, not zero, if at least this part of it lies in gaps. A stream that
#: reconnects within seconds does not make a silent day unknown.
UNKNOWN_FROM = 0.01

# Sums of floats differ in their last bits with the order of adding, which is a store's own.
_DIGITS = 6


class Share(msgspec.Struct, frozen=True):
    """A share between 0 and 1 (or a balance between -1 and 1) with its 95 % interval."""

    value: float
    low: float
    high: float


class Estimate(msgspec.Struct, frozen=True):
    """What is said about the sentiment of one cell."""

    negative: Share
    neutral: Share
    positive: Share
    balance: Share


#: From all sums of one bucket and group (at least one post) to what they say.
Estimator = Callable[[Sequence[Sum]], Estimate]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One bucket of one group. Shares are ``None`` without posts, counts too if unknown."""

    bucket: str
    """``2016-02-27``, ``2016-W08`` (ISO 8601 week) or ``2016-02-27T21``, in the store's zone."""
    start: str
    """First day of the bucket (or its hour), so that weeks can be sorted and drawn."""
    group: str
    """Entity, language or platform; empty without a split."""
    state: State
    """``ok``: posts; ``zero``: none; ``unknown``: none, but a source was not listening."""
    gap: float
    """Part of the bucket, 0 to 1, in which a source was not listening."""
    posts: int | None
    negative_posts: int | None = None
    """Posts whose label is negative; the shares below are not counts of labels."""
    neutral_posts: int | None = None
    positive_posts: int | None = None
    negative: float | None = None
    """Mean of the calibrated probabilities that a post is negative."""
    negative_low: float | None = None
    negative_high: float | None = None
    neutral: float | None = None
    neutral_low: float | None = None
    neutral_high: float | None = None
    positive: float | None = None
    positive_low: float | None = None
    positive_high: float | None = None
    balance: float | None = None
    """Positive share minus negative share, -1 to 1."""
    balance_low: float | None = None
    balance_high: float | None = None


def sums_by(by: By) -> Literal["day", "hour"]:
    """Return which sums of a store the rows of this kind are made from."""
    return "hour" if by == "hour" else "day"


def wilson(share: float, posts: int) -> Share:
    """Return a share with Wilson's score interval of 95 %, for a mean of probabilities.

    The interval is for the share among all posts like these, of which these are a sample; it is
    that of ``posts`` yes-or-no answers with the same mean (E. B. Wilson 1927, J. Am. Stat.
    Assoc. 22:209-212; recommended for few answers by Brown, Cai and DasGupta 2001, Stat. Sci.
    16:101-133). For probabilities it errs on the safe side, since numbers between 0 and 1 with
    the mean *m* never vary more than such answers, whose variance is *m*(1-*m*) (Bhatia and
    Davis 2000, Am. Math. Monthly 107:353-357): it is as wide as if labels had been drawn.

    It rests on calibrated probabilities and on posts that are independent of one another.
    Reposts are not: a day that one repeated post fills is less certain than its interval says.
    """
    share = min(max(share, 0.0), 1.0)
    spread = Z * Z / posts
    centre = (share + spread / 2) / (1 + spread)
    half = math.sqrt(spread * (share * (1 - share) + spread / 4)) / (1 + spread)
    # the interval holds the share itself; rounding must not say otherwise
    return Share(share, min(max(centre - half, 0.0), share), max(min(centre + half, 1.0), share))


def pooled(negative: float, neutral: float, positive: float, posts: int) -> Estimate:
    """Return the estimate for sums of probabilities over so many posts (at least one).

    The balance is the mean of numbers between -1 and 1. Moved to 0 to 1 it takes the same
    interval with the same bound of its variance, which is generous where many are neutral.
    """
    balance = wilson(((positive - negative) / posts + 1) / 2, posts)
    return Estimate(
        wilson(negative / posts, posts),
        wilson(neutral / posts, posts),
        wilson(positive / posts, posts),
        Share(*(2 * value - 1 for value in (balance.value, balance.low, balance.high))),
    )


def as_scored(sums: Sequence[Sum]) -> Estimate:
    """Return the estimate that the model's probabilities give, without any correction."""
    return pooled(
        math.fsum(one.negative for one in sums),
        math.fsum(one.neutral for one in sums),
        math.fsum(one.positive for one in sums),
        sum(one.posts for one in sums),
    )


def cells(sums: Iterable[Sum], by: By) -> dict[tuple[str, str], list[Sum]]:
    """Return the sums of each bucket and group; days become ISO weeks where weeks are asked."""
    found: dict[tuple[str, str], list[Sum]] = {}
    for one in sums:
        bucket = week_of(one.bucket) if by == "week" else one.bucket
        found.setdefault((bucket, one.group), []).append(one)
    return found


def groups(sums: Iterable[Sum]) -> list[str]:
    """Return the groups, the one with most posts first (ties by name)."""
    posts: dict[str, int] = {}
    for one in sums:
        posts[one.group] = posts.get(one.group, 0) + one.posts
    return sorted(posts, key=lambda group: (-posts[group], group))


def rows(
    sums: Sequence[Sum],
    by: By,
    *,
    zone: ZoneInfo,
    gaps: Sequence[Gap] = (),
    estimate: Estimator = as_scored,
) -> list[Row]:
    """Return one row for every group and every bucket between the first and the last post.

    ``sums`` are those of :func:`sums_by`; ``zone`` is the store's, where its days begin.
    Ordered by bucket, then by group as :func:`groups` has them.
    """
    sums = [one for one in sums if one.posts]
    found = cells(sums, by)
    if not found:
        return []
    names = groups(sums)
    spans = buckets(
        min(bucket for bucket, _ in found), max(bucket for bucket, _ in found), by, zone
    )
    blind = _covered(spans, _missed(gaps))
    return [
        _row(span, group, found.get((span.bucket, group), ()), gap, estimate)
        for span, gap in zip(spans, blind, strict=True)
        for group in names
    ]


def deaf_times(
    gaps: Sequence[Gap], zone: ZoneInfo, now: datetime
) -> list[tuple[datetime, datetime]]:
    """Return when a source was not listening, in a zone's time: for charts that show it exactly.

    What goes on still goes on until ``now``.
    """
    return [
        (_local(gap.start, zone), _local(gap.end or max(now, gap.start), zone))
        for gap in _missed(gaps)
    ]


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _missed(gaps: Sequence[Gap]) -> list[Gap]:
    # a page's counter brings no posts: while it can't be read, no post is missed
    return [gap for gap in unfilled(gaps) if not gap.source.startswith(PAGES)]


def _row(span: Span, group: str, sums: Sequence[Sum], gap: float, estimate: Estimator) -> Row:
    if not sums:
        unknown = gap >= UNKNOWN_FROM
        count = None if unknown else 0
        return Row(
            bucket=span.bucket,
            start=span.start,
            group=group,
            state="unknown" if unknown else "zero",
            gap=gap,
            posts=count,
            negative_posts=count,
            neutral_posts=count,
            positive_posts=count,
        )
    counts = {"negative": 0, "neutral": 0, "positive": 0}
    for one in sums:
        counts[one.label] += one.posts
    said = estimate(sums)
    figures: dict[str, float] = {}
    for name in Estimate.__struct_fields__:
        share: Share = getattr(said, name)
        figures |= {
            name: round(share.value, _DIGITS),
            f"{name}_low": round(share.low, _DIGITS),
            f"{name}_high": round(share.high, _DIGITS),
        }
    return Row(
        bucket=span.bucket,
        start=span.start,
        group=group,
        state="ok",
        gap=gap,
        posts=sum(counts.values()),
        negative_posts=counts["negative"],
        neutral_posts=counts["neutral"],
        positive_posts=counts["positive"],
        **figures,
    )


class Span(msgspec.Struct, frozen=True):
    """One bucket as a stretch of time."""

    bucket: str
    start: str
    begins: datetime
    """In UTC."""
    ends: datetime
    """In UTC; the next bucket begins here."""


def buckets(first: str, last: str, by: By, zone: ZoneInfo) -> list[Span]:
    """Return every bucket from the first to the last. Hours that a clock skips do not exist."""
    if by == "hour":
        starts = _hours(first, last, zone)
        names = [f"{start:%Y-%m-%dT%H}" for start in starts]
    else:
        step = timedelta(days=7 if by == "week" else 1)
        day, end = (_monday(first), _monday(last)) if by == "week" else (_day(first), _day(last))
        days = [day + step * number for number in range((end - day) // step + 2)]
        starts = [datetime(d.year, d.month, d.day) for d in days]
        names = [week_of(d.isoformat()) if by == "week" else d.isoformat() for d in days]
    begins = [start.replace(tzinfo=zone).astimezone(UTC) for start in starts]
    return [
        Span(
            names[number],
            names[number] if by == "hour" else starts[number].date().isoformat(),
            begins[number],
            begins[number + 1],
        )
        for number in range(len(starts) - 1)
    ]


def week_of(day: str) -> str:
    """Return the ISO 8601 week of a day: weeks begin on Monday, the first holds 4 January."""
    year, week, _ = _day(day).isocalendar()
    return f"{year}-W{week:02}"


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _monday(week: str) -> date:
    year, number = week.split("-W")
    return date.fromisocalendar(int(year), int(number), 1)


def _hours(first: str, last: str, zone: ZoneInfo) -> list[datetime]:
    """Return the local hours that exist, and the one after the last."""
    moment = datetime.fromisoformat(f"{first}:00").replace(tzinfo=zone).astimezone(UTC)
    hours: list[datetime] = []
    while True:
        local = moment.astimezone(zone).replace(minute=0, tzinfo=None)
        # An hour that comes twice is one bucket. Some clocks move by half an hour, hence the step.
        if not hours or local > hours[-1]:
            hours.append(local)
            if f"{local:%Y-%m-%dT%H}" > last:
                return hours
        moment += timedelta(minutes=30)


def _covered(spans: Sequence[Span], gaps: Sequence[Gap]) -> list[float]:
    """Return for each span which part of it lies in gaps, wherever they overlap counted once."""
    end = spans[-1].ends
    stretches: list[tuple[datetime, datetime]] = []
    for start, stop in sorted((gap.start, gap.end or end) for gap in gaps):
        if stretches and start <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(stop, stretches[-1][1]))
        else:
            stretches.append((start, stop))
    covered = []
    nearest = 0
    for span in spans:
        while nearest < len(stretches) and stretches[nearest][1] <= span.begins:
            nearest += 1
        blind = timedelta()
        for start, stop in stretches[nearest:]:
            if start >= span.ends:
                break
            blind += min(stop, span.ends) - max(start, span.begins)
        length = span.ends - span.begins
        covered.append(round(blind / length, _DIGITS) if length else 0.0)
    return covered
