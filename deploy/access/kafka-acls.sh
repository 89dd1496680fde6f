#!/bin/sh
# What each account needs on Kafka, and no more; run once by an administrator of the brokers:
#
#   KAFKA_ACLS="kafka-acls.sh --bootstrap-server broker:9093 --command-config admin.properties" \
#       deploy/access/kafka-acls.sh
#
# MARSAD_KAFKA_PREFIX is that of the collection (marsad.), PRINCIPAL what stands before the
# accounts' names (User:marsad- makes User:marsad-score). Doing it again changes nothing.
# Strimzi: the same table as `authorization.acls` of one KafkaUser each.
set -eu

acls="${KAFKA_ACLS:?is not set: the command kafka-acls.sh with the address of a broker}"
prefix="${MARSAD_KAFKA_PREFIX:-marsad.}"
principal="${PRINCIPAL:-User:marsad-}"

# grant WHO KIND NAME OPERATION…: to a topic or group of exactly this name.
grant() {
    who="$1" kind="$2" name="$3"
    shift 3
    operations=""
    for operation in "$@"; do operations="$operations --operation $operation"; done
    # The command and the operations are lists of words.
    # shellcheck disable=SC2086
    $acls --add --force --allow-principal "$principal$who" "--$kind" "$prefix$name" $operations
}

# grant_all WHO KIND NAME OPERATION…: to all whose names begin so.
grant_all() {
    who="$1" kind="$2" name="$3"
    shift 3
    operations=""
    for operation in "$@"; do operations="$operations --operation $operation"; done
    # shellcheck disable=SC2086
    $acls --add --force --allow-principal "$principal$who" "--$kind" "$prefix$name" \
        --resource-pattern-type prefixed $operations
}

# topics: marsad topics create
grant_all topics topic "" Create Describe DescribeConfigs AlterConfigs

# collect: marsad worker collect, marsad ingest … --brokers
for topic in posts tombstones ledger positions; do
    grant collect topic "$topic" Write Describe
done
for topic in positions leases; do
    grant collect topic "$topic" Read Describe
done
grant collect group collect Read
grant_all collect transactional-id collect- Write Describe

# score: marsad worker score
grant score topic posts Read Describe
for topic in posts scored dead; do
    grant score topic "$topic" Write Describe
done
grant score group score Read
grant_all score transactional-id score- Write Describe

# index: marsad worker index; it writes empty records to posts, which erase deleted texts
for topic in scored tombstones ledger dead; do
    grant index topic "$topic" Read Describe
done
grant index topic posts Write Describe
grant index group index Read

# tools: marsad status, marsad delete
grant_all tools topic "" Read Describe DescribeConfigs
for topic in posts tombstones; do
    grant tools topic "$topic" Write
done
grant_all tools group "" Describe

# keda: looks at lags
grant_all keda topic "" Describe
grant_all keda group "" Describe
