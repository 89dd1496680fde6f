#!/usr/bin/env bash
# Protego 0.7.0, robots.txt of forums that a scraper asks before it reads.
# Expected: `Allow: /forum/index.html` allows that page alone, as `index.php` does; a group for the
#   robot "mar" is not the group of a robot named "marsad" (RFC 9309 compares product tokens).
# Seen: an Allow of index.html allows its folder's address too (index.php does not, and a Disallow
#   of index.html does not forbid the folder), and a group applies to every robot whose name
#   begins with the group's.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet protego==0.7.0 2>/dev/null
cat > "$folder/robots.py" <<'P'
from protego import Protego

FORUM = "https://forum.example/forum/"
for rules, robot in (
    ("User-agent: *\nDisallow: /forum/\nAllow: /forum/index.html", "marsad"),
    ("User-agent: *\nDisallow: /forum/\nAllow: /forum/index.php", "marsad"),
    ("User-agent: *\nDisallow: /forum/index.html", "marsad"),
    ("User-agent: mar\nDisallow: /\n\nUser-agent: *\nAllow: /", "marsad"),
    ("User-agent: sad\nDisallow: /\n\nUser-agent: *\nAllow: /", "marsad"),
):
    allowed = Protego.parse(rules).can_fetch(FORUM, robot)
    print(rules.replace("\n\n", "\n").replace("\n", "; "), "->", "allowed" if allowed else "forbidden")
P
seen=$("$folder/venv/bin/python" "$folder/robots.py")
printf 'Protego 0.7.0, /forum/ for the robot marsad\n%s\n' "$seen"
expected='User-agent: *; Disallow: /forum/; Allow: /forum/index.html -> allowed
User-agent: *; Disallow: /forum/; Allow: /forum/index.php -> forbidden
User-agent: *; Disallow: /forum/index.html -> allowed
User-agent: mar; Disallow: /; User-agent: *; Allow: / -> forbidden
User-agent: sad; Disallow: /; User-agent: *; Allow: / -> allowed'
[ "$seen" = "$expected" ] || { echo "changed: expected"; echo "$expected"; exit 1; }
