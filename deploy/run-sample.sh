#!/bin/sh
# The main job, as a user would type it: every command is shown before it runs.
# Safe to repeat: what is there already is recognised and nothing is added.
set -eu
case="ingest/watchlists/morocco-2016"

. deploy/sample-show.sh

echo "Marsad on its sample archive: fictional posts about the block of internet calls in Morocco, 2016."
show marsad ingest archive "$case/sample.ndjson" --watchlist morocco-2016

out=out
. deploy/sample-questions.sh

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
