#!/bin/sh
# The main job, as a user would type it: every command is shown before it runs.
# Safe to repeat: what is there already is recognised and nothing is added.
set -eu
case="ingest/watchlists/morocco-2016"

show() {
    printf '\n$ %s\n' "$*"
    "$@"
}

echo "Marsad on its sample archive: fictional posts about the block of internet calls in Morocco, 2016."
show marsad ingest archive "$case/sample.ndjson" --watchlist morocco-2016

echo
echo "One query finds a word in Arabic letters, in Arabizi and in French:"
for language in ary ary-Latn fr; do
    show marsad search whatsapp --lang "$language" --since 2016-02-20 --until 2016-03-10 --limit 2
done

echo
echo "Attitude to each operator, day by day, as the un-liking campaign begins:"
show marsad trends --entity maroc-telecom,inwi,meditel --split entity \
    --since 2016-02-25 --until 2016-03-03
mkdir -p out
show marsad trends --entity maroc-telecom,inwi,meditel --split entity --by week \
    --annotations morocco-2016 --chart out/trends.svg --chart out/trends.png >/dev/null

echo
echo "A study subset, with its codebook and how to cite it:"
show marsad export 'entity:anrt sentiment:negative' --to out/study

echo
show marsad status
cat <<'END'

Done. The store is marsad.db, the charts are out/trends.svg and out/trends.png, the subset is out/study/.
How to go on:
  source .venv/bin/activate
  marsad search '"#OpeUnlike"'                     search; also واتساب, l9ta3, … (docs/query.md)
  marsad trends --split language --by week          any question over time
  marsad ingest archive YOUR-FILE --watchlist none  your own posts: NDJSON, JSON, CSV (docs/archives.md)
  marsad --help                                     everything else
END
