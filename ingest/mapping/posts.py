"""The fields of one record become a post, or the reason why they can't."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo

import msgspec

from ingest import dates
from ingest.mapping.addresses import post_at
from ingest.mapping.cells import named_account, written_list
from ingest.mapping.fields import COUNTS
from ingest.mapping.ids import Id, Number, native_id, platform_name, unwrap
from ingest.mapping.missing import is_gone, is_missing, is_no_account, is_no_text
from ingest.mapping.objects import Bad
from ingest.mapping.tool import account
from ingest.privacy.urls import is_two_numbers
from ingest.records import Flag, Post, Tombstone
from ingest.text import readable, without_plus_names

# A hashtag in a text: letters of any script, with the marks and joiners that Arabic and
# Persian words hold; not the end of a URL, not a number, not &#39;.
_HASHTAG = re.compile(r"(?<![\w&/#])[#＃]([\w\u0610-\u061a\u064b-\u065f\u0670\u200c]+)")
_RETWEET = re.compile(r"RT @(\w{1,50}):? ")
# In a field: words, whatever separates them and whichever quotes a program put around them.
_R_VECTOR = re.compile(r"c\((.*)\)", re.DOTALL)
_LISTED = re.compile(r"[^\s,;|#＃\[\]{}()'\"،]+")
_COUNT = re.compile(r"(\d{1,18}|\d{1,3}(?:[,.\u00a0\u202f ]\d{3}){1,5})(?:\.0)?")
_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")
_VERSION = re.compile(r"-?\d{1,18}", re.ASCII)  # of what fits into the stores
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# From the clocks of UTC+14 to those of UTC-12: so far off may UTC be where it is only assumed.
_ZONES = timedelta(hours=26)
_TAG_KEYS = ("text", "tag", "name", "hashtag", "hashtagName", "title")
#: What may stand as the id of another post: a number, or signs with a digit among them.
_POST_ID = re.compile(r"-?\d+(?:_\d+)*|(?=\S*\d)[\w.:/@~%+=#?&-]{1,512}")
_ADDRESS = re.compile(r"https?://\S+|at://\S+|[a-z0-9-]{1,64}:[^\s'\"{}\[\]]+", re.IGNORECASE)
#: References that name nothing: Twitter and others write 0 where a post answers none.
_NO_POST = frozenset({"0", "-1"})
_SCHEMES = frozenset({"at://", "http:", "https"})
_YES = frozenset({"true", "yes", "1"})


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for all posts of one import."""

    dataset: str
    platform: str
    platform_first: bool
    """The platform was given for the whole file and counts more than a field."""
    zone: tzinfo
    zone_told: bool = True
    """Somebody said so; otherwise dates without a zone are only assumed to be of this one."""
    styles: Mapping[str, dates.DateStyle]
    now: datetime
    markup: bool = False
    """Texts may be wrapped in HTML, entities and escapes, and in a wrong encoding."""
    by_names: bool = False
    """Fields were found by their names, so that what is called an id may be a name."""
    by_address: bool = False
    """The address of a post says its platform and its id where nothing else does."""


def build(values: Mapping[str, object], frame: Frame) -> Post:
    """Return the post. Raises :class:`Bad` with the reason code if it can't be one."""
    text = values.get("text")
    if type(text) is not str:
        raise Bad("no-text" if text is None else "text-not-string")
    if (is_no_text(text) or is_gone(text)) and values.get("markup") is not False:
        raise Bad("text-missing")
    platform, own, author = _identity(values, frame)
    space = f"{platform}:" if platform else f"archive:{frame.dataset}:"
    platform = platform or "archive"
    flags: list[Flag] = []

    text, repaired = _gated(text, platform, values, frame)
    created = dates.Reading(None)
    if (written := _moment(values)) is not None:
        created = _date(written, "created_at", frame)
    if created.moment is None:
        flags.append("date-unknown")
    if not _plausible(created, frame) and (created.moment is not None or created.impossible):
        flags.append("date-implausible")
    if created.zone_assumed and not frame.zone_told:
        flags.append("zone-assumed")
    if own.suspect:
        flags.append("id-suspect")
    if repaired:
        flags.append("text-repaired")
    if _fictional(values.get("fictional")):
        flags.append("fictional")

    collected = None
    if (written := values.get("collected_at")) is not None:
        collected = _date(written, "collected_at", frame).moment
    return Post(
        id=_spaced(own.value, space) or space,
        platform=platform,
        text=_clean(text),
        version=_version(values, created, frame),
        created_at=created.moment,
        collected_at=collected or frame.now,
        author=author,
        url=_word(values.get("url")),
        reply_to=_reference("reply_to", values, space, frame),
        repost_of=_reference("repost_of", values, space, frame),
        repost_author=_repeated_author(values, platform, text),
        hashtags=_hashtags(values.get("hashtags"), text),
        counts=_counts(values),
        flags=tuple(flags),
        source=f"archive:{frame.dataset}",
    )


