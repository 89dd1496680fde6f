"""Text in Berber (Tachelhit, Tamazight, Tarifit, Kabyle) in Latin letters, as people type it.

No labelled collection of such posts is at hand, so common words of the four varieties, in the
standard orthography, are strung together at random and spelt as on a telephone: ``ɣ`` as ``gh``,
dots below left out, ``ɛ`` as ``a``. The order of words means nothing: the model sees words and
letters only. The words are dictionary facts (function words, common verbs and nouns).
"""

from __future__ import annotations

from random import Random

_SMALL = """
d n s ur ad i g ɣ ɣef ɣer deg seg gar zeg zi di am ar iɣ ig ma mani manza mata matta mayd acku acku
acḥal acimi aniwa anwa ayen ayenna akken imi mi ula ulac ulamma uḥu oho yah ih yak is imma maca
bac afad akk kullu kra walu amya dayen daɣ daɣen diɣ kada kigan bahra aṭas drus imik cwiya
nekk nekki nkki nkk kečč keyyin kmmin kyyi netta nettat nttan nukni nekni nečnin nitni kunwi kenwi
wa ta wi ti win tin wid tid wad tad wann tann wenni tenni agi nni inna ann dinna dinni da din
ɣid ɣinn dagi diha idd idis zdat ddaw nnig tama assa iḍelli azekka azkka ass-a tura dɣi ɣilad ruḥ
yan yat yun yiwen yiwet sin snat krad kraḍ kuẓ semmus sḍis sa tam tẓa mraw
"""
_VERBS = """
ira riɣ nra tra ran rad rix iga giɣ gan tga nga illa lliɣ llan tella tlla ilan dar ssneɣ issn ssnn
issen iwala ẓriɣ iẓra nẓra zriɣ iṛuḥ iruḥ ruḥeɣ dda iddu ddiɣ nedda uckiɣ yucka yusa usiɣ usan yiwi
iwiɣ awid fk fkiɣ ifka yefka efk yenna nniɣ inna nnan tenna ini sawel sawalɣ isawl iswa swiɣ ičča
cciɣ yečča yeqqim qqim gawr iqqima bdu yebda ibda ikka kkiɣ yekka yuɣal uɣul iɣli yeffeɣ ffɣ iffɣ
yekcem kcem kcmɣ ḥemmleɣ ḥemleɣ ibɣa bɣiɣ yebɣa yexdem xedmeɣ txdem yuzzel azel yura ariɣ ura ɣriɣ
yeɣra iɣra ifhem fehmeɣ yessen yezmer zemreɣ izmer zmrɣ tzemrem yelli yella llant yettwali ttwaliɣ
tettu ttuɣ yettu ittut immut yemmut yedder idder ilul ssutur ssutureɣ ssiwel ssiweḍ sfeld sflid
"""
_NOUNS = """
azul tanmirt tanemmirt ayyuz tudert tilelli aman aɣrum tafukt ayyur itri igenna akal amaḍal adrar
idurar asif ilel tiwizi argaz irgazen tamɣart tamɣarin tameṭṭut tilawin afrux ifrxan aqcic taqcict
arrac ayt aytma gma ultma uma weltma baba yemma imma immi inu nneɣ nnes nneɣen nnun nsn nsent ines
tigemmi taddart axxam ixxamen tiddart agadir igran iger tamazirt timizar tamurt tudrin dduwar
tamaziɣt amaziɣ imaziɣen taqbaylit aqbayli leqbayel tacelḥit acelḥi tarifit arif awal awalen
tutlayt tadlsa idles amezruy aseggas iseggasen ayyur aggur ussan ass uḍ iḍ tikkelt tikkal azemz
aɣrem aɣref aydud agdud agellid agldun tanbaḍt tinbaḍin amawal adlis idlisen asefru isefra ccna
aẓawan amarg tayri tayuri ul ulawen afus ifassen iḍaren aqerruy tiṭ allen udem imi ils times
amezwaru aneggaru ameqqran meqqren amẓẓyan mẓẓiyn yefsen ifulki ifulkin icwa yelha lhan igerrez
iẓil aẓidan iḥla axatar amaynu aqdim abrid ibriden tawada tamsirt aselmad anelmad tinmel aɣerbaz
tasdawit amdan imdanen midden medden win iwdan amddakl imddukal amdakel tameddakelt amsawal
asawal tilifun asnas aẓeṭṭa internet tiliɣri lexbar isalen aɣmis tamentilt ugur uguren ayda
"""

_SPELLINGS: tuple[dict[str, str], ...] = (
    {},
    {"ɣ": "gh", "ḥ": "h", "ṭ": "t", "ḍ": "d", "ẓ": "z", "ṛ": "r", "ɛ": "a", "c": "ch", "č": "tch"},
    {"ɣ": "gh", "ḥ": "7", "ṭ": "t", "ḍ": "d", "ẓ": "z", "ṛ": "r", "ɛ": "3", "c": "ch", "č": "tch"},
    {"ɣ": "γ", "ɛ": "ε", "ṛ": "r"},
    {"ɣ": "gh", "ḥ": "h", "ṭ": "t", "ḍ": "d", "ẓ": "z", "c": "c", "č": "č", "u": "ou"},
)
_LENGTHS = (2, 3, 4, 5, 6, 8, 10, 14)


def texts(count: int, seed: int) -> list[str]:
    """Return `count` texts of 2 to 14 words, each in one spelling."""
    rng = Random(seed)
    kinds = [text.split() for text in (_SMALL, _VERBS, _NOUNS)]
    made = list[str]()
    for _ in range(count):
        words = [
            rng.choice(rng.choices(kinds, (0.45, 0.2, 0.35))[0])
            for _ in range(rng.choice(_LENGTHS))
        ]
        text = " ".join(words)
        for letter, written in rng.choice(_SPELLINGS).items():
            text = text.replace(letter, written)
        made.append(text)
    return made
