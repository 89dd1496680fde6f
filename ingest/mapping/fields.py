"""Which field of an archive is which field of a post: named by the user, or known by its name."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from ingest.errors import MappingError
from ingest.mapping import hints
from ingest.mapping.cells import written_list
from ingest.mapping.hints import Sample
from ingest.mapping.ids import unwrap
from ingest.mapping.missing import is_missing

#: Names under which archives keep what a post needs; the first that a record has is taken.
#: Letters and digits count alone: ``created_at``, ``createdAt`` and ``Created At`` are one
#: name. A dot leads into an object (or is part of a column's name).
ALIASES: dict[str, str] = {
    "id": (
        "id_str tweet_id_str tweet_id comment_id comment_id_str cid status_id_str status_id id "
        "message_id post_id identifiant rest_id native_id video_id aweme_id _id"
    ),
    "text": (
        "note_tweet.text extended_tweet.full_text full_text text tweet_text tweet tweet_content "
        "comment_message comment_text comment_body message_text message post_text post_message "
        "post_content status_message status_text comment body raw_content content caption "
        "video_description selftext desc texte contenu commentaire message_texte publication "
        "record.text النص نص المحتوى التعليق المنشور 微博正文 正文"
    ),
    "created_at": (
        "created_at created_utc created_time comment_published comment_created_time "
        "creation_date creation_time create_time create_time_iso date_created created_date created "
        "post_created published_at published_time post_published status_published published "
        "publication_date publish_date pub_date posted_at post_date tweet_created_at "
        "timestamp_utc time_parsed taken_at indexed_at datetime date_time timestamp_ms timestamp "
        "date_publication date_de_publication date_heure date record.createdAt time heure "
        "التاريخ تاريخ تاريخ_النشر 发布时间 日期"
    ),
    "time_of_day": "heure time hour time_of_day heure_de_publication hora الساعة الوقت ساعة",
    "author": (
        "user.screen_name author.screen_name author.username user.username author.handle "
        "account.acct comment_author comment_by screen_name user_screen_name user_name "
        "author_name author_handle author_meta.name handle username author user "
        "from_user from poster auteur utilisateur account from.username owner.username owner "
        "user.id_str author.id_str author.id user.id author_id user_id from_id from.id owner.id "
        "owner_id account.id user.name author.name from.name owner.name account.name "
        "author.did الكاتب المستخدم الحساب 用户昵称"
    ),
    "url": (
        "url post_url tweet_url status_url permalink permalink_url permanent_url post_link "
        "tweet_link web_video_url video_url tiktok_url comment_url status_link link lien uri "
        "الرابط"
    ),
    "reply_to": (
        "in_reply_to_status_id_str in_reply_to_status_id in_reply_to_tweet_id in_reply_to_id "
        "reply_to_status_id reply_to_message_id reply_to_id to_tweet_id parent_id "
        "referenced_tweets.replied_to.id reply_to in_reply_to"
    ),
    "repost_of": (
        "retweeted_status.id_str retweeted_status.id retweeted_status_id_str retweeted_status_id "
        "retweeted_tweet.id retweeted_id retweet_status_id referenced_tweets.retweeted.id "
        "reblog.id shared_post_id retweet_of repost_of"
    ),
    "platform": "platform source_platform social_network social_media network plateforme",
    "hashtags": "hashtags hashtag entities.hashtags hashtag_names tags hash_tags 话题",
    "edited_at": (
        "edited_at edited_time edit_date date_edited last_edited_at last_edited edited "
        "updated_at updated_time modified_at"
    ),
    "collected_at": (
        "collected_at scraped_at retrieved_at crawled_at fetched_at collection_time "
        "timestamp_collected"
    ),
    "fictional": "fictional",
    "likes": (
        "counts.likes favorite_count favourite_count favourites_count comment_like_count "
        "like_count likes_count likes num_likes favorites favourites digg_count "
        "public_metrics.like_count nb_likes j_aime nb_j_aime nombre_de_j_aime mentions_j_aime "
        "nombre_de_likes votes إعجاب إعجابات الإعجابات عدد_الإعجابات 点赞数"
    ),
    "reposts": (
        "counts.reposts retweet_count retweets_count retweets repost_count reposts reblogs_count "
        "share_count shares_count shares num_shares public_metrics.retweet_count partages "
        "nb_partages nombre_de_partages nombre_de_retweets مشاركة مشاركات المشاركات عدد_المشاركات "
        "转发数"
    ),
    "replies": (
        "counts.replies reply_count replies_count replies comment_count comments_count "
        "num_comments comments public_metrics.reply_count commentaires nb_commentaires "
        "nombre_de_commentaires reponses nombre_de_reponses nb_reponses تعليقات التعليقات "
        "عدد_التعليقات 评论数"
    ),
    "quotes": "counts.quotes quote_count quotes public_metrics.quote_count",
    "views": (
        "counts.views view_count views_count views impression_count play_count num_views "
        "public_metrics.impression_count vues nb_vues nombre_de_vues مشاهدات المشاهدات "
        "عدد_المشاهدات"
    ),
}
#: Columns that name the post which a comment answers, where the row is one of a comment.
_COMMENT_IDS = frozenset({"commentid", "commentidstr", "cid"})
_ANSWERED = ("parent_id", "status_id", "post_id", "video_id", "link_id")
#: The flag of an invented post, as exports of Marsad have it in their list of flags.
FICTIONAL = "fictional"
COUNTS = ("likes", "reposts", "replies", "quotes", "views")
#: Fields that name another post, in some archives its author instead. What a field whose name
#: ends in "id" holds is the id of a post, and is found under ``reply_to_id``, ``repost_of_id``.
REFERENCES = ("reply_to", "repost_of")
#: What ``--map`` may name.
TARGETS = tuple(ALIASES)
#: The field of a file that a post's field is taken from where it is taken from none.
NOTHING = ""
_T = TypeVar("_T")
_PLANS = 1024
_SHOWN = 30


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Return the letters and digits of a field's name, small and without accents."""
    decomposed = unicodedata.normalize("NFKD", name[:200]).casefold()
    return "".join(sign for sign in decomposed if sign.isalnum())


