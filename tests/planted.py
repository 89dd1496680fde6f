"""Files in the platforms' documented shapes, with a token planted in every personal field.

A token is a name, handle, number, mail address or account that stands nowhere else, so wherever it
is found a person was found. The shapes are the fixtures of the archive formats and, where they
are there, the cases of the shared folder; their structure stays, and every value that tells of a
person is another one. Tokens keep the form of the value that they replace: a number stays a
number, a DID a DID. Each text gets a mention, a mail address, a telephone number and addresses
of accounts besides.

Plain words of a text hold no tokens: a name written as a word stays, as docs/privacy.md says.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

TESTS = Path(__file__).parent
ARCHIVES = TESTS / "ingest" / "fixtures" / "archives"
CASES = TESTS.parents[1] / "shared" / "cases"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Names of fields and columns that hold a person's name, handle, number or account.
_NAMES = _words(
    """username screenname screen_name user_screen_name from_user from_user_name to_user_name acct
    handle nickname uniqueid displayname display_name full_name fullname user_name user_username
    authorname authordisplayname author_fullname author_full author_name author_username
    author_handle comment_author comment_by post_by actor actor_id author first_name last_name
    forwarded_from from from_user_realname from_user_id from_user_id_str retweeted_user
    replied_user quoted_user author_forwarded_from_name author_forwarded_from_username
    author_channel_id authorchannelid user_id user_id_str author_id from_id owner_id channel_id did
    in_reply_to_user_id in_reply_to_user_id_str in_reply_to_screen_name reply_to_user_id
    retweet_screen_name retweeted_username isreplytoname phone_number email mail nora
    retweeted_status_user_id signer_id nom pseudo utilisateur auteur الكاتب"""
)
#: Under these, ``id`` and ``name`` and the like are a person's.
_PEOPLE = _words(
    """user author account owner users authors _sender from_user profile actor authormeta
    in_reply_to_user inreplytouser mentions mentioned_users comment_author"""
)
_OF_PEOPLE = _words("id id_str name pk uid value")
_TEXTS = _words(
    """text full_text body message content rawcontent renderedcontent comment_message tweet
    description desc selftext message_text comment_text videodescription caption
    texte contenu النص"""
)
#: Digits that no other number has by chance.
_LONG = 12
#: Endings of tables, and what may stand between their cells.
_TABLES = {".csv": ",;", ".tsv": "\t", ".tab": "\t"}
_LETTERS, _DIGITS, _BASE32 = "abcdefghijklmnopqrstuvwxyz", "0123456789", "234567"


def shapes() -> list[Path]:
    """Return the files of all shapes."""
    found = [path for path in ARCHIVES.glob("*/*") if path.suffix != ".md"]
    if CASES.is_dir():
        found += [path for path in CASES.rglob("*") if path.is_file()]
    # the second header of the joined tables is a row like any other to the planter
    left_out = {"expected.json", "cases.jsonl", "text-joined-tables.csv"}
    known = {".json", ".jsonl", ".ndjson", ".js", "", *_TABLES}
    return sorted(path for path in found if path.suffix in known and path.name not in left_out)


class Planter:
    """Plants tokens in one file. ``tokens`` are what must be found nowhere afterwards."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._replaced: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        """Each with the field that it was planted in."""

    def planted(self, path: Path) -> bytes:
        """Return the content of a file with tokens, in the same shape."""
        content = path.read_text(encoding="utf-8-sig")
        if path.suffix in _TABLES:
            header = content.partition("\n")[0]
            return self._table(content, max(_TABLES[path.suffix], key=header.count)).encode()
        prefix = content[: content.index("=") + 1] if path.suffix == ".js" else ""
        try:
            return (prefix + self._whole(content[len(prefix) :])).encode()
        except json.JSONDecodeError:
            lines = [line for line in content.splitlines() if line.strip()]
            return "\n".join(self._lines(lines)).encode() + b"\n"

    def _whole(self, content: str) -> str:
        return json.dumps(self._object(json.loads(content)), ensure_ascii=False)

    def _lines(self, lines: list[str]) -> Iterator[str]:
        found: list[Any] = []
        for line in lines:
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                found.append(line)
        for one in found:
            self._collect(one)
        for one in found:
            changed = one if isinstance(one, str) else self._change(one, ())
            yield changed if isinstance(one, str) else json.dumps(changed, ensure_ascii=False)

    def _object(self, value: Any) -> Any:
        self._collect(value)
        return self._change(value, ())

    def _table(self, content: str, delimiter: str) -> str:
        rows = list(csv.reader(io.StringIO(content), delimiter=delimiter))
        header = rows[0]
        records = [dict(zip(header, row, strict=False)) for row in rows[1:] if len(row) > 1]
        for record in records:
            self._collect(record)
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        for record in records:
            writer.writerow(self._change(record, ()).values())
        return out.getvalue()

    def _collect(self, value: Any, path: tuple[str, ...] = ()) -> None:
        """Make a token for each personal value."""
        if isinstance(value, dict):
            for name, inner in value.items():
                self._collect(inner, (*path, name))
        elif isinstance(value, list):
            for inner in value:
                self._collect(inner, path)
        elif _is_personal(path) and isinstance(value, (str, int)) and str(value).strip(" -"):
            known = str(value)
            if known.casefold() not in {"anonymous", "na", "redacted", "[deleted]"}:
                self._replaced.setdefault(known, self._token(known, ".".join(path)))

    def _change(self, value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            return {name: self._change(inner, (*path, name)) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._change(inner, path) for inner in value]
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            return value
        known = str(value)
        if _is_personal(path):
            changed = self._replaced.get(known, known)
            return (
                int(changed)
                if isinstance(value, int) and changed.lstrip("-").isdigit()
                else (changed)
            )
        if isinstance(value, int):
            return value
        if _plain(path) in _TEXTS and value and value[0] not in "{[" and " " in value:
            return self._text(value)
        return self._elsewhere(value)

    def _elsewhere(self, value: str) -> str:
        """Return another field's value, an address for example, with the same accounts in it."""
        for known in sorted(self._replaced, key=len, reverse=True):
            if len(known) > 4:
                value = re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", self._replaced[known], value)
        return value

    def _text(self, text: str) -> str:
        for known, token in self._replaced.items():
            text = text.replace(f"@{known}", f"@{token}")
        return " ".join((text, *self._random.sample([*self.plants()], 4)))

    def plants(self) -> Iterator[str]:
        """Yield what people write into texts that tells who they are, each with new tokens."""
        name, digits = self._word, self._number
        yield f"@{name('mention')} {name('mail')}@mail.example"
        yield f"@{name('mention')}@social.example ＠{name('mention')}"
        yield f"{name('mail')} (at) mail.example, {name('mail')} @gmail.com"
        yield f"{name('mail')} at gmail dot com"
        yield f"+2126{digits('phone', 8)} appelle:06{digits('phone', 8)}"
        yield f"ب06{digits('phone', 8)} \u2066+212 6{digits('phone', 8)}\u2069"
        yield f"whatsapp 002126{digits('phone', 8)} tel-06{digits('phone', 8)}-"
        yield self._spaced("06", 8, 2, " ") + " | " + self._spaced("+212-6", 8, 2, "-")
        for host in ("www.facebook.com", "t.me", "x.com", "www.instagram.com", "youtube.com"):
            yield f"https://{host}/{name('address')} {host}/{name('address')}/12"
        yield f"https://x.com/{name('address')}/status/703500000000000999"
        yield f"https://{name('address')}.tumblr.com/post/1 http://me:{name('password')}@a.example"
        yield f"CIN BE{digits('paper', 8)} passeport n° {digits('paper', 9)}"
        yield self._account()

    def _account(self) -> str:
        """Return an IBAN whose check digits are right (ISO 13616), in groups."""
        spaced = self._spaced("0119", 20, 4, " ")
        number = int(spaced.replace(" ", "") + "221000")  # MA00 in figures
        return f"IBAN MA{98 - number % 97:02} {spaced}"

    def _spaced(self, first: str, length: int, size: int, between: str) -> str:
        """Return digits in groups; the token is the groups as they are written."""
        digits = [str(self._random.randrange(10)) for _ in range(length)]
        groups = ["".join(digits[n : n + size]) for n in range(0, length, size)]
        token = between.join(groups)
        self.tokens[token] = "number in groups"
        return f"{first}{between}{token}"

    def _token(self, known: str, where: str) -> str:
        """Return a token in the form of a value."""
        forms: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
            (r"(did:plc:)\w+", lambda m: m[1] + self._word(where, 24, _LETTERS + _BASE32)),
            (r"(UC)[\w-]{20,}", lambda m: m[1] + self._word(where, 22)),
            (r"([A-Za-z]{0,7}|-)(\d+)", lambda m: m[1] + self._number(where, 12)),
            (r"(https?://.*/)([^/]+)", lambda m: m[1] + self._word(where)),
            (r"(@?)([^@]+)(@.+)", lambda m: m[1] + self._word(where) + m[3]),
            (r"([\w-]+)((?:\.[\w-]+){2})", lambda m: self._word(where) + m[2]),
            (r"\+\d+", lambda m: f"+2126{self._number(where, 8)}"),
        )
        for pattern, made in forms:
            if match := re.fullmatch(pattern, known):
                return made(match)
        first = self._word(where)
        if " " in known:
            return f"{first.capitalize()} {self._word(where).capitalize()}"
        prefix = "@" if known.startswith("@") else ""
        return prefix + self._random.choice((first, first.capitalize(), first.upper()))

    def word(self, where: str) -> str:
        """Return a name that is a token."""
        return self._word(where)

    def digits(self, where: str) -> str:
        """Return eight digits that are a token."""
        return self._number(where, 8)

    def _word(self, where: str, length: int = 14, letters: str = _LETTERS) -> str:
        token = "".join(self._random.choice(letters) for _ in range(length))
        self.tokens[token.casefold()] = where
        return token

    def _number(self, where: str, length: int) -> str:
        token = self._random.choice("3456789")
        token += "".join(self._random.choice(_DIGITS) for _ in range(length - 1))
        self.tokens[token] = where
        return token

    def found_in(self, content: bytes | str) -> dict[str, str]:
        """Return the tokens that stand in a content, with the field each was planted in."""
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
        texts = {text.casefold(), unquote(text).casefold()}
        size = min(map(len, self.tokens), default=1)
        begun = _begun(texts, {token[:size] for token in self.tokens}, size)
        likely = {t: where for t, where in self.tokens.items() if t[:size] in begun}
        found = {t: where for t, where in likely.items() if any(t in one for one in texts)}
        return {t: where for t, where in found.items() if _is_there(t, texts)}


