"""Sentiment over time: from a store's daily (or hourly) sums to the rows people read.

The way: sums, one for each bucket, group, language and label (:func:`in_buckets` forms weeks and
months from days) → one estimate for each bucket and group, from the model's probabilities
(:func:`~pipelines.analysis.estimates.as_scored`) or corrected with labels
(:func:`~pipelines.analysis.correction.correct`) → :func:`rows`, every bucket from the first to
the last, also those without posts. Table, chart, JSON and pages show these rows and compute
nothing of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import PAGES, Gap, unfilled
from pipelines.analysis.estimates import Estimate, Share, as_scored
from pipelines.records import Sum

By = Literal["hour", "day", "week", "month"]
State = Literal["ok", "few", "zero", "unknown"]

#: A bucket with fewer posts than these has no shares: their intervals would say nothing.
FEWEST_POSTS = 10

#: A range of more buckets than these is not filled up to what was asked for.
_MOST_BUCKETS = 4_000

#: An empty bucket is unknown, not zero, if at least this part of it lies in gaps. A stream that
#: reconnects within seconds does not make a silent day unknown.
UNKNOWN_FROM = 0.01

# Sums of floats differ in their last bits with the order of adding, which is a store's own.
_DIGITS = 6


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One bucket of one group. Shares are ``None`` without posts, counts too if unknown."""

    bucket: str
    """``2016-02-27``, ``2016-W08`` (ISO 8601 week), ``2016-02`` or ``2016-02-27T21``, in the
    store's zone."""
    start: str
    """First day of the bucket (or its hour), so that weeks can be sorted and drawn."""
    group: str
    """Entity, language or platform; empty without a split."""
    state: State
    """``ok``: posts; ``few``: fewer than :data:`FEWEST_POSTS`, so no shares; ``zero``: none;
    ``unknown``: none, but a source was not listening."""
    gap: float
    """Part of the bucket, 0 to 1, in which a source was not listening."""
    posts: int | None
    negative_posts: int | None = None
    """Estimated number of negative posts: the share below of all posts, rounded so that the three
    add up. ``None`` where there is no share."""
    neutral_posts: int | None = None
    positive_posts: int | None = None
    negative: float | None = None
    """Share of negative posts: corrected with labels, else the mean of the calibrated
    probabilities."""
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
    corrected: bool = False
    """Whether the shares are corrected with the study's labels (else intervals hold sampling
    error alone)."""
    of_all: float | None = None
    """Part of all posts in the store of that bucket; ``None`` unless it was asked for, and where
    the bucket has none."""
    mix: dict[str, float] = {}
    """Share of each language among the posts; a changing mix can look like a changing mood."""


def sums_by(by: By) -> Literal["day", "hour"]:
    """Return which sums of a store the rows of this kind are made from."""
    return "hour" if by == "hour" else "day"


def in_buckets(sums: Iterable[Sum], by: By) -> list[Sum]:
    """Return sums of days as sums of weeks or months, where these are asked for."""
    if by in {"day", "hour"}:
        return list(sums)
    return [msgspec.structs.replace(one, bucket=bucket_of(one.bucket, by)) for one in sums]


def bucket_of(day: str, by: By) -> str:
    """Return the week or month of a day; a day or an hour is its own bucket."""
    return week_of(day) if by == "week" else day[:7] if by == "month" else day


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
    corrected: Mapping[tuple[str, str], Estimate] | None = None,
    shares: bool = True,
    fixed_mix: Mapping[tuple[str, str], Estimate | None] | None = None,
    all_posts: Mapping[str, int] | None = None,
    since: str = "",
    until: str = "",
) -> list[Row]:
    """Return one row for every group and bucket, also for those without posts.

    ``sums`` are those of :func:`sums_by`, or of :func:`in_buckets`; ``zone`` is the store's, where
    its days begin. ``corrected`` are estimates by bucket and group; without them shares are means
    of probabilities. Without ``shares`` rows count posts only (a query that chooses posts by
    their label says nothing about shares). ``fixed_mix`` are estimates in place of the means of
    probabilities, for the same mix of languages everywhere; where it has none there are no shares.
    ``all_posts`` counts the posts of the store by bucket. The rows reach from ``since`` to the day
    before ``until``, where these are given, else from the first to the last post. Ordered by
    bucket, then by group as :func:`groups` has them.
    """
    found: dict[tuple[str, str], list[Sum]] = {}
    for one in in_buckets((one for one in sums if one.posts), by):
        found.setdefault((one.bucket, one.group), []).append(one)
    if not found:
        return []
    names = groups(sums)
    spans = _spans({bucket for bucket, _ in found}, by, zone, since, until)
    blind = _covered(spans, _missed(gaps))
    counted = all_posts or {}
    table = []
    for span, gap in zip(spans, blind, strict=True):
        whole = counted.get(span.bucket, 0)
        for group in names:
            place = (span.bucket, group)
            own = (corrected or {}).get(place)
            instead = None if fixed_mix is None else fixed_mix.get(place)
            shown = shares and (own is not None or fixed_mix is None or instead is not None)
            row = _row(span, group, found.get(place, ()), gap, own, instead, shown)
            if whole and row.posts is not None:
                row = msgspec.structs.replace(row, of_all=round(row.posts / whole, _DIGITS))
            table.append(row)
    return table