def _paths(target: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(alias.split(".")) for alias in ALIASES[target].split())


_ALIAS_PATHS = {target: _paths(target) for target in TARGETS}
#: Every known name, as :func:`plain` writes it.
KNOWN = frozenset(plain("".join(path)) for paths in _ALIAS_PATHS.values() for path in paths)


def checked(mapping: Mapping[str, str]) -> dict[str, str]:
    """Return a user's mapping in one order. Raises :class:`MappingError` for unknown targets."""
    result = {}
    for target, field in sorted(mapping.items()):
        name = target.strip().removeprefix("counts.")
        if name not in ALIASES:
            near = difflib.get_close_matches(name, TARGETS, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise MappingError(
                f"--map {target}={field}: a post has no field {target!r}.{hint} "
                f"Its fields are {', '.join(TARGETS)}"
            )
        if not field.strip():
            raise MappingError(
                f"--map {target}=: name the field of the file, as in --map {target}=body"
            )
        result[name] = field.strip()
    return result


class RowMapper:
    """Takes the fields of a post from the cells of a row."""

    def __init__(self, columns: Sequence[str], mapping: Mapping[str, str]) -> None:
        self._sources: list[tuple[str, tuple[int, ...]]] = []
        self.found: dict[str, list[str]] = {}
        """The columns each field is taken from, the first that is not empty."""
        places: dict[str, int] = {}
        plains: dict[str, int] = {}
        for place, name in enumerate(columns):
            places.setdefault(name, place)
            plains.setdefault(plain(name), place)
        self._references = plains.get("referencedtweets", -1)
        for target, paths in _ALIAS_PATHS.items():
            if mapping.get(target) == NOTHING:
                indices = []
            elif target in mapping:
                indices = [_column(target, mapping[target], columns, places)]
            else:
                names = [plain("".join(path)) for path in paths]
                if target == "reply_to" and self._of_comments(mapping):
                    names += map(plain, _ANSWERED)
                indices = [plains[name] for name in dict.fromkeys(names) if name in plains]
            if indices:
                for slot, places_of_slot in _slots(target, indices, lambda i: columns[i]):
                    self._sources.append((slot, tuple(places_of_slot)))
                self.found[target] = [columns[index] for index in indices]

    def _of_comments(self, mapping: Mapping[str, str]) -> bool:
        """Say whether the rows are comments, which have the post that they answer beside them."""
        chosen = mapping.get("id") or next(iter(self.found.get("id", [])), "")
        return plain(chosen) in _COMMENT_IDS

    def values(self, cells: Sequence[str]) -> dict[str, object]:
        """Return what a row holds for each field; the text also where it is empty."""
        found: dict[str, object] = {}
        for target, indices in self._sources:
            for index in indices:
                if index < len(cells):
                    cell = cells[index]
                    if cell and (target == "text" or not is_missing(cell)):
                        found[target] = cell
                        break
                    if target == "text":
                        found[target] = ""
        if 0 <= self._references < len(cells) and cells[self._references][:1] == "[":
            _referenced(written_list(cells[self._references]), found)
        return found


def _slots(target: str, sources: list[_T], name: Callable[[_T], str]) -> list[tuple[str, list[_T]]]:
    """Return the sources of a field, ids of posts apart from what may be names of accounts."""
    if target not in REFERENCES:
        return [(target, sources)] if sources else []
    ids = [source for source in sources if plain(name(source)).endswith(("id", "idstr"))]
    others = [source for source in sources if source not in ids]
    return [(slot, part) for slot, part in ((f"{target}_id", ids), (target, others)) if part]


def _column(target: str, field: str, columns: Sequence[str], places: Mapping[str, int]) -> int:
    if field in places:
        return places[field]
    if field.startswith("#") and field[1:].isdigit() and 0 < int(field[1:]) <= len(columns):
        return int(field[1:]) - 1
    raise missing(target, field, columns)


def missing(target: str, field: str, columns: Iterable[str]) -> MappingError:
    """Return the error for a field that a user named and the file does not have."""
    columns = list(columns)
    near = difflib.get_close_matches(field, columns[:1000], 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return MappingError(
        f"--map {target}={field}: the file has no field {field!r}.{hint} It has {_listed(columns)}"
    )


def no_text(columns: Iterable[str], sample: Sample | None = None) -> MappingError:
    """Return the error for a file in which no field is known to hold texts.

    ``sample`` are texts of its first records under the names that the advice may propose.
    """
    columns = list(columns)
    unknown = {name: values for name, values in (sample or {}).items() if plain(name) not in KNOWN}
    example = hints.likeliest(unknown)
    named = f", for example: --map 'text={example}'" if example else ": --map text=NAME"
    return MappingError(
        f"no field is known to hold the text of a post. The file has {_listed(columns)}. "
        f"If one of them does, name it{named}"
    )


def no_header(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> MappingError:
    """Return the error for a table whose first row is no header; it may hold a text itself."""
    places = [f"#{place}" for place in range(1, len(columns) + 1)]
    example = hints.likeliest(hints.of_rows(places, [columns, *rows]))
    return MappingError(
        "no column is known to hold the text of a post: the first row seems to be data and not "
        f"names of columns. Name the columns by their places, for example: --map 'text={example}'"
    )


def _listed(columns: list[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in columns[:_SHOWN])
    more = f" and {len(columns) - _SHOWN:,} more" if len(columns) > _SHOWN else ""
    return f"{shown}{more}" if columns else "no fields at all"


class ObjectMapper:
    """Takes the fields of a post from a JSON object.

    Objects of one file differ (only a repost has the id of what it repeats), so each is asked
    for every known name; which names can be there is remembered for objects with equal keys.
    """

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._mapping = mapping
        self._plans: dict[tuple[str, ...], list[tuple[str, list[tuple[str, ...]]]]] = {}
        self.found: dict[str, list[str]] = {}
        """The fields that held something, in the order they are asked."""

    def values(self, record: dict[str, Any]) -> dict[str, object]:
        """Return what an object holds for each field; null is nothing."""
        found: dict[str, object] = {}
        for target, paths in self._known_plan(tuple(record)):
            for path in paths:
                value = record[path[0]] if len(path) == 1 else _walk(record, path)
                if value is None or value == "":
                    if value == "" and target == "text":
                        found[target] = value
                    continue
                if target != "text" and isinstance(value, str) and is_missing(value):
                    continue
                if type(value) is dict:
                    value = unwrap(value)
                    if type(value) is dict and target not in self._mapping:
                        continue  # an author's profile, not a name: a path leads further
                found[target] = value
                break
        if "referenced_tweets" in record:
            _referenced(record["referenced_tweets"], found)
        flags = record.get("flags")
        if type(flags) is list and FICTIONAL in flags:  # an export of Marsad
            found.setdefault("fictional", True)
        return found

    def survey(self, records: Iterable[dict[str, Any]]) -> None:
        """Note in ``found`` which fields the records of a sample have."""
        seen: dict[str, dict[str, None]] = {}
        for record in records:
            for slot, paths in self._known_plan(tuple(record)):
                target = slot if slot in ALIASES else slot.removesuffix("_id")
                for path in paths:
                    if _walk(record, path) is not None:
                        seen.setdefault(target, {})[".".join(path)] = None
        self.found = {target: list(seen[target]) for target in TARGETS if target in seen}

    def _known_plan(self, shape: tuple[str, ...]) -> list[tuple[str, list[tuple[str, ...]]]]:
        plan = self._plans.get(shape)
        if plan is None:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            plan = self._plans[shape] = self._plan(shape)
        return plan

    def _plan(self, shape: tuple[str, ...]) -> list[tuple[str, list[tuple[str, ...]]]]:
        plains: dict[str, str] = {}
        for key in shape:
            plains.setdefault(plain(key), key)
        plan = []
        for target, aliases in _ALIAS_PATHS.items():
            paths: list[tuple[str, ...]] = []
            if self._mapping.get(target) == NOTHING:
                continue
            if target in self._mapping:
                field = self._mapping[target]
                first, *rest = field.split(".")
                if field in shape:
                    paths.append((field,))
                elif first in shape:
                    paths.append((first, *rest))
            else:
                for alias in aliases:
                    whole = plains.get(plain("".join(alias)))
                    if whole is not None:
                        paths.append((whole,))
                    first_key = plains.get(plain(alias[0]))
                    if len(alias) > 1 and first_key is not None:
                        paths.append((first_key, *alias[1:]))
                if target == "reply_to" and any(name in plains for name in _COMMENT_IDS):
                    paths += [(plains[key],) for key in map(plain, _ANSWERED) if key in plains]
            paths = list(dict.fromkeys(paths))
            plan += _slots(target, paths, lambda path: path[-1])
        return plan


def _walk(record: object, path: Sequence[str]) -> object:
    for key in path:
        if type(record) is dict:
            record = record.get(key)
        elif type(record) is list and key.isdecimal() and int(key) < len(record):
            record = record[int(key)]
        else:
            return None
    return record


def _referenced(references: object, found: dict[str, object]) -> None:
    """Take replies and reposts from Twitter's second API: ``[{"type": …, "id": …}]``."""
    for reference in references if isinstance(references, list) else ():
        if isinstance(reference, dict):
            kind = {"replied_to": "reply_to_id", "retweeted": "repost_of_id"}.get(
                str(reference.get("type"))
            )
            if kind and reference.get("id"):
                found.setdefault(kind, reference["id"])


def fields_of(records: Iterable[dict[str, Any]]) -> list[str]:
    """Return the names of all fields of a sample, inner ones with a dot, in order of appearance."""
    names: dict[str, None] = {}
    for record in records:
        for key, value in record.items():
            names[key] = None
            if isinstance(value, dict):
                names.update(dict.fromkeys(f"{key}.{inner}" for inner in value))
    return list(names)


def column_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Return one name per column: ``#3`` for an empty one, ``text#2`` for the second ``text``."""
    counted: dict[str, int] = {}
    names = []
    for place, cell in enumerate(cells, start=1):
        name = cell.strip().removeprefix("\ufeff") or f"#{place}"
        counted[name] = counted.get(name, 0) + 1
        names.append(name if counted[name] == 1 else f"{name}#{counted[name]}")
    return tuple(names)