def _repeated_author(values: Mapping[str, object], platform: str, text: str) -> str:
    """Return whose post this one repeats: Twitter writes it before the words."""
    named = _word(values.get("repost_author")).removeprefix("@")
    if not named and platform == "twitter" and (found := _RETWEET.match(text)):
        return found[1]
    return "" if is_no_account(named) else named


def _identity(values: Mapping[str, object], frame: Frame) -> tuple[str, Id, str]:
    """Return the platform, the native id and the author; the address of the post may say them.

    Raises :class:`Bad` for an id that can't be used.
    """
    own = native_id(values.get("id"))
    author = _word(values.get("author")).removeprefix("@")
    if author[:1] in {"{", "["}:  # a profile that a program printed into one cell
        author = named_account(author)
    author = "" if is_no_account(author) else author
    platform = frame.platform
    if not frame.platform_first and (field := _word(values.get("platform"))):
        platform = platform_name(field) or platform
    address = None
    if frame.by_address or not own.value:
        address = post_at(_word(values.get("url")))
    if address is None and not platform and own.value[:5].lower() in _SCHEMES:
        address = post_at(own.value)  # an id that is an address, as Bluesky's and Mastodon's are
    if address is not None and (not platform or (platform == address.platform and not own.value)):
        platform, own = address.platform, Id(address.native)
        author = author or address.account
    if own.problem:
        raise Bad(own.problem)
    return platform, own, author


def _gated(
    text: str, platform: str, values: Mapping[str, object], frame: Frame
) -> tuple[str, bool]:
    """Return the text as its readers saw it, and whether it had to be repaired.

    What Marsad exported was read once already: its texts say so (``markup`` is false).
    """
    if values.get("markup") is False:
        return text, False
    if frame.markup:
        found = readable(text)
    elif platform == "twitter":
        found = readable(text, entities=True, markup=False)
    else:
        found = readable(text, entities=False, markup=False)
    if platform == "youtube":
        return without_plus_names(found.text), found.repaired
    return found


def _moment(values: Mapping[str, object]) -> object:
    """Return the date of a record, with the time of day that stands in a column beside it."""
    written, clock = values.get("created_at"), values.get("time_of_day")
    if (
        isinstance(written, str)
        and isinstance(clock, str)
        and written != clock
        and dates.time_of_day(clock)
        and dates.day_alone(written)
    ):
        return f"{written.strip()} {clock.strip()}"
    return written


def tombstone(platform: str, native: object, at: object, frame: Frame) -> Tombstone:
    """Return the deletion of a post. Raises :class:`Bad` if it names none."""
    own = native_id(native)
    if own.problem or not own.value:
        raise Bad(own.problem or "id-invalid")
    platform = frame.platform if frame.platform_first else platform
    return Tombstone(
        platform=platform,
        id=_spaced(own.value, f"{platform}:"),
        deleted_at=_date(at, "deleted_at", frame).moment,
        reason="deleted on the platform",
    )


def _fictional(value: object) -> bool:
    """Say whether a field tells that the post is invented."""
    return value is True or (isinstance(value, str) and value.strip().casefold() in _YES)


def _clean(text: str) -> str:
    """Return the text. Raises :class:`Bad` for what no store can keep."""
    if "\0" in text or not (text.isascii() or _encodable(text)):
        wrong = _NO_CHARACTER.search(text)
        raise Bad("nul" if wrong and wrong[0] == "\0" else "lone-surrogate")
    return text


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _word(value: object) -> str:
    """Return a name, address or number as text; nothing for lists and objects."""
    if isinstance(value, str):
        return _clean(value.strip())
    return ""


