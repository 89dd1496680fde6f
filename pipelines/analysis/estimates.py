"""What is said about the sentiment of one bucket: shares with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from pipelines.records import Sum

#: 97.5 % quantile of the normal distribution: intervals of 95 %.
Z = 1.959963984540054


class Share(msgspec.Struct, frozen=True):
    """A share between 0 and 1 (or a balance between -1 and 1) with its 95 % interval."""

    value: float
    low: float
    high: float


class Estimate(msgspec.Struct, frozen=True):
    """Shares of the three labels in one bucket and group, and positive minus negative."""

    negative: Share
    neutral: Share
    positive: Share
    balance: Share


def wilson(share: float, posts: float) -> Share:
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


def pooled(negative: float, neutral: float, positive: float, posts: float) -> Estimate:
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
    """Return the estimate that the model's probabilities give, without any correction.

    Its interval holds sampling error alone, not the model's errors.
    """
    return pooled(
        math.fsum(one.negative for one in sums),
        math.fsum(one.neutral for one in sums),
        math.fsum(one.positive for one in sums),
        sum(one.posts for one in sums),
    )
