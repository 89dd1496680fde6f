"""Authors are protected before anything is written.

Every name of an account becomes a pseudonym, wherever it stands: as author, inside ids and URLs
that carry the account (``at://did:plc:…/…``, ``…/@name/123``), as the account replied to.
Of a name that is written in several ways (:func:`~ingest.privacy.names.account_name`) there is
one. A pseudonym is ``u_`` and the first 80 bits of HMAC-SHA-256 (RFC 2104) over platform and name,
so nobody without the key can test a guess, and one person's accounts on two platforms stay apart.
Texts are masked (:mod:`ingest.privacy.masking`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Container, Sequence
from functools import lru_cache

import msgspec

from ingest.privacy.keyring import Key
from ingest.privacy.masking import mask
from ingest.privacy.names import FORMS, Form, account_name, forms_of, shown_name
from ingest.privacy.sanitize import bounded_id, clean_tag, sanitized, visible, without_personal
from ingest.privacy.urls import (
    PSEUDONYM,
    Rename,
    is_two_numbers,
    rename_address,
    rename_reference,
    without_author,
)
from ingest.records import Post, Tombstone

_ENCODER = msgspec.json.Encoder(order="deterministic")


class Protected(msgspec.Struct, frozen=True):
    """A protected record with the names it has under older keys (see ``stores.base``)."""

    post: Post
    aliases: tuple[str, ...]
    author_aliases: tuple[str, ...]
    repost_aliases: tuple[str, ...] = ()
    """Of the post that it repeats, and of that post's author."""


class ProtectedTombstone(msgspec.Struct, frozen=True):
    """A protected deletion with the names it has under older keys."""

    tombstone: Tombstone
    aliases: tuple[str, ...]


class Protector:
    """Protects records with the keys of one keyring.

    ``keys`` newest first, at least one. ``handles`` (as :func:`~ingest.privacy.masking.handle_name`
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
        """Return the post without names of people, and its other names under older keys.

        Every field is bounded and cleaned first, see :mod:`ingest.privacy.sanitize`.
        """
        post = sanitized(post)
        versions = [self._rename(post, secret, form) for form, secret in self._ways(post)]
        shown = self._rename(post, None, account_name) if self._keep_authors else versions[0]
        if post.hashtags:
            author = shown_name(post.author, post.platform)
            tags = tuple(clean_tag(tag, author, self._country) for tag in post.hashtags)
            shown = msgspec.structs.replace(shown, hashtags=tags)
        text = mask(post.text, keep=self._handles, country=self._country)
        # The watchlist decides which handles stay, and it may change: the digest must not.
        anonymous = text if text == post.text else mask(text, country=self._country)
        protected = msgspec.structs.replace(shown, text=text, digest=_digest(shown, anonymous))
        others = [shown, *versions]
        return Protected(
            protected,
            aliases=_others([version.id for version in others]),
            author_aliases=_others([version.author for version in others]),
            repost_aliases=_repeated(others) if post.repost_of or post.repost_author else (),
        )

    def protect_tombstone(self, tombstone: Tombstone) -> ProtectedTombstone:
        """Return the deletion with the pseudonyms that the stored posts may carry.

        Raw names are not among them, since stores write all of these down: what is stored under
        a raw name is found by ``CollectedTombstone.raw_name``, and what comes later
        under one has its pseudonyms in ``Protected.aliases`` and ``author_aliases``.
        """
        versions = [
            self._rename_tombstone(tombstone, secret, form)
            for form, secret in self._ways(tombstone)
        ]
        names = [version.id or version.author for version in versions]
        return ProtectedTombstone(versions[0], aliases=_others(names))

    def pseudonyms(self, platform: str, author: str) -> list[str]:
        """Return the pseudonyms of an account, newest key first, then those of earlier versions."""
        names = dict.fromkeys(form(author, platform) for form in FORMS)
        return [pseudonym(secret, platform, name) for name in names for secret in self._secrets]

    def _ways(self, record: Post | Tombstone) -> list[tuple[Form, bytes]]:
        """Return the forms of names and the keys that a record may be known under, newest first."""
        names = [record.id, record.author]
        if isinstance(record, Post):
            names += [record.repost_of, record.repost_author]
        return [(form, secret) for form in forms_of(*names) for secret in self._secrets]

    def _rename_tombstone(self, tombstone: Tombstone, secret: bytes, form: Form) -> Tombstone:
        rename = _renamer(secret, tombstone.platform, form)
        post_id = bounded_id(tombstone.id, rename)
        return msgspec.structs.replace(
            tombstone,
            id=without_personal(rename_reference(post_id, tombstone.platform, "", rename), rename),
            author=rename(tombstone.author) if tombstone.author else "",
        )

    def _rename(self, post: Post, secret: bytes | None, form: Form) -> Post:
        """Return the post with its accounts renamed; as they are without a secret."""
        post_id, author = post.id, post.author
        shown = visible(shown_name(author, post.platform))
        if post_id.endswith(":"):
            post_id += "~" + _content_id(secret or self._secrets[0], post, form)
        if secret is None:
            return msgspec.structs.replace(
                post, id=post_id, author=shown_name(author, post.platform)
            )
        rename = _renamer(secret, post.platform, form)
        post_id = bounded_id(post_id, rename)
        return msgspec.structs.replace(
            post,
            id=without_personal(rename_reference(post_id, post.platform, shown, rename), rename),
            author=rename(author) if author else "",
            url=without_personal(rename_address(post.url, shown, rename), rename),
            reply_to=without_personal(_reply(post.reply_to, post, rename), rename),
            repost_of=without_personal(_reply(post.repost_of, post, rename), rename),
            repost_author=rename(post.repost_author) if post.repost_author else "",
            source=without_author(post.source, shown, rename),
        )


@lru_cache(maxsize=65536)
def pseudonym(secret: bytes, platform: str, name: str) -> str:
    """Return ``u_`` and 16 characters of base32 for an account's name on a platform."""
    digest = hmac.digest(secret, f"{platform}\0{name}".encode("utf-8", "surrogatepass"), "sha256")
    return "u_" + base64.b32encode(digest[:10]).decode().lower()


