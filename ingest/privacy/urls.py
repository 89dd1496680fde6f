"""Accounts in the ids and addresses of posts: found, and given another name.

What is known of a platform's addresses stands in one table. Of an address on a known platform
only what the table names is kept; of any other, the path with what looks like an account
renamed. Users and passwords are dropped everywhere, and so are parameters and fragments that are
not known to number a post: most name the person who shared it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, quote, unquote_plus, urlsplit

Rename = Callable[[str], str]

#: What names become, see :func:`ingest.privacy.protector.pseudonym`.
PSEUDONYM = re.compile(r"u_[a-z2-7]{16}")


class _Site(NamedTuple):
    paths: re.Pattern[str]
    """What of a path is kept; every group is an account. The rest of the path is dropped."""
    posts: frozenset[str] = frozenset()
    """Parameters that number a post."""
    accounts: frozenset[str] = frozenset()
    """Parameters that name an account."""


def _site(*paths: str, posts: str = "", accounts: str = "") -> _Site:
    # `{}` is an account. A path ends where a part of it ends.
    joined = "|".join(f"(?:{path})(?=/|$)" for path in paths).replace("{}", "([^/]+)")
    return _Site(re.compile(joined, re.I), frozenset(posts.split()), frozenset(accounts.split()))


_TWITTER = _site(
    r"/i/(?:web/)?status/\d+",
    r"/i/(?:events|broadcasts|spaces)/\w+",
    r"/hashtag/[^/]+",
    r"/intent/[a-z]+",
    r"/(?:i|search|home|explore|login|share)",
    r"/{}/status(?:es)?/\d+",
    r"/{}",
    accounts="user_id screen_name",
)
_FACEBOOK = _site(
    r"/groups/[^/]+/(?:user|members)/{}",
    r"/groups/[^/]+(?:/(?:posts|permalink)/\w+)?",
    r"/[a-z_]+\.php",
    r"/(?:events|reel|hashtag|share/[prv])/[^/]+",
    r"/(?:people|pages)/{}/{}",
    r"/(?:stories|pg|people|pages)/{}",
    r"/(?:watch|photo|events|login)",
    r"/{}/(?:posts|videos|activity|permalink)/(?:\d+|pfbid\w+)",
    r"/{}/photos/(?:{}/)?\d+",
    r"/{}",
    posts="story_fbid fbid v comment_id",
    accounts="id",
)
_TELEGRAM = _site(r"/s/{}(?:/\d+)?", r"/c/\d+(?:/\d+)+", r"/{}(?:/\d+)*", posts="comment")
# Addresses as the platforms themselves write them. First match wins, so what is no account
# comes before the pattern that takes anything for one.
_SITES = {
    "twitter.com": _TWITTER,
    "x.com": _TWITTER,
    "facebook.com": _FACEBOOK,
    "t.me": _TELEGRAM,
    "telegram.me": _TELEGRAM,
    "instagram.com": _site(
        r"/(?:p|reels?|tv)/[\w-]+",
        r"/explore(?:/tags/[^/]+)?",
        r"/stories/highlights/\d+",
        r"/stories/{}(?:/\d+)?",
        r"/{}(?:/(?:p|reel|tv)/[\w-]+)?",
    ),
    "youtube.com": _site(
        r"/(?:watch|playlist|results)",
        r"/(?:shorts|live|embed|post|hashtag)/[^/]+",
        r"/(?:channel|user|c)/{}",
        r"/{}",
        posts="v lc",
    ),
    "youtu.be": _site(r"/[\w-]+"),
    "tiktok.com": _site(r"/@{}(?:/(?:video|photo)/\d+)?", r"/tag/[^/]+"),
    "reddit.com": _site(
        r"/r/u_{}(?:/comments/\w+)?",
        r"/r/[^/]+(?:/comments/\w+)?",
        r"/comments/\w+",
        r"/u(?:ser)?/{}(?:/comments/\w+)?",
    ),
    "bsky.app": _site(r"/profile/{}(?:/post/\w+)?"),
    "linkedin.com": _site(r"/(?:in|pub)/{}", r"/company/[^/]+", r"/feed/update/[\w:%-]+"),
    "vk.com": _site(r"/(?:wall|photo|video|note|topic)(-?\d+|u_[a-z2-7]{16})_\d+", r"/{}"),
    "plus.google.com": _site(r"/communities/\w+", r"/{}(?:/posts/\w+)?"),
    "tumblr.com": _site(
        r"/post/\d+", r"/tagged/[^/]+", r"/blog/(?:view/)?{}(?:/\d+)?", r"/{}(?:/\d+)?"
    ),
    "flickr.com": _site(r"/(?:photos|people)/{}(?:/\d+)?"),
    "dailymotion.com": _site(r"/video/\w+", r"/(?:user/)?{}"),
    "write.as": _site(r"/{}/[^/]+", r"/{}"),
    "micro.blog": _site(r"/{}(?:/\d+)?"),
    "lemmy.world": _site(r"/post/\d+", r"/c/[^/]+", r"/u/{}"),
    "ask.fm": _site(r"/{}(?:/answers?/\d+)?"),
}
# Sites that give each account a host of its own.
_OWN_HOST = re.compile(
    r"(?!www\.|m\.)([\w-]+)\.((?:blogspot|skyrock|over-blog)(?:\.[a-z]+)+"
    r"|(?:tumblr|wordpress|livejournal|substack|medium|canalblog|hautetfort|eklablog|overblog"
    r"|blog4ever|weebly|wixsite|typepad|hatenablog|writeas)\.com|write\.as|micro\.blog"
    r"|(?:github|ghost)\.io|(?:home|art|data)\.blog|bearblog\.dev|neocities\.org|unblog\.fr"
    r"|free\.fr|bsky\.social)"
)
# On any other site: the part of the path after one of these words, or with one of these signs.
_BEFORE_ACCOUNT = frozenset(
    (
        *("user", "users", "u", "profile", "profiles", "author", "authors", "auteur", "member"),
        *("members", "membre", "membres", "people", "account", "accounts", "channel", "in"),
        # PeerTube
        *("a", "c", "video-channels", "actor", "actors"),
        *("profil", "profils", "utilisateur", "utilisateurs", "perfil", "usuario", "blogs"),
    )
)
# Pixelfed writes `/p/name/number`; elsewhere what follows `/p/` is a post.
_PIXELFED = re.compile(r"/p/([^/]+)/(\d+)/?")
_POST_NUMBERS = frozenset(
    ("p", "t", "post", "post_id", "pid", "tid", "topic", "thread", "article", "id_article")
)
_POST_FRAGMENT = re.compile(r"(?:p|post|comment|reply|msg)[_-]?\d+")
_VALUE = re.compile(r"[\w-]{1,200}")
_OURS = re.compile(r"archive:[^:]*:|(?!did:|at:|https?:)[a-z0-9_-]+:(?!//)")
# Telegram counts messages within a chat, which stands before the number.
_CHAT = re.compile(r"telegram:([^/]+)/(-?\d+)")
# Facebook's Graph writes `<account>_<post>`, Instagram `<post>_<account>`.
_TWO_NUMBERS = re.compile(r"-?(\d+)((?:_\d+)+)")
_RENAMED_NUMBERS = re.compile(rf"{PSEUDONYM.pattern}(?:_\d+)+|\d+_{PSEUDONYM.pattern}")
_AT = re.compile(r"at://([^/?#]+)", re.IGNORECASE)
_DID = re.compile(r"did:[a-z]+:[\w.:%-]+")
_HOST = re.compile(r"(?:[\w-]+\.)+[a-z]{2,}(?=[/:?#]|$)", re.IGNORECASE)
_SEPARATORS = " \t_.+-"
_SQUEEZE = str.maketrans("", "", _SEPARATORS)


def rename_reference(reference: str, platform: str, author: str, rename: Rename) -> str:
    """Rename the accounts in an id (``platform:native``) or in what refers to one.

    Different ids stay different: what is dropped of an address leaves its keyed hash.
    """
    if chat := _CHAT.fullmatch(reference):
        return f"telegram:{rename(chat[1])}/{chat[2]}"
    # What stands before the native id is ours (`platform:`, `archive:<data set>:`).
    ours = _OURS.match(reference)
    start = ours.end() if ours else 0
    native = reference[start:]
    if reference.startswith("archive:"):
        # a data set may be named after the only author whose posts it holds
        reference = without_author(reference[:start], author, rename) + native
        start = len(reference) - len(native)
    if not native or native.isdecimal():
        return reference
    if native[:4].lower() == "http":
        return reference[:start] + _address(native, author, rename, exact=True)
    if numbers := _TWO_NUMBERS.fullmatch(native):
        return reference[:start] + _numbers(numbers, platform, rename)
    return reference[:start] + _name(native, author, rename)


def rename_address(url: str, author: str, rename: Rename) -> str:
    """Rename the accounts in a URL, and drop what may name people; empty if it is no URL."""
    if not url:
        return ""
    if url[:4].lower() == "http" or url.startswith("//"):
        return _address(url, author, rename)
    if url[:5].lower() == "at://":
        return _name(url, author, rename)
    return _address("//" + url, author, rename)[2:] if _HOST.match(url) else ""


def is_two_numbers(reference: str) -> bool:
    """Tell whether this is an id of two numbers, one an account's or its pseudonym."""
    return bool(_TWO_NUMBERS.fullmatch(reference) or _RENAMED_NUMBERS.fullmatch(reference))


