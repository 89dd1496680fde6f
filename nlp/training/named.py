"""Real posts with an attitude to each entity they name, read one by one.

The file ``targets/read.jsonl.gz`` tells entities, not where they stand. Here each is found by the
spellings people use, as whole words: what has only the letters of a name inside another word is not
taken.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from nlp.crossscript import analyse_word, key
from nlp.text import normalise, pieces
from nlp.training import read_posts
from nlp.training.rows import Licence, read_lines

#: Kind and further spellings of each entity in the file. Phones are topics: nobody's operator.
ENTITIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "algerie-telecom": ("operator", ("اتصالات الجزائر", "algerie telecom", "at")),
    "bouygues": ("operator", ("bouygue", "bytel")),
    "condor": ("topic", ("كوندور",)),
    "djezzy": ("operator", ("جيزي", "جازي", "jezzy", "djezy", "جيزى")),
    "facebook": ("app", ("fb", "فيسبوك", "فايسبوك", "الفايس")),
    "free": ("operator", ("freebox", "free mobile", "freemobile")),
    "huawei": ("topic", ("هواوي", "هواوى")),
    "iam": ("operator", ("اتصالات المغرب", "maroc telecom")),
    "inwi": ("operator", ("انوي",)),
    "iphone": ("topic", ("ايفون", "apple")),
    "mobilis": ("operator", ("موبيليس",)),
    "netflix": ("app", ("نتفليكس",)),
    "ooredoo": ("operator", ("نجمة", "اوريدو", "nedjma")),
    "oppo": ("topic", ("اوبو",)),
    "orange": ("operator", ("اورانج",)),
    "red": ("operator", ("red by sfr",)),
    "samsung": ("topic", ("سامسونج", "سامسونغ", "galaxy")),
    "sfr": ("operator", ()),
    "skype": ("app", ("سكايب",)),
    "starlink": ("operator", ()),
    "tiktok": ("app", ("tik tok", "تيك توك")),
    "viber": ("app", ("فايبر",)),
    "whatsapp": ("app", ("واتساب", "الواتس", "watsap")),
    "xiaomi": ("topic", ("redmi", "شاومي", "ريدمي", "رادمي")),
    "youtube": ("app", ("يوتيوب", "يوتوب")),
}


class Named(NamedTuple):
    """A mention: offsets into the text, end exclusive."""

    entity: str
    kind: str
    start: int
    end: int


class Labelled(NamedTuple):
    """A post, what it mentions, and its author's attitude to what it mentions."""

    text: str
    mentions: tuple[Named, ...]
    targets: dict[str, str]


def find(text: str, entity: str) -> list[Named]:
    """Return where a text names an entity of `ENTITIES`."""
    kind, others = ENTITIES[entity]
    wanted = [tuple(normalise(name).split()) for name in (entity, *others)]
    words = pieces(text)
    forms = [analyse_word(raw) for raw, _, _ in words]
    found = list[Named]()
    for place, (_, start, end) in enumerate(words):
        here = forms[place]
        if key(entity) in (*here.keys[:1], *here.variants):
            found.append(Named(entity, kind, start, end))
            continue
        for first, *rest in wanted:
            last = place + len(rest)
            if last >= len(words) or first not in (*here.tokens, *here.variants):
                continue
            following = forms[place + 1 : last + 1]
            if all(word in form.tokens for word, form in zip(rest, following, strict=True)):
                found.append(Named(entity, kind, start, words[last][2]))
                break
    return found


def read(data: Path, licence: Licence = "all") -> list[Labelled]:
    """Return the posts of the folder `data` in which a labelled entity is found.

    With the `licence` "free", without those of sources for non-commercial use.
    """
    barred = read_posts.barred(licence)
    posts = list[Labelled]()
    for item in read_lines(data / "targets" / "read.jsonl.gz"):
        if item["source"].startswith(barred):
            continue
        mentions = [
            mention
            for entity in item["targets"]
            if entity in ENTITIES
            for mention in find(item["text"], entity)
        ]
        if mentions:
            mentions.sort(key=lambda mention: mention.start)
            posts.append(Labelled(item["text"], tuple(mentions), item["targets"]))
    return posts
