#!/usr/bin/env bash
# feedparser 6.0.14, dates of feeds as publishers in France and the Maghreb write them.
# Expected: a summer-time name as CEST counts two hours, a name that is not known gives no date,
#   and 2016/2/27 is 27 February or no date.
# Seen: CEST and WEST count as UTC without a sign of it, and 2016/2/27 becomes 1 November 2016.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet feedparser==6.0.14 2>/dev/null
cat > "$folder/dates.py" <<'P'
import time

import feedparser

FEED = '<rss version="2.0"><channel><title>t</title><item><title>i</title><pubDate>{}</pubDate></item></channel></rss>'
for text in (
    "Sat, 27 Feb 2016 20:00:00 +0100",
    "Wed, 27 Jul 2016 20:00:00 CEST",
    "Wed, 27 Jul 2016 20:00:00 WEST",
    "2016/2/27",
):
    entry = feedparser.parse(FEED.format(text)).entries[0]
    found = entry.get("published_parsed")
    print(text, "->", time.strftime("%Y-%m-%d %H:%M UTC", found) if found else "no date")
P
seen=$("$folder/venv/bin/python" "$folder/dates.py")
printf 'feedparser 6.0.14\n%s\n' "$seen"
expected='Sat, 27 Feb 2016 20:00:00 +0100 -> 2016-02-27 19:00 UTC
Wed, 27 Jul 2016 20:00:00 CEST -> 2016-07-27 20:00 UTC
Wed, 27 Jul 2016 20:00:00 WEST -> 2016-07-27 20:00 UTC
2016/2/27 -> 2016-11-01 00:00 UTC'
[ "$seen" = "$expected" ] || { echo "changed: expected"; echo "$expected"; exit 1; }
