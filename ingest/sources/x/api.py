"""Asking X's interface: what of a post is wanted, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ingest.errors import SourceBlocked, SourceChanged, SourceError
from ingest.http.client import Answer, Client, status_error
from ingest.mapping.items import Seen
from ingest.mapping.tool import Record, dig, first, word
from ingest.records import Post, Reject
from ingest.sources.base import Order
from ingest.sources.responses import outcome, parsed
from ingest.sources.x import twitter_v2

TOKEN: Final = "MARSAD_X_BEARER"  # the name of a variable, no secret
#: What of a post is read. Names of accounts come by expansion: archives name accounts so, too.
FIELDS: Final[Mapping[str, str]] = {
    "tweet.fields": "author_id,created_at,edit_history_tweet_ids,entities,note_tweet,"
    "public_metrics,referenced_tweets",
    "expansions": "author_id,referenced_tweets.id,referenced_tweets.id.author_id",
    "user.fields": "username",
}
#: How an error begins that is about the query itself.
WRONG: Final = "X finds the question wrong"
_EXPLAINED = (400, 401, 402, 403, 429, 503)


def ask(
    client: Client,
    order: Order,
    path: str,
    params: Mapping[str, str] | None = None,
    *,
    content: Record | None = None,
) -> Record:
    """Return what X answers to a question, or to ``content`` that is sent to it.

    Raises :class:`~ingest.errors.SourceError` in the words of X.
    """
    answer = client.get(
        order.url + path, params, keys=keys(order), content=content, expected=_EXPLAINED
    )
    if answer.status >= 400:
        raise refusal(answer)
    page = parsed(answer.body)
    if not isinstance(page.get("meta"), dict):  # which every list has, an empty one too
        raise SourceChanged(f"X answers in another form: {problem_words(page)}", body=answer.body)
    return page


def keys(order: Order) -> dict[str, str]:
    """Return the header that carries the token."""
    return {"Authorization": f"Bearer {order.secrets.get(TOKEN, '')}"}


def refusal(answer: Answer) -> SourceError:
    """Return what an error status of X means; it explains itself in JSON."""
    try:
        problem = parsed(answer.body)
    except SourceChanged:
        return status_error(answer)
    except SourceBlocked as error:
        return error
    words = problem_words(problem)
    if answer.status == 400:
        return SourceChanged(f"{WRONG}: {words}", body=answer.body)
    if answer.status == 503:
        return SourceError(f"X fails (503): {words}", body=answer.body, wait=answer.wait)
    what = {
        401: f"X does not know the token ({TOKEN})",
        402: "the credits of the token's account are used up",
        403: "X does not allow this to the token",
        429: "X asks for fewer requests",
    }[answer.status]
    return SourceBlocked(f"{what}: {words}", body=answer.body, wait=answer.wait)


def problem_words(problem: object) -> str:
    """Return what X says of a problem, shortly."""
    told = first(
        dig(problem, "errors", 0, "message"),
        dig(problem, "detail"),
        dig(problem, "errors", 0, "detail"),
        dig(problem, "title"),
    )
    return word(told)[:300] or "it gives no reason"


def posts(page: Record) -> list[Record]:
    """Return the posts of an answer, each with what it needs of ``includes``."""
    return twitter_v2.split({name: page[name] for name in page if name in _PAGE}) or []


_PAGE = frozenset({"data", "includes", "errors", "meta"})


def map_item(record: Record, seen: Seen) -> Post | Reject:
    """Return the post of one record of :func:`posts`."""
    return outcome(twitter_v2.fields_of(record), record, seen)
