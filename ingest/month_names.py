"""Names of the months in the languages of posts, feeds and exports.

English, French, Spanish, Portuguese, Italian and German as CLDR 46 lists them, with their usual
abbreviations, and the four Arabic sets: of Egypt and the Gulf, of the Levant, of Tunisia and
Algeria, and of Morocco (CLDR ``ar``, ``ar-LB``, ``ar-DZ``, ``ar-TN``, ``ar-MA``). Names stand as
:func:`nlp.text.normalise` writes them: small letters, without accents, hamza and vowel marks.
"""

from __future__ import annotations

from typing import Final

from nlp.text import normalise

_NAMES = (
    "jan january janv janvier ene enero januar janeiro gennaio gen يناير جانفي كانونب",
    "feb february fev févr fév février febrero februar fevereiro febbraio فبراير شباط فيفري فيفرى",
    "mar march mars marzo märz mrz março مارس آذار اذار",
    "apr april avr avril abr abril aprile أبريل إبريل نيسان أفريل",
    "may mai mayo maio maggio mag مايو أيار ماي",
    "jun june juin junio juni junho giugno giu يونيو حزيران جوان يونيه",
    "jul july juil juillet julio juli julho luglio lug يوليو تموز جويلية يوليوز يوليه جويليه",
    "aug august aout août ago agosto أغسطس آب اب أوت غشت",
    "sep sept september septembre septiembre setembro settembre set سبتمبر أيلول شتنبر",
    "oct october octobre octubre okt oktober outubro out ottobre ott أكتوبر تشرينا",
    "nov november novembre noviembre novembro نوفمبر نونبر تشرينب",
    "dec december déc décembre dic diciembre dez dezember dezembro dicembre ديسمبر دجنبر كانونا",
)
#: The number of each month by its name.
MONTHS: Final = {
    form: number
    for number, names in enumerate(_NAMES, start=1)
    for name in names.split()
    for form in {normalise(name), name}
}
#: Names of the Levant that have two words, normalised, and the one word read for them.
OF_TWO_WORDS: Final = {
    normalise(words): name
    for words, name in (
        ("كانون الثاني", "كانونب"),
        ("كانون الأول", "كانونا"),
        ("تشرين الأول", "تشرينا"),
        ("تشرين الثاني", "تشرينب"),
    )
}
