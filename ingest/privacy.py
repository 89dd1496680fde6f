"""Authors are protected before anything is written.

Every name of an account becomes a pseudonym, wherever it stands: as author, inside ids and URLs
that carry the account (``at://did:plc:…/…``, ``…/@name/123``), as the account replied to.
A pseudonym is ``u_`` and the first 80 bits of HMAC-SHA-256 (RFC 2104) over platform and name, so
nobody without the key can test a guess, and one person's accounts on two platforms stay apart.
Texts are masked (:mod:`ingest.masking`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Container, Sequence
from functools import lru_cache

import msgspec

from ingest.keyring import Key
from ingest.masking import handle_name, mask
from ingest.records import Post, Tombstone

Rename = Callable[[str], str]

# Places in URLs and URIs where an account stands, as the platforms' own addresses show them.
# Group 1 is what stays before the account, group 2 the account.
_ACCOUNTS = re.compile(
    r"((?:twitter|x)\.com/)(?!i/|hashtag/|search)(\w+)"
    r"|(facebook\.com/)(?!groups/|permalink|photo|watch|story|events/|profile\.php)([\w.-]+)"
    r"|(facebook\.com/profile\.php\?id=)(\d+)"
    r"|(instagram\.com/)(?!p/|reel/|tv/|explore/)([\w.]+)"
    r"|(youtube\.com/(?:channel|user|c)/)([\w.-]+)"
    r"|((?:t\.me|telegram\.me)/(?:s/)?)(?!c/)(\w+)"
    r"|(reddit\.com/u(?:ser)?/)([\w-]+)"
    r"|(bsky\.app/profile/)([\w.:-]+)"
    r"|(/(?:users|user|profile|author)/)([\w.-]+)"
    r"|(/@)([\w.-]+(?:@[\w.-]+)?)"
    r"|(at://)([\w.:-]+)"
    r"|()(did:[a-z]+:[\w.:%-]+)",
    re.IGNORECASE,
)
_OURS = re.compile(r"archive:[^:]*:|(?!did:|at:|https?:)[a-z0-9_-]+:(?!//)")
# Telegram counts messages within a chat, which stands before the number.
_CHAT = re.compile(r"telegram:(\w+)/(\d+)")
_PSEUDONYM = re.compile(r"u_[a-z2-7]{16}")
_ENCODER = msgspec.json.Encoder(order="deterministic")


class Protected(msgspec.Struct, frozen=True):
    """A protected record with the names it has under older keys (see ``stores.base``)."""

    post: Post
    aliases: tuple[str, ...]
    author_aliases: tuple[str, ...]


class ProtectedTombstone(msgspec.Struct, frozen=True):
    """A protected deletion with the names it has under older keys."""

    tombstone: Tombstone
    aliases: tuple[str, ...]


class Protector:
    """Protects records with the keys of one keyring.

    ``keys`` newest first, at least one. ``handles`` (as :func:`~ingest.masking.handle_name`
    gives them) stay readable in texts. With ``keep_authors`` names of accounts stay as they are,
    in ids and URLs too; texts are masked all the same.
    """

    def __init__(
        self,
        keys: Sequence[Key],
        *,
        handles: Container[str] = frozenset(),
        country: str | None = None,
        keep_authors: bool = False,
    ) -> None:
        self._secrets = [key.bytes() for key in keys]
        self._handles = handles
        self._country = country
        self._keep_authors = keep_authors

    def protect(self, post: Post) -> Protected:
        """Return the post without names of people, and its other names under older keys."""
        versions = [self._rename(post, secret) for secret in self._secrets]
        shown = self._rename(post, None) if self._keep_authors else versions[0]
        text = mask(post.text, keep=self._handles, country=self._country)
        # The watchlist decides which handles stay, and it may change: the digest must not.
        anonymous = text if text == post.text else mask(text, country=self._country)
        protected = msgspec.structs.replace(shown, text=text, digest=_digest(shown, anonymous))
        others = [shown, *versions]
        return Protected(
            protected,
            aliases=_others([version.id for version in others]),
            author_aliases=_others([version.author for version in others]),
        )

    def protect_tombstone(self, tombstone: Tombstone) -> ProtectedTombstone:
        """Return the deletion with the pseudonyms that the stored posts may carry."""
        versions = [self._rename_tombstone(tombstone, secret) for secret in self._secrets]
        # Names kept in plain are found by their pseudonym as well: see `Protected.author_aliases`.
        plain = [tombstone] if tombstone.id else []
        names = [version.id or version.author for version in [*versions, *plain]]
        return ProtectedTombstone(versions[0], aliases=_others(names))

    def pseudonyms(self, platform: str, author: str) -> list[str]:
        """Return the pseudonyms of an account, newest key first."""
        return [pseudonym(secret, platform, handle_name(author)) for secret in self._secrets]

    def _rename_tombstone(self, tombstone: Tombstone, secret: bytes) -> Tombstone:
        hashed = _renamer(secret, tombstone.platform)

        def rename(name: str) -> str:
            # People delete by what they see in their data: a pseudonym is meant as it stands.
            return name if is_pseudonym(name) else hashed(name)

        return msgspec.structs.replace(
            tombstone,
            id=_in_reference(tombstone.id, "", rename),
            author=rename(tombstone.author) if tombstone.author else "",
        )

    def _rename(self, post: Post, secret: bytes | None) -> Post:
        """Return the post with its accounts renamed; as they are without a secret."""
        rename = _renamer(secret, post.platform) if secret else _same
        author = post.author
        post_id = post.id
        if post_id.endswith(":"):
            post_id += "~" + _content_id(secret or self._secrets[0], post)
        return msgspec.structs.replace(
            post,
            id=_in_reference(post_id, author, rename),
            author=rename(author) if author else "",
            url=_in_reference(post.url, author, rename),
            reply_to=_reply(post.reply_to, author, rename),
            repost_of=_reply(post.repost_of, author, rename),
        )


@lru_cache(maxsize=65536)
def pseudonym(secret: bytes, platform: str, name: str) -> str:
    """Return ``u_`` and 16 characters of base32 for an account's name on a platform."""
    digest = hmac.digest(secret, f"{platform}\0{name}".encode("utf-8", "surrogatepass"), "sha256")
    return "u_" + base64.b32encode(digest[:10]).decode().lower()


