# Are there servers for `make run-cluster`, or is there something to start them with? Says what is
# missing, and ends with 1 then. Run before anything is installed: that takes minutes. The order is
# that of tests/run_cluster.py.
scripts=${MARSAD_SERVERS:-../shared/servers}
case ${MARSAD_STORE:-} in http*) store=yes ;; *) store= ;; esac

if [ -n "${MARSAD_BROKERS:-}" ] && [ -n "$store" ]; then exit 0; fi
if [ -n "${MARSAD_TEST_KAFKA:-}" ] && [ -n "${MARSAD_TEST_ELASTICSEARCH:-}" ]; then exit 0; fi
if [ -d "$scripts" ]; then exit 0; fi
if [ -n "${MARSAD_SERVERS:-}" ]; then
    missing="There is no folder $MARSAD_SERVERS (MARSAD_SERVERS)"
elif ! command -v docker >/dev/null 2>&1; then
    missing="Docker is not installed"
elif ! docker compose version >/dev/null 2>&1; then
    missing="Docker is there without its compose plugin (docker compose)"
elif ! docker info >/dev/null 2>&1; then
    missing="Docker does not answer: start it, or see that this account may use it (docker info)"
else
    exit 0
fi
cat >&2 <<END
No servers for Kafka and Elasticsearch. $missing.
One of these is enough (docs/run-cluster.md):
  - Docker with its compose plugin, running: servers are started in containers
  - MARSAD_BROKERS=host:9092 MARSAD_STORE=http://host:9200/name make run-cluster: servers of yours
  - MARSAD_SERVERS=folder make run-cluster: a folder of start scripts
\`make run\` does the same job without any server.
END
exit 1
