"""Names for people of what posts carry as codes: languages, sentiments, platforms, flags."""

from __future__ import annotations

from collections.abc import Mapping

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


class Names:
    """Looks names up in one language; what has no name stays as it is."""

    def __init__(self, words: Words) -> None:
        self._words = words

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

    def outcome(self, name: str) -> str:
        """Return the meaning of an outcome of the ledger."""
        return self._of(OUTCOMES, name)

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
            return f"{entities.get(entity, entity)}: {self.sentiment(label)}"
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
