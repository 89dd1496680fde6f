#!/bin/sh
# Makes the secrets of deploy/compose.yaml: one file each, random, in a folder of yours.
# What is there already stays as it is, so this may be repeated after an upgrade.
#
#   deploy/secrets.sh ~/marsad-secrets
set -eu

folder="${1:?names no folder: deploy/secrets.sh FOLDER, outside the repository}"
# Containers read these files as user 1000; Elasticsearch refuses files that others may read.
user=1000

umask 077
# platforms/ is for tokens of platforms: put them there yourself, one file each.
mkdir -p "$folder/platforms"
for name in elastic_password kibana_password kibana_encryption_key marsad_write_password \
    marsad_admin_password marsad_read_password grafana_password web_admin_password; do
    file="$folder/$name"
    if [ -e "$file" ]; then
        echo "$file: was there"
        continue
    fi
    # 40 letters and digits: 238 bits, and nothing that a shell or a URL would take for a sign.
    secret="$(LC_ALL=C tr -dc 'A-Za-z0-9' < /dev/urandom | head -c 40)"
    [ "${#secret}" -eq 40 ]
    printf '%s' "$secret" > "$file"
    echo "$file: made"
done
if [ "$(id -u)" -eq 0 ]; then
    chown -R "$user" "$folder"
elif [ "$(id -u)" -ne "$user" ]; then
    echo "You are user $(id -u), containers read these files as user $user. Now run:" >&2
    echo "  sudo chown -R $user $folder" >&2
fi