def _begun(texts: Iterable[str], beginnings: set[str], size: int) -> set[str]:
    """Return the beginnings, of ``size`` letters each, that stand anywhere in the texts.

    One pass for all: to look for each of some thousand tokens by itself takes minutes.
    """
    return {
        piece
        for text in texts
        for place in range(len(text) - size + 1)
        if (piece := text[place : place + size]) in beginnings
    }


def _is_there(token: str, texts: Iterable[str]) -> bool:
    """Tell whether a token stands for itself: few digits may be part of any hash or clock."""
    if not token.isdecimal() or len(token) >= _LONG:
        return True
    whole = re.compile(rf"(?<![0-9a-f])(?:(?:00|\+)?212|0)?6?{token}(?![0-9a-f])")
    return any(whole.search(text) for text in texts)


def _plain(path: tuple[str, ...]) -> str:
    return path[-1].strip("\ufeff ").casefold().replace(" ", "_") if path else ""


def _is_personal(path: tuple[str, ...]) -> bool:
    parts = [part.strip("\ufeff ").casefold().replace(" ", "_") for part in path]
    name = _plain(path).rpartition(".")[2]
    above = parts[-2] if len(parts) > 1 else _plain(path).rpartition(".")[0]
    if above in {"legacy", "core"} and name == "name":
        return True
    return name in _NAMES or (above in _PEOPLE and name in _OF_PEOPLE)
