#!/bin/bash
# Roles and accounts on Elasticsearch, as docs/operations.md describes them. Made anew each time,
# which changes nothing if nothing changed: a new password in a secret's file becomes the account's.
set -euo pipefail

url="${ELASTICSEARCH_URL:?is not set: the address of the server, http://elasticsearch:9200}"
secrets="${SECRETS:-/run/secrets}"
here="$(cd "$(dirname "$0")" && pwd)"

# ask METHOD PATH [BODY]: the password goes by a pipe, where no list of processes shows it.
ask() {
    curl --config <(printf 'user = "elastic:%s"' "$(cat "$secrets/elastic_password")") \
        --silent --show-error --fail-with-body --max-time 60 \
        --request "$1" --header 'Content-Type: application/json' "$url$2" --data-binary @- <<< "${3:-}"
    echo
}

for role in "$here"/role-*.json; do
    name="$(basename "$role" .json)"
    ask PUT "/_security/role/marsad_${name#role-}" "$(cat "$role")"
done
# Passwords are letters and digits (deploy/secrets.sh), so they need no quoting in JSON.
ask POST /_security/user/kibana_system/_password \
    "{\"password\": \"$(cat "$secrets/kibana_password")\"}"
ask PUT /_security/user/marsad_write \
    "{\"password\": \"$(cat "$secrets/marsad_write_password")\", \"roles\": [\"marsad_write\"]}"
# For commands of the operator.
ask PUT /_security/user/marsad_admin \
    "{\"password\": \"$(cat "$secrets/marsad_admin_password")\", \"roles\": [\"marsad_admin\"]}"
# For searching, from the command line and in Kibana.
ask PUT /_security/user/marsad_read \
    "{\"password\": \"$(cat "$secrets/marsad_read_password")\", \"roles\": [\"marsad_read\"]}"