def _spans(found: Iterable[str], by: By, zone: ZoneInfo, since: str, until: str) -> list[Span]:
    """Return the buckets from the first to the last of those found and those asked for."""
    known = set(found)
    if since:
        known.add(f"{since}T00" if by == "hour" else bucket_of(since, by))
    if until:
        last = (_day(until) - timedelta(days=1)).isoformat() if until > "0001-01-01" else until
        known.add(f"{last}T23" if by == "hour" else bucket_of(last, by))
    first, last = min(known), max(known)
    days = (_day(_first_day(last)) - _day(_first_day(first))).days
    if days * (24 if by == "hour" else 1) > _MOST_BUCKETS:
        first, last = min(found), max(found)
    return buckets(first, last, by, zone)


def _first_day(bucket: str) -> str:
    if "-W" in bucket:
        return _monday(bucket).isoformat()
    return f"{bucket}-01" if len(bucket) == 7 else bucket[:10]


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


def _row(
    span: Span,
    group: str,
    sums: Sequence[Sum],
    gap: float,
    corrected: Estimate | None,
    fixed_mix: Estimate | None,
    shares: bool,
) -> Row:
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
    posts = sum(one.posts for one in sums)
    row = Row(
        bucket=span.bucket,
        start=span.start,
        group=group,
        state="ok" if posts >= FEWEST_POSTS else "few",
        gap=gap,
        posts=posts,
        mix=_mix(sums, posts),
    )
    if not shares or row.state == "few":
        return row
    estimate = corrected or fixed_mix or as_scored(sums)
    return with_estimate(row, estimate, corrected=corrected is not None)


def with_estimate(row: Row, estimate: Estimate, *, corrected: bool) -> Row:
    """Return a row with the shares of an estimate, and the numbers of posts they stand for."""
    figures: dict[str, float] = {}
    for name in Estimate.__struct_fields__:
        share: Share = getattr(estimate, name)
        figures |= {
            name: round(share.value, _DIGITS),
            f"{name}_low": round(share.low, _DIGITS),
            f"{name}_high": round(share.high, _DIGITS),
        }
    negative, neutral, positive = apportion(
        [estimate.negative.value, estimate.neutral.value, estimate.positive.value], row.posts or 0
    )
    return msgspec.structs.replace(
        row,
        negative_posts=negative,
        neutral_posts=neutral,
        positive_posts=positive,
        corrected=corrected,
        **figures,
    )


def apportion(shares: Sequence[float], posts: int) -> list[int]:
    """Return whole numbers of posts in these proportions that add up (largest remainder)."""
    whole = sum(shares) or 1.0
    exact = [share / whole * posts for share in shares]
    counts = [int(one) for one in exact]
    order = sorted(range(len(exact)), key=lambda place: counts[place] - exact[place])
    for place in order[: posts - sum(counts)]:
        counts[place] += 1
    return counts


def _mix(sums: Sequence[Sum], posts: int) -> dict[str, float]:
    counts: dict[str, int] = {}
    for one in sums:
        counts[one.language] = counts.get(one.language, 0) + one.posts
    return {name: round(counts[name] / posts, 4) for name in sorted(counts)}


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
        names = [start.isoformat(timespec="hours") for start in starts]
    elif by == "month":
        months = _months(first, last)
        starts = [datetime(year, month, 1) for year, month in months]
        names = [f"{start:%Y-%m}" for start in starts]
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


def _months(first: str, last: str) -> list[tuple[int, int]]:
    """Return the months from the first to the last, and the one after it."""
    year, month = int(first[:4]), int(first[5:7])
    count = (int(last[:4]) - year) * 12 + int(last[5:7]) - month + 2
    return [(year + (month - 1 + step) // 12, (month - 1 + step) % 12 + 1) for step in range(count)]


def _hours(first: str, last: str, zone: ZoneInfo) -> list[datetime]:
    """Return the local hours that exist, and the one after the last."""
    moment = datetime.fromisoformat(f"{first}:00").replace(tzinfo=zone).astimezone(UTC)
    hours: list[datetime] = []
    while True:
        local = moment.astimezone(zone).replace(minute=0, tzinfo=None)
        # An hour that comes twice is one bucket. Some clocks move by half an hour, hence the step.
        if not hours or local > hours[-1]:
            hours.append(local)
            if local.isoformat(timespec="hours") > last:
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