def _numbers(found: re.Match[str], platform: str, rename: Rename) -> str:
    first, rest = found[1], found[2]
    if platform == "instagram":
        post, _, account = found.group().rpartition("_")
        return f"{post}_{rename(account)}"
    if platform not in {"facebook", "vk"} and len(first) < 5:
        return found.group()  # a page and a line, a thread and a post
    return rename(first) + rest


def _name(native: str, author: str, rename: Rename) -> str:
    """Rename accounts in an id that is no web address."""
    native = _AT.sub(lambda found: "at://" + rename(found[1]), native)
    native = _DID.sub(lambda found: rename(found.group()), native)
    if "/" in native and not native.startswith("at://"):
        native = _any_path(native, rename)
    return without_author(native, author, rename)


def _address(url: str, author: str, rename: Rename, *, exact: bool = False) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        if not exact:
            return ""
        parts = SplitResult("", "", "", "", url)
    host = parts.netloc.rpartition("@")[2].lower()
    own = _OWN_HOST.fullmatch(host)
    site = _SITES.get(host.removeprefix("www.")) or _site_of(host)
    if site:
        found = site.paths.match(parts.path)
        kept = parts.path[: found.end()] if found else "/"[: len(parts.path)]
        path = _renamed(found, rename) if found else kept
    else:
        kept = parts.path
        path = _any_path(kept, rename)
        host = without_author(host, author, rename)
    if own:
        host = f"{rename(own[1])}.{own[2]}"
    elif not exact and _is_one_persons(author, host):
        host = without_author(host, author.lstrip("@＠").partition("@")[0], rename)
    query, kept_query = _query(parts.query, site, author, rename)
    fragment = parts.fragment if _is_post_fragment(parts.fragment) else ""
    scheme = f"{parts.scheme}:" if parts.scheme else ""
    result = f"{scheme}//{host}{without_author(path, author, rename)}"
    if query:
        result += "?" + query
    if fragment:
        result += "#" + fragment
    elif exact and (kept, kept_query, "") != (parts.path, parts.query, parts.fragment):
        dropped = "\0".join((parts.path[len(kept) :], parts.query, parts.fragment))
        digest = hashlib.blake2b(dropped.encode("utf-8", "surrogatepass"), digest_size=16)
        result += "#" + rename(digest.hexdigest())
    return result


