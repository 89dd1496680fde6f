#!/usr/bin/env bash
# feedparser 6.0.14, authors of RSS items as "mail (Name)" (RSS 2.0, <author>), at hosts whose last
#   part has more than four letters.
# Expected: author_detail holds the name and the address as they are written, as it does for .org.
# Seen: the address ends after four letters, the rest of the host is taken for part of the name.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet feedparser==6.0.14 2>/dev/null
cat > "$folder/authors.py" <<'P'
import feedparser

FEED = '<rss version="2.0"><channel><title>t</title><item><title>i</title><author>{}</author></item></channel></rss>'
for text in ("nora@journal.org (Nora)", "nora@journal.press (Nora)", "nora@journal.museum"):
    detail = feedparser.parse(FEED.format(text)).entries[0].author_detail
    print(text, "->", detail.get("name"), "|", detail.get("email"))
P
seen=$("$folder/venv/bin/python" "$folder/authors.py")
printf 'feedparser 6.0.14\n%s\n' "$seen"
expected='nora@journal.org (Nora) -> Nora | nora@journal.org
nora@journal.press (Nora) -> s (Nora | nora@journal.pres
nora@journal.museum -> um | nora@journal.muse'
[ "$seen" = "$expected" ] || { echo "changed: expected"; echo "$expected"; exit 1; }
