#!/bin/bash
# The benchmark, one command: bench/run.sh [rounds]. Measures this program beside its peers, interleaved in one run, on loopback.
# Each peer is loaded for WARM seconds (30) before the first round: compilers and caches are warm in a server that runs for months.
# Needs root, Debian, the .NET SDK; unpacks Postfix, installs Dovecot, gcc's OpenSSL headers and PostgreSQL from the distribution. About 15 minutes.
# Prints the table; rows go to $PERF/results-DATE-TIME.jsonl. What it said on which day stands in bench/RESULTS.md.
set -u
cd "$(dirname "$0")"; export PERF=${PERF:-${TMPDIR:-/tmp}/mailbench}; ROUNDS=${1:-3}; . peers/common.sh
OUT=$PERF/results-$(date +%Y%m%d-%H%M%S).jsonl; mkdir -p $PERF/bin $PERF/dtmp $PERF/ours
apt_i gcc libc6-dev libssl-dev openssl python3 postgresql
[ -x $PERF/bin/smtp_load ] || cc -O2 -w -o $PERF/bin/smtp_load smtp_load.c -lssl -lcrypto
[ -x $PERF/bin/disk_bench ] || cc -O2 -w -pthread -o $PERF/bin/disk_bench disk_bench.c
CASES=${CASES:-5k-s10-k1-n1000,5k-s10-k0-n2000,5k-s50-k1-n1000,5k-s50-k0-n3000}
stop_all() { for p in "postfix virtual" "postfix dovecot" "dovecot maildir" "ceiling" "ours sqlite" "ours postgres"; do set -- $p; peers/$1.sh stop ${2:-} >/dev/null 2>&1; done; }
trap stop_all EXIT
peers/dovecot.sh start maildir && peers/postfix.sh start virtual && peers/postfix.sh start dovecot && peers/ceiling.sh start && peers/ours.sh start sqlite && peers/ours.sh start postgres || exit 1
python3 smtp_bench.py --peers postfix-virtual,postfix-dovecot,net-ceiling \
  --peer "ours:port=2610,meters=$PERF/run/ours-sqlite.sock,counter=$PWD/peers/ours.sh counter sqlite,wipe=true" \
  --peer "ours-postgres:port=2611,meters=$PERF/run/ours-postgres.sock,counter=$PWD/peers/ours.sh counter postgres,wipe=true" \
  --cases "$CASES" --rounds $ROUNDS --warm-s ${WARM:-30} --out $OUT
python3 smtp_bench.py --report $OUT
echo "### idle connections"; python3 storm.py ours:2610:$PERF/run/ours-sqlite.sock postfix-virtual:2601:$PERF/run/postfix-virtual.sock --conns 2000 --out $PERF/storm.jsonl