def is_pseudonym(name: str) -> bool:
    """Tell whether a name looks like one of ours: ``u_`` and 16 characters of base32."""
    return PSEUDONYM.fullmatch(name) is not None


def _renamer(secret: bytes, platform: str, form: Form) -> Rename:
    def rename(name: str) -> str:
        # What was exported is imported again as it stands, and people delete by what they see
        # in their data.
        if is_pseudonym(name):
            return name
        return pseudonym(secret, platform, form(name, platform))

    return rename


def _reply(reference: str, post: Post, rename: Rename) -> str:
    """Rename what a post refers to: ``platform:id`` or a number is a post, a URL or URI carries
    an account, anything else is an account's name."""
    if not reference or reference.isdecimal():
        return reference
    if ":" in reference or "/" in reference or is_two_numbers(reference):
        return rename_reference(reference, post.platform, post.author, rename)
    return rename(reference)


def _content_id(secret: bytes, post: Post, form: Form) -> str:
    """Identify a post of a platform without ids by its content; keyed, as it holds the author."""
    content = _ENCODER.encode(
        (post.text, post.created_at, form(post.author, post.platform), post.url)
    )
    return hmac.digest(secret, content, "sha256").hex()[:24]


def _digest(post: Post, anonymous_text: str) -> str:
    content = _ENCODER.encode(
        (anonymous_text, post.created_at, bool(post.repost_of), post.counts, post.hashtags)
    )
    return hashlib.blake2b(content, digest_size=12).hexdigest()


def _repeated(versions: Sequence[Post]) -> tuple[str, ...]:
    """Return the names of what a post repeats that its first version does not hold."""
    known = {versions[0].repost_of, versions[0].repost_author}
    names = [name for one in versions for name in (one.repost_of, one.repost_author) if name]
    return tuple(dict.fromkeys(name for name in names if name not in known))


def _others(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names[1:] if name and name != names[0]))