def is_pseudonym(name: str) -> bool:
    """Tell whether a name looks like one of ours: ``u_`` and 16 characters of base32."""
    return _PSEUDONYM.fullmatch(name) is not None


def _renamer(secret: bytes, platform: str) -> Rename:
    return lambda name: pseudonym(secret, platform, handle_name(name))


def _same(name: str) -> str:
    return name


def _in_reference(reference: str, author: str, rename: Rename) -> str:
    """Rename the accounts that an id, URI or URL carries."""
    if chat := _CHAT.fullmatch(reference):
        return f"telegram:{rename(chat[1])}/{chat[2]}"
    # What stands before the native id is ours (`platform:`, `archive:<data set>:`).
    ours = _OURS.match(reference)
    start = ours.end() if ours else 0
    return reference[:start] + _rename_accounts(reference[start:], author, rename)


def _rename_accounts(text: str, author: str, rename: Rename) -> str:
    if not text or text.isdecimal():
        return text
    text = _ACCOUNTS.sub(lambda found: _rename_match(found, rename), text)
    name = author.lstrip("@＠")
    if len(name) > 1 and name.casefold() in text.casefold():
        # An underscore is a boundary here: Facebook's ids are `<account>_<post>`.
        whole = re.compile(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", re.IGNORECASE)
        text = whole.sub(lambda _: rename(name), text)
    return text


def _rename_match(found: re.Match[str], rename: Rename) -> str:
    before, account = (group for group in found.groups() if group is not None)
    return before + rename(account)


def _reply(reference: str, author: str, rename: Rename) -> str:
    """Rename what a post refers to: ``platform:id`` or a number is a post, a URL or URI carries
    an account, anything else is an account's name."""
    if not reference or reference.isdecimal() or ":" in reference or "/" in reference:
        return _in_reference(reference, author, rename)
    return rename(reference)


def _content_id(secret: bytes, post: Post) -> str:
    """Identify a post of a platform without ids by its content; keyed, as it holds the author."""
    content = _ENCODER.encode((post.text, post.created_at, handle_name(post.author), post.url))
    return hmac.digest(secret, content, "sha256").hex()[:24]


def _digest(post: Post, anonymous_text: str) -> str:
    content = _ENCODER.encode(
        (anonymous_text, post.created_at, bool(post.repost_of), post.counts, post.hashtags)
    )
    return hashlib.blake2b(content, digest_size=12).hexdigest()


def _others(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names[1:] if name and name != names[0]))
