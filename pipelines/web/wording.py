"""Names for people of what posts carry as codes: languages, sentiments, platforms, flags."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.commands._shared.no_match import NoMatch
from pipelines.web.locales import Words


def _(message: str) -> str:
    """Mark a message for translation."""
    return message


LANGUAGES = {
    "ary": _("Darija"),
    "ary-Latn": _("Darija in Latin letters (Arabizi)"),
    "ar": _("Standard Arabic"),
    "fr": _("French"),
    "en": _("English"),
    "zgh": _("Berber"),
    "mixed": _("mixed languages"),
    "other": _("another language"),
}
SENTIMENTS = {
    "negative": _("negative"),
    "neutral": _("neutral"),
    "positive": _("positive"),
    "unscored": _("not scored yet"),
}
#: Signs beside colours, for those who see no colours.
SIGNS = {"negative": "−", "neutral": "·", "positive": "+"}
FIELDS = {
    "q": _("Words"),
    "lang": _("Language"),
    "sentiment": _("Mood"),
    "entity": _("Subject"),
    "target": _("Attitude"),
    "platform": _("Platform"),
    "day": _("Day"),
    "since": _("From"),
    "until": _("Before"),
}
FLAGS = {
    "date-unknown": _("has no readable date"),
    "date-implausible": _("has a date that can't be true"),
    "zone-assumed": _("names no time zone; one was assumed"),
    "id-suspect": _("has an id that a spreadsheet may have rounded"),
    "fictional": _("fictional"),
}
PLATFORMS = {
    "twitter": "Twitter / X",
    "facebook": "Facebook",
    "youtube": "YouTube",
    "instagram": "Instagram",
    "telegram": "Telegram",
    "tiktok": "TikTok",
    "bluesky": "Bluesky",
    "mastodon": "Mastodon",
    "weibo": "Weibo",
    "reddit": "Reddit",
}
OUTCOMES = {
    "received": _("read"),
    "indexed": _("searchable"),
    "duplicate": _("the same again, or older than what is stored"),
    "filtered": _("without a word of the watchlist"),
    "deleted": _("deletions, and posts that came after them"),
    "dead": _("could not be used; kept with the reason"),
    "pending": _("waiting to be scored"),
}


#: What a command is at, by the first word of its progress.
STAGES = {
    "Reading": _("Reading"),
    "Scoring": _("Scoring"),
    "Exporting": _("Writing"),
    "Deleting": _("Deleting"),
    "": _("In progress"),
}
#: Why a record could not be used (docs/dead-letters.md), or is no post.
REASONS = {
    "csv-quote": _("a quotation mark is not closed"),
    "csv-torn": _("a line that is no full row by itself"),
    "deleted": _("deleted on the platform"),
    "encoding-invalid": _("bytes that are no letters in the encoding of the file"),
    "extra-cells": _("more cells than the header has columns"),
    "feed-broken": _("a feed that can't be read"),
    "file-damaged": _("the compressed file is damaged"),
    "file-truncated": _("the file ends in the middle"),
    "header-repeated": _("the header once more"),
    "id-invalid": _("the id is no text or whole number"),
    "id-rounded": _("the id was rounded by a spreadsheet"),
    "item-unknown": _("an item in an unknown form"),
    "json-invalid": _("invalid JSON"),
    "json-nan": _("NaN or Infinity in place of a number"),
    "json-not-object": _("JSON without fields"),
    "json-too-deep": _("JSON that is nested too deep"),
    "json-truncated": _("JSON that ends in the middle"),
    "line-too-long": _("a record longer than 10 MB"),
    "lone-surrogate": _("half of a character"),
    "mapping-failed": _("Marsad stumbled over it: a mistake of its own"),
    "no-text": _("no text field"),
    "nul": _("a NUL character"),
    "private": _("private"),
    "row-empty": _("an empty row"),
    "store-refused": _("refused by the server of the store"),
    "text-missing": _("a word for nothing in place of a text"),
    "text-not-string": _("the text is no text"),
    "too-many-columns": _("more than 10,000 columns"),
}
#: What the audit log records.
ACTIONS = {
    "author look-up": _("author look-up"),
    "delete": _("deletion"),
    "export": _("export"),
    "import": _("import"),
    "login": _("login"),
    "login refused": _("login refused"),
    "retry": _("another try of what could not be used"),
}
#: Fields of a post that a column of a file may hold, the ones that are asked for most first.
COLUMNS = {
    "text": _("Text"),
    "created_at": _("Date"),
    "author": _("Author"),
    "id": _("Id"),
    "url": _("Address"),
    "likes": _("Likes"),
    "reposts": _("Number of reposts"),
    "replies": _("Number of replies"),
    "views": _("Number of views"),
    "platform": _("Platform"),
    "time_of_day": _("Time of day"),
    "hashtags": _("Hashtags"),
    "reply_to": _("Answers"),
    "repost_of": _("Reposts"),
    "quotes": _("Number of quotes"),
    "edited_at": _("Date of the last edit"),
    "collected_at": _("Date of collection"),
    "fictional": _("Invented post"),
}


class Names:
    """Looks names up in one language; what has no name stays as it is."""

    def __init__(self, words: Words) -> None:
        self._words = words

    @property
    def colon(self) -> str:
        """Return a colon with the spaces around it."""
        return self._words.colon

    def language(self, code: str) -> str:
        """Return the name of a language."""
        return self._of(LANGUAGES, code) or self._words.gettext("unknown")

    def sentiment(self, label: str) -> str:
        """Return the name of a sentiment or attitude."""
        return self._of(SENTIMENTS, label)

    def sign(self, label: str) -> str:
        """Return the sign of a sentiment."""
        return SIGNS.get(label, "?")

    def field(self, name: str) -> str:
        """Return the name of a facet."""
        return self._of(FIELDS, name)

    def flag(self, flag: str) -> str:
        """Return what a flag says of a post."""
        return self._of(FLAGS, flag)

    def count(self, name: str, number: int) -> str:
        """Return a number of reactions with their name."""
        of = self._words.ngettext
        if name == "likes":
            return of("%(num)s like", "%(num)s likes", number)
        if name == "reposts":
            return of("%(num)s repost", "%(num)s reposts", number)
        if name == "replies":
            return of("%(num)s reply", "%(num)s replies", number)
        if name == "views":
            return of("%(num)s view", "%(num)s views", number)
        return f"{self._words.number(number)} {name}"

    def platform(self, name: str) -> str:
        """Return the name of a platform."""
        return PLATFORMS.get(name, name)

    def stage(self, title: str) -> str:
        """Return what a command is at, by the title of its progress."""
        first = title.partition(" ")[0]
        return self._words.gettext(STAGES.get(first, STAGES[""]))

    def reason(self, code: str) -> str:
        """Return why a record could not be used."""
        return self._of(REASONS, code)

    def action(self, name: str) -> str:
        """Return what a line of the audit log records."""
        return self._of(ACTIONS, name)

    def column(self, name: str) -> str:
        """Return the name of a field of a post."""
        return self._of(COLUMNS, name)

    def outcome(self, name: str) -> str:
        """Return the meaning of an outcome of the ledger."""
        return self._of(OUTCOMES, name)

    def no_match(self, found: NoMatch, entities: Mapping[str, str]) -> str:
        """Return why a search found nothing; empty where only that is known."""
        words, _ = self._words, self._words.gettext
        if found.since:
            return _(
                "No day is since %(since)s and before %(until)s.",
                since=self.value("since", found.since, entities),
                until=self.value("until", found.until, entities),
            )
        if found.field is None:
            return ""

        def listed(values: tuple[str, ...]) -> str:
            return words.listed([self.value(str(found.field), one, entities) for one in values])

        unknown, known = listed(found.unknown), listed(found.known)
        if found.field == "entity":
            none = _("No post mentions %(unknown)s.", unknown=unknown)
            there = _("There are posts on: %(known)s.", known=known)
        elif found.field == "platform":
            none = _("No post is of the platform %(unknown)s.", unknown=unknown)
            there = _("There are posts of: %(known)s.", known=known)
        else:
            none = _("No post is of the source %(unknown)s.", unknown=unknown)
            there = _("The newest posts are of: %(known)s.", known=known)
        return f"{none} {there}" if known else none

    def value(self, field: str, value: str, entities: Mapping[str, str]) -> str:
        """Return the name of a value of a facet."""
        if field == "lang":
            return self.language(value)
        if field == "sentiment":
            return self.sentiment(value)
        if field == "entity":
            return entities.get(value, value)
        if field == "target":
            entity, _, label = value.rpartition("=")
            return f"{entities.get(entity, entity)}{self._words.colon}{self.sentiment(label)}"
        if field == "platform":
            return self.platform(value)
        if field in {"day", "since", "until"}:
            try:
                return self._words.day(value)
            except ValueError:
                return value
        return value

    def _of(self, names: Mapping[str, str], code: str) -> str:
        return self._words.gettext(names[code]) if code in names else code