def _is_one_persons(author: str, host: str) -> bool:
    """Say whether ``name@host`` is the only account of a host that has the same name."""
    own, _, home = author.lstrip("@＠").casefold().partition("@")
    return bool(home) and host.partition(":")[0] == home and own in home.split(".")


@lru_cache(maxsize=4096)
def _site_of(host: str) -> _Site | None:
    """Return the known site of a host, also for `fr-fr.facebook.com` and with a port."""
    labels = host.partition(":")[0].split(".")
    names = (".".join(labels[start:]) for start in range(len(labels) - 1))
    return next((_SITES[name] for name in names if name in _SITES), None)


def _renamed(found: re.Match[str], rename: Rename) -> str:
    parts, end = [], 0
    for number in range(1, (found.re.groups) + 1):
        start, stop = found.span(number)
        if start >= 0:
            parts += [found.string[end:start], _account(found[number], rename)]
            end = stop
    return "".join([*parts, found.string[end : found.end()]])


def _any_path(path: str, rename: Rename) -> str:
    """Rename what stands where accounts stand on most sites."""
    if pixelfed := _PIXELFED.fullmatch(path):
        return f"/p/{_account(pixelfed[1], rename)}/{pixelfed[2]}"
    parts = path.split("/")
    for number, part in enumerate(parts):
        before = parts[number - 1].lower() if number else ""
        if part and (before in _BEFORE_ACCOUNT or part[0] in "@~＠" or part[:3] == "%40"):
            parts[number] = _account(part, rename)
    return "/".join(parts)


