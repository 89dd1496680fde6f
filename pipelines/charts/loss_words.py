"""What charts of likes lost say, in the three languages of charts."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str, str]] = {
    "loss title": (
        "Likes lost, by page and source",
        "Mentions J'aime perdues, par page et par source",
        "الإعجابات المفقودة حسب الصفحة والمصدر",
    ),
    "loss one reading": ("1 reading", "1 relevé", "قراءة واحدة"),
    "loss readings": ("{many} readings", "{many} relevés", "عدد القراءات {many}"),
    "loss nothing": (
        "No reading can be drawn: none is a counter or a number of likes.",
        "Aucun relevé ne peut être dessiné : ce ne sont ni des compteurs ni des nombres de "
        "mentions.",
        "لا يمكن رسم أي قراءة: لا عدّاد بينها ولا عدد إعجابات.",
    ),
    "loss early": (
        "Left of the chart, before {day}: {many}.",
        "Avant le graphique, plus tôt que le {day} : {many}.",
        "خارج الرسم، قبل {day}: {many}.",
    ),
    "clause": ("; ", " ; ", "؛ "),
    "loss own scales": (
        "each page has its own scale", "chaque page a son échelle", "لكل صفحة مقياسها",
    ),
    "loss one scale": (
        "one scale for all pages", "une échelle pour toutes les pages", "مقياس واحد لكل الصفحات",
    ),
    "loss noted": (
        "one scale, but where noted", "une échelle, sauf indication", "مقياس واحد إلا حيث ذُكر",
    ),
    "loss own scale": ("own scale", "autre échelle", "مقياس آخر"),
    "loss start": (
        "{day}: losses are counted from here on",
        "{day} : les pertes sont comptées à partir d'ici",
        "{day}: تُحسب الخسائر ابتداء من هنا",
    ),
    "loss bars": (
        "Bars: how far a rounded figure may be off (upright), the time of which no more is known "
        "(level). Dotted: nothing is known between two readings.",
        "Barres : l'arrondi possible d'un chiffre (verticales), le temps dont on ne sait pas plus "
        "(horizontales). Pointillés : rien n'est connu entre deux relevés.",
        "الخطوط: مدى تقريب الرقم (العمودية) والوقت الذي لا يُعرف أدق منه (الأفقية). المنقط: لا "
        "يُعرف شيء بين قراءتين.",
    ),
    "loss hollow": (
        "Hollow: a published loss whose source does not say since when it counts. Full: counted "
        "from where the source says.",
        "Vide : une perte publiée dont la source ne dit pas depuis quand elle compte. Plein : "
        "comptée à partir de ce que dit la source.",
        "المفرغ: خسارة منشورة لا يقول مصدرها منذ متى يحسب. المملوء: محسوبة من حيث يقول المصدر.",
    ),
    "loss hollow since": (
        "Hollow: a published loss whose source does not say since when it counts; the date asked "
        "for is taken. Full: counted from where the source says.",
        "Vide : une perte publiée dont la source ne dit pas depuis quand elle compte ; la date "
        "demandée est prise. Plein : comptée à partir de ce que dit la source.",
        "المفرغ: خسارة منشورة لا يقول مصدرها منذ متى يحسب؛ أُخذ التاريخ المطلوب. المملوء: محسوبة "
        "من حيث يقول المصدر.",
    ),
    "loss counted": (
        "Of counters that were read, the loss is that since the first reading, without shaded "
        "stretches.",
        "Pour les compteurs relevés, la perte est celle depuis le premier relevé, sans les "
        "passages ombrés.",
        "للعدّادات المقروءة: الخسارة منذ القراءة الأولى دون الفترات المظللة.",
    ),
    "loss undrawn": (
        "Not drawn: {many} figures in per cent or per minute.",
        "Non dessinés : {many} chiffres en pour cent ou par minute.",
        "غير مرسوم: أرقام بالنسبة المئوية أو في الدقيقة، عددها {many}.",
    ),
    "made": ("Made with Marsad.", "Fait avec Marsad.", "أُنجز بمرصد."),
    "loss rise": ("rise", "hausse", "ارتفاع"),
    "loss jump": ("jump", "saut", "قفزة"),
    "loss reset": ("reset", "remise à zéro", "تصفير"),
}  # fmt: skip
