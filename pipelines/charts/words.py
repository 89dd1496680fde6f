"""The languages of charts: texts, numbers, names of months, and the direction they are read in.

Numbers, units and months are those of the Unicode CLDR as Babel ships it, for the country of the
case: Arabic has other names of months from country to country.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal, get_args

from babel import Locale, localedata
from babel.dates import format_date
from babel.numbers import format_decimal
from babel.units import format_unit

from pipelines.charts.loss_words import TEXTS as LOSS_TEXTS
from pipelines.trends import By

Code = Literal["en", "fr", "ar"]
CODES: tuple[Code, ...] = get_args(Code)

_TEXTS: dict[str, tuple[str, str, str]] = {
    "negative": ("negative", "négatif", "سلبي"),
    "neutral": ("neutral", "neutre", "محايد"),
    "positive": ("positive", "positif", "إيجابي"),
    "legend day": (
        "share per day (from {posts} posts on), band: 95 % interval",
        "part par jour (à partir de {posts} messages), bande : intervalle à 95 %",
        "النسبة في اليوم (ابتداء من {posts} منشورات)، الشريط: مجال الثقة 95٪",
    ),
    "legend week": (
        "share per week (from {posts} posts on), band: 95 % interval",
        "part par semaine (à partir de {posts} messages), bande : intervalle à 95 %",
        "النسبة في الأسبوع (ابتداء من {posts} منشورات)، الشريط: مجال الثقة 95٪",
    ),
    "legend month": (
        "share per month (from {posts} posts on), band: 95 % interval",
        "part par mois (à partir de {posts} messages), bande : intervalle à 95 %",
        "النسبة في الشهر (ابتداء من {posts} منشورات)، الشريط: مجال الثقة 95٪",
    ),
    "legend hour": (
        "share per hour (from {posts} posts on), band: 95 % interval",
        "part par heure (à partir de {posts} messages), bande : intervalle à 95 %",
        "النسبة في الساعة (ابتداء من {posts} منشورات)، الشريط: مجال الثقة 95٪",
    ),
    "deaf": (
        "a source was not listening",
        "une source n'écoutait pas",
        "مصدر لم يكن يُقرأ",
    ),
    "by day": ("by day", "par jour", "حسب اليوم"),
    "by week": ("by ISO week", "par semaine ISO", "حسب الأسبوع (ISO)"),
    "by month": ("by month", "par mois", "حسب الشهر"),
    "by hour": ("by hour", "par heure", "حسب الساعة"),
    "posts per day": ("posts per day", "messages par jour", "منشورات في اليوم"),
    "posts per week": ("posts per week", "messages par semaine", "منشورات في الأسبوع"),
    "posts per month": ("posts per month", "messages par mois", "منشورات في الشهر"),
    "posts per hour": ("posts per hour", "messages par heure", "منشورات في الساعة"),
    "share": ("share", "part", "النسبة"),
    "few": ("too few posts", "trop peu de messages", "منشورات قليلة جدا"),
    "no shares": (
        "no shares: the query chooses posts by their label",
        "pas de parts : la requête choisit les messages par leur étiquette",
        "لا نسب: الاستعلام يختار المنشورات حسب تصنيفها",
    ),
    "zone": ("time zone {zone}", "fuseau horaire {zone}", "المنطقة الزمنية {zone}"),
    "span": ("{first} to {last}", "{first} à {last}", "من {first} إلى {last}"),
    "one post": ("1 post", "1 message", "منشور واحد"),
    "posts": ("{posts} posts", "{posts} messages", "عدد المنشورات {posts}"),
    "all fictional": ("{posts}, all FICTIONAL", "{posts}, tous FICTIFS", "{posts}، كلها خيالية"),
    "some fictional": (
        "{posts}, {some} of them FICTIONAL",
        "{posts}, dont {some} FICTIFS",
        "{posts}، منها {some} خيالية",
    ),
    "warning all": (
        "Posts drawn here are invented, as their archive says: nothing about the people and "
        "companies named can be read from this chart.",
        "Les messages dessinés ici sont inventés, comme le dit leur archive : ce graphique ne dit "
        "rien des personnes et entreprises nommées.",
        "المنشورات المعروضة هنا مختلقة كما يقول أرشيفها: لا يقول هذا الرسم شيئا عن الأشخاص "
        "والشركات المذكورة.",
    ),
    "warning some": (
        "{posts} posts drawn here are invented, as their archive says: nothing about the people "
        "and companies named can be read from this chart.",
        "{posts} messages dessinés ici sont inventés, comme le dit leur archive : ce graphique ne "
        "dit rien des personnes et entreprises nommées.",
        "منشورات مختلقة كما يقول أرشيفها، عددها {posts}: لا يقول هذا الرسم شيئا عن الأشخاص "
        "والشركات المذكورة.",
    ),
    "towards": ("Attitude towards {names}", "Attitude envers {names}", "الموقف من {names}"),
    "each entity": ("each entity", "chaque entité", "كل جهة"),
    "in posts": ("{title}, in posts: {query}", "{title}, dans : {query}", "{title}، في: {query}"),
    "sentiment": (
        "Sentiment of {what}{by}", "Tonalité de {what}{by}", "المشاعر في {what}{by}",
    ),
    "all posts": ("all posts", "tous les messages", "كل المنشورات"),
    "posts of": ("posts: {query}", "messages : {query}", "منشورات: {query}"),
    "by split": (", by {split}", ", par {split}", "، حسب {split}"),
    "split entity": ("entity", "entité", "الجهة"),
    "split language": ("language", "langue", "اللغة"),
    "split platform": ("platform", "plateforme", "المنصة"),
    "split hashtag": ("hashtag", "hashtag", "الوسم"),
    "split author": ("author", "auteur", "الكاتب"),
    "split source": ("source", "source", "المصدر"),
    "and": (" and ", " et ", " و"),
    "option entity": ("about", "sur", "حول"),
    "option lang": ("in", "en", "باللغة"),
    "option platform": ("on", "sur", "على"),
    "option sentiment": ("labelled", "étiquetés", "بتصنيف"),
    "hidden": ("Not shown: {names}.", "Non montrés : {names}.", "غير معروض: {names}."),
    "undated": (
        "Not drawn: {posts} of the posts have no usable date.",
        "Non dessinés : {posts} des messages, sans date utilisable.",
        "غير مرسوم: منشورات بلا تاريخ صالح، عددها {posts}.",
    ),
    "pending": (
        "Not drawn: {posts} more posts in the store wait to be scored.",
        "Non dessinés : {posts} autres messages attendent d'être évalués.",
        "غير مرسوم: منشورات تنتظر التقييم، عددها {posts}.",
    ),
    "attitude": (
        "Negative, neutral, positive: a post's attitude towards that entity, not its overall "
        "mood. A post counts for every entity it mentions.",
        "Négatif, neutre, positif : l'attitude d'un message envers cette entité, pas sa tonalité "
        "générale. Un message compte pour chaque entité qu'il nomme.",
        "سلبي، محايد، إيجابي: موقف المنشور من تلك الجهة لا مزاجه العام. يُحسب المنشور لكل جهة "
        "يذكرها.",
    ),
    "of all": (
        "Dashed: which part of all posts in the store (of that time) these are.",
        "Tirets : la part de ces messages dans tous ceux du corpus (du même moment).",
        "الخط المتقطع: نسبة هذه المنشورات من كل منشورات المخزن (في الفترة نفسها).",
    ),
    "one estimate": (
        "Bars, curves and table are one estimate.",
        "Barres, courbes et tableau viennent d'une même estimation.",
        "الأعمدة والمنحنيات والجدول من تقدير واحد.",
    ),
    "corrected": (
        "Shares are corrected for the model's errors with {labels} labels of this study; intervals "
        "hold sampling and model error.",
        "Les parts sont corrigées des erreurs du modèle avec {labels} étiquettes de cette étude ; "
        "les intervalles contiennent l'erreur d'échantillonnage et celle du modèle.",
        "النسب مصححة من أخطاء النموذج بتصنيفات هذه الدراسة (عددها {labels})؛ تشمل المجالات خطأ "
        "العينة وخطأ النموذج.",
    ),
    "uncorrected": (
        "Shares are not corrected for the model's errors (labels of this study: {labels}; {needed} "
        "are needed). Intervals hold sampling error alone.",
        "Les parts ne sont pas corrigées des erreurs du modèle (étiquettes de cette étude : "
        "{labels} ; il en faut {needed}). Les intervalles ne contiennent que l'échantillonnage.",
        "النسب غير مصححة من أخطاء النموذج (تصنيفات هذه الدراسة {labels} والمطلوب {needed}). "
        "المجالات لا تشمل إلا خطأ العينة.",
    ),
    "uncorrected none": (
        "Shares are not corrected for the model's errors (no labels of this study; {needed} are "
        "needed: marsad label sample). Intervals hold sampling error alone.",
        "Les parts ne sont pas corrigées des erreurs du modèle (aucune étiquette de cette étude ; "
        "il en faut {needed}). Les intervalles ne contiennent que l'échantillonnage.",
        "النسب غير مصححة من أخطاء النموذج (لا تصنيفات لهذه الدراسة والمطلوب {needed}). المجالات "
        "لا تشمل إلا خطأ العينة.",
    ),
    "uncorrected attitude": (
        "Shares are not corrected for the model's errors (labels of the attitude to {name}: "
        "{labels}; {needed} are needed). Intervals hold sampling error alone.",
        "Les parts ne sont pas corrigées des erreurs du modèle (étiquettes de l'attitude envers "
        "{name} : {labels} ; il en faut {needed}). Les intervalles ne contiennent que "
        "l'échantillonnage.",
        "النسب غير مصححة من أخطاء النموذج (تصنيفات الموقف من {name}: {labels} والمطلوب {needed}). "
        "المجالات لا تشمل إلا خطأ العينة.",
    ),
    "uncorrected query": (
        "Shares are not corrected for the model's errors (labels of {name}: {labels}; {needed} are "
        "needed). Intervals hold sampling error alone.",
        "Les parts ne sont pas corrigées des erreurs du modèle (étiquettes pour {name} : {labels} "
        "; il en faut {needed}). Les intervalles ne contiennent que l'échantillonnage.",
        "النسب غير مصححة من أخطاء النموذج (تصنيفات {name}: {labels} والمطلوب {needed}). المجالات "
        "لا تشمل إلا خطأ العينة.",
    ),
    "as modelled": (
        "Shares are as the model gives them, not corrected for its errors. Intervals hold sampling "
        "error alone.",
        "Les parts sont celles que donne le modèle, sans correction de ses erreurs. Les "
        "intervalles ne contiennent que l'échantillonnage.",
        "النسب كما يعطيها النموذج دون تصحيح لأخطائه. المجالات لا تشمل إلا خطأ العينة.",
    ),
    "made with": (
        "Model: {models}. Made with Marsad.",
        "Modèle : {models}. Fait avec Marsad.",
        "النموذج: {models}. أُنجز بمرصد.",
    ),
    "query": ("Query: {query}", "Requête : {query}", "الاستعلام: {query}"),
    "unknown": ("unknown", "inconnu", "غير معروف"),
    "list": (", ", ", ", "، "),
    "described": (
        "{title}. {count}. {shares}",
        "{title}. {count}. {shares}",
        "{title}. {count}. {shares}",
    ),
    "described share": (
        "Negative share{name}: {first} in {when}, {last} in {until}; lowest {low}, highest {high}.",
        "Part négative{name} : {first} en {when}, {last} en {until} ; minimum {low}, maximum "
        "{high}.",
        "النسبة السلبية{name}: {first} في {when} و{last} في {until}؛ الأدنى {low} والأعلى {high}.",
    ),
    "rose": ("rose", "monte", "ارتفعت"),
    "fell": ("fell", "baisse", "انخفضت"),
    "change": (
        "{name}the negative share {moved} from {before} to {after} on {day}{likely}{near}.",
        "{name}la part négative {moved} de {before} à {after} le {day}{likely}{near}.",
        "{name}النسبة السلبية {moved} من {before} إلى {after} في {day}{likely}{near}.",
    ),
    "likely": (
        " (95 %: {low} to {high})", " (95 % : {low} à {high})", " (95٪: من {low} إلى {high})",
    ),
    "within": (
        "; within it: {event} ({day})", " ; dedans : {event} ({day})", "؛ ضمنه: {event} ({day})",
    ),
    "before": (
        "; nearest event, {many} before: {event} ({day})",
        " ; l'événement le plus proche, {many} avant : {event} ({day})",
        "؛ أقرب حدث، قبله بـ{many}: {event} ({day})",
    ),
    "after": (
        "; nearest event, {many} after: {event} ({day})",
        " ; l'événement le plus proche, {many} après : {event} ({day})",
        "؛ أقرب حدث، بعده بـ{many}: {event} ({day})",
    ),
    "placebo": (
        ". {part} of all dates are as near to a change: {verdict}",
        ". {part} de toutes les dates sont aussi proches d'un changement : {verdict}",
        ". نسبة التواريخ القريبة بالقدر نفسه من تغيّر {part}: {verdict}",
    ),
    "hardly chance": ("hardly chance", "sans doute pas un hasard", "يُستبعد أن يكون صدفة"),
    "may be chance": ("may well be chance", "peut être un hasard", "قد يكون صدفة"),
    **LOSS_TEXTS,
}  # fmt: skip


class Language:
    """One language of charts, in the country of the case."""

    def __init__(self, code: Code = "en", country: str = "") -> None:
        name = f"{code}_{country or ('GB' if code == 'en' else '')}".rstrip("_")
        self.code: Code = code
        self.locale = Locale.parse(name if localedata.exists(name) else code)
        self._place = CODES.index(code)

    @property
    def rtl(self) -> bool:
        """Tell whether it is read from right to left."""
        return str(self.locale.text_direction) == "rtl"

    def text(self, key: str, **values: object) -> str:
        """Return a text, with its ``{names}`` filled in."""
        return _TEXTS[key][self._place].format(**values)

    def number(self, value: float) -> str:
        """Return a whole number with the separators of the language."""
        if self.code == "en":
            return f"{value:,.0f}"
        return str(format_decimal(round(value), locale=self.locale))

    def percent(self, share: float) -> str:
        """Return a share in whole per cent."""
        return {"en": "{:.0f}%", "fr": "{:.0f}\N{NO-BREAK SPACE}%", "ar": "{:.0f}٪"}[
            self.code
        ].format(100 * share)

    def day(self, start: str) -> str:
        """Return a day (or an hour) in words."""
        if self.code == "en":
            return start.replace("T", " ") + (":00" if "T" in start else "")
        day = str(format_date(date.fromisoformat(start[:10]), "d MMMM y", locale=self.locale))
        return f"{day} {start[11:13]}:00" if "T" in start else day

    def buckets(self, number: int, by: By) -> str:
        """Return so many days, weeks, months or hours."""
        return str(format_unit(number, f"duration-{by}", locale=self.locale))

    def months(self) -> dict[str, str]:
        """Return the short names of the months by the English ones, as dates on axes have them."""
        if self.code == "en":
            return {}
        names: Any = self.locale.months["format"]["abbreviated"]
        return {short: str(names[place]) for place, short in enumerate(_ENGLISH, start=1)}

    def listed(self, parts: Sequence[str]) -> str:
        """Return several things in a row."""
        return self.text("list").join(parts)


_ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

ENGLISH = Language()