def _account(part: str, rename: Rename) -> str:
    """Rename a part of a path, compared as it reads: without percent signs and plus signs."""
    name = unquote_plus(part).strip()
    sign = name[:1] if name[:1] in ("@", "~") else ""
    return sign + rename(name.lstrip("@＠~"))


def _query(query: str, site: _Site | None, author: str, rename: Rename) -> tuple[str, str]:
    """Return the parameters that are kept: with accounts renamed, and as they were."""
    if not query:
        return "", ""
    renamed, kept = [], []
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if site and key in site.accounts and value:
            renamed.append(f"{key}={_account(value, rename)}")
        elif (
            (key in site.posts and _VALUE.fullmatch(value))
            if site
            else (key in _POST_NUMBERS and value.isdecimal())
        ):
            renamed.append(f"{key}={without_author(value, author, rename)}")
        else:
            continue
        kept.append(pair)
    return "&".join(renamed), "&".join(kept)


def _is_post_fragment(fragment: str) -> bool:
    return bool(_POST_FRAGMENT.fullmatch(fragment) or PSEUDONYM.fullmatch(fragment))


def without_author(text: str, author: str, rename: Rename) -> str:
    """Rename an author wherever the name stands as whole words, in each part of a path.

    Of ``name@host`` the name counts alone as well, behind the host of an address.
    """
    name = author.lstrip("@＠")
    own, sign, host = name.partition("@")
    if sign and "." in host:
        place, slash, path = text.partition("/")
        text = place + slash + without_author(path, own, rename)
    if len(name) < 2 or not text:
        return text
    wanted = _squeezed(name)
    if not wanted or wanted not in _squeezed(unquote_plus(text)):
        return text
    whole = _whole(name)
    parts = text.split("/")
    for number, part in enumerate(parts):
        read = unquote_plus(part)
        changed = whole.sub(lambda _: rename(name), read)
        if changed != read:
            parts[number] = quote(changed, safe="@:~!$&'()*,;=+-._") if read != part else changed
    return "/".join(parts)


def _squeezed(text: str) -> str:
    return text.casefold().translate(_SQUEEZE)


@lru_cache(maxsize=4096)
def _whole(name: str) -> re.Pattern[str]:
    # An underscore is a boundary here: Facebook's ids are `<account>_<post>`.
    words = [re.escape(word) for word in re.split(r"[\s_.+-]+", name) if word]
    joined = r"[\s_.+-]*".join(words)
    return re.compile(rf"(?<![^\W_]){joined}(?![^\W_])", re.IGNORECASE)