def _spaced(native: str, space: str) -> str:
    """Put the platform before an id, once: exports of Marsad have it there already."""
    if not native or native.startswith(space):
        return _clean(native)
    return _clean(space + native)


def _reference(target: str, values: Mapping[str, object], space: str, frame: Frame) -> str:
    """Return the id of another post; nothing where it was rounded or is no id.

    What may be the name of an account (see :data:`ingest.mapping.fields.REFERENCES`)
    is left without a platform before it: such names are replaced by pseudonyms later. So is what
    stands under the name of an id and is neither a number, nor has a digit, nor is an address.
    """
    if (value := values.get(f"{target}_id")) is not None:
        native = native_id(value).value
        if native in _NO_POST:
            return ""
        known = not frame.by_names or native.startswith(space)
        if not native or known or _names_post(native, space):
            return _spaced(native, space)
        return account(native)
    if (value := values.get(target)) is None:
        return ""
    if isinstance(value, str) and value[:1] in "[{":
        return named_account(value)
    native = native_id(value).value
    if native in _NO_POST:
        return ""
    if native.isdecimal() or _ADDRESS.fullmatch(native) or is_two_numbers(native):
        return _spaced(native, space)
    if "/" in native and _POST_ID.fullmatch(native):
        return _spaced(native, space)
    return account(_clean(native))


def _names_post(native: str, space: str) -> bool:
    """Say whether this may be the id of a post: Twitter's are numbers."""
    return native.isdecimal() if space == "twitter:" else bool(_POST_ID.fullmatch(native))


def _version(values: Mapping[str, object], created: dates.Reading, frame: Frame) -> int:
    """Return the version that an export of Marsad names, else the time of the last change.

    Where a zone was only assumed the version is lower than that of any reading of the same post
    whose zone is known, whichever it is: that one replaces this, and never the other way round.
    """
    written = values.get("version")
    if isinstance(written, str) and _VERSION.fullmatch(written):
        return int(written)
    changed, assumed = _plausible(created, frame), created.zone_assumed
    if (written := values.get("edited_at")) is not None:
        edited = _date(written, "edited_at", frame)
        if moment := _plausible(edited, frame):
            changed, assumed = moment, assumed or edited.zone_assumed
    if changed is None:
        return 0
    if assumed and not frame.zone_told:
        changed -= _ZONES
    return (changed - _EPOCH) // _MILLISECOND


def _plausible(reading: dates.Reading, frame: Frame) -> datetime | None:
    moment = reading.moment
    return moment if moment and dates.plausible(moment, frame.now) else None


def _date(value: object, column: str, frame: Frame) -> dates.Reading:
    value = unwrap(value)
    if not isinstance(value, str):
        return dates.Reading(None)
    return dates.read(value, frame.zone, frame.styles.get(column, dates.DateStyle()))


def _hashtags(value: object, text: str) -> tuple[str, ...]:
    """Return hashtags as written, without the sign, each once: of the field, else of the text."""
    tags: list[str] = []
    if (
        isinstance(value, str)
        and not isinstance(value, Number)
        and value.lstrip().startswith(("[", "{", "array(", "np.array("))
    ):
        listed = written_list(value)
        value = value if listed is None else listed
    if isinstance(value, list):
        for entry in value:
            if isinstance(entry, dict):
                entry = next((entry[key] for key in _TAG_KEYS if entry.get(key)), "")
            if isinstance(entry, str) and not isinstance(entry, Number):
                tags.append(_clean(entry.strip().lstrip("#＃")))
    elif isinstance(value, str) and not isinstance(value, Number) and value.strip() != "0":
        if vector := _R_VECTOR.fullmatch(value.strip()):
            value = vector[1]
        tags = _LISTED.findall(_clean(value))
    elif "#" in text or "＃" in text:
        tags = [tag for tag in _HASHTAG.findall(text) if not tag.isdecimal()]
    return tuple(dict.fromkeys(t for t in tags if t and not is_missing(t))) if tags else ()


def _counts(values: Mapping[str, object]) -> dict[str, int]:
    """Return the whole numbers among the counters; ``1.2K`` is no exact number and left out."""
    counts = {}
    for name in COUNTS:
        value = values.get(name)
        if value is None:
            continue
        value = unwrap(value)
        if isinstance(value, str) and (match := _COUNT.fullmatch(value.strip())):
            counts[name] = int(re.sub(r"\D", "", match[1]))
    return counts
