#!/bin/bash
# The rate with many stored messages against an empty system: bench/stored.sh [COUNT], 1,000,000 unless told. Loopback only; needs root, Debian and the
# .NET SDK as run.sh does, 8 GB of disk for each database and about half an hour on two cores, nearly all of it filling. Prints medians and ratios.
#   ROUNDS=5           interleaved rounds          KINDS="sqlite postgres"   databases, one after the other
#   PIECE=250000       messages filled in at once  STEP="flock FILE"         each piece runs under this, where others use the machine too
#   KEEP=1             leaves the systems filled for another run
# Both systems have the same 2,000 mailboxes. The stored messages are spread over all of them and came through the program's own writer (bench/seed).
set -u
cd "$(dirname "$0")"; export PERF=${PERF:-${TMPDIR:-/tmp}/mailbench} NUSERS=0
COUNT=${COUNT:-1000000}; case ${1:-} in ''|prepare|fill|measure|report) ;; *[!0-9]*) sed -n 2,8p "$0"; exit 2;; *) COUNT=$1;; esac; export COUNT
ROUNDS=${ROUNDS:-5}; KINDS=${KINDS:-sqlite postgres}; PIECE=${PIECE:-250000}; STEP=${STEP:-}; MAILBOXES=2000
CASES=${CASES:-5k-s50-k0-n6000,5k-s10-k0-n4000}; OUT=$PERF/stored-${2:-}.jsonl

prepare() { # KIND: two systems, set up alike
  . peers/common.sh; apt_i gcc libc6-dev libssl-dev python3 postgresql; mkdir -p $PERF/bin $PERF/dtmp $PERF/ours
  [ -x $PERF/bin/smtp_load ] || cc -O2 -w -o $PERF/bin/smtp_load smtp_load.c -lssl -lcrypto; [ -x $PERF/bin/disk_bench ] || cc -O2 -w -pthread -o $PERF/bin/disk_bench disk_bench.c
  for system in $1-empty $1-stored; do
    peers/ours.sh stop $system >/dev/null 2>&1; peers/ours.sh start $system && peers/ours.sh stop $system && peers/ours.sh seed $system mailboxes $MAILBOXES || return 1
  done; }
measure() { # KIND: both systems up, the same cases in turn, the order turned round each time
  peers/ours.sh again $1-empty && peers/ours.sh again $1-stored || return 1
  python3 smtp_bench.py --peers "" --rounds $ROUNDS --cases "$CASES" --out $OUT \
    --peer "empty:port=$2,meters=$PERF/run/ours-$1-empty.sock,counter=$PWD/peers/ours.sh counter $1-empty,wipe=$PWD/peers/ours.sh quiet $1-empty; $PWD/peers/ours.sh quiet $1-stored" \
    --peer "stored:port=$(($2+2)),meters=$PERF/run/ours-$1-stored.sock,counter=$PWD/peers/ours.sh counter $1-stored,wipe=$PWD/peers/ours.sh quiet $1-empty; $PWD/peers/ours.sh quiet $1-stored"
  peers/ours.sh stop $1-empty; peers/ours.sh stop $1-stored; }
report() { # KIND: medians and what is left of the empty system's rate
  python3 - "$1" $OUT <<'P'
import json, re, statistics, sys
runs = {}
for row in map(json.loads, open(sys.argv[2])):
    if row.get("accepted"): runs.setdefault(re.sub(r"-n\d+", "", row["case"]), {}).setdefault(row["peer"], []).append(row)
for case, peers in runs.items():
    middle = lambda peer, key: statistics.median(row[key] for row in peers[peer])
    spread = lambda peer: f"{min(r['acc_s'] for r in peers[peer]):.0f}-{max(r['acc_s'] for r in peers[peer]):.0f}"
    print(f"{sys.argv[1]} {case}: empty {middle('empty', 'acc_s'):.0f}/s ({spread('empty')}), stored {middle('stored', 'acc_s'):.0f}/s ({spread('stored')}), ratio {middle('stored', 'acc_s') / middle('empty', 'acc_s'):.2f}; "
          f"CPU a message {middle('empty', 'cpu_ms_msg'):.2f} and {middle('stored', 'cpu_ms_msg'):.2f} ms, ratio {middle('stored', 'cpu_ms_msg') / middle('empty', 'cpu_ms_msg'):.2f}; failed {sum(r['failed'] or 0 for p in peers.values() for r in p)}")
P
}

case ${1:-} in   # a piece of its own, for STEP
 prepare) prepare $2; exit;;
 fill) peers/ours.sh seed $2-stored messages $PIECE $COUNT; exit;;
 measure) case $2 in sqlite) measure sqlite 2612;; *) measure postgres 2613;; esac; exit;;
 report) report $2; exit;;
esac
stop_all() { for kind in $KINDS; do peers/ours.sh stop $kind-empty; peers/ours.sh stop $kind-stored; done >/dev/null 2>&1; }
trap stop_all EXIT
for kind in $KINDS; do
  $STEP ./stored.sh prepare $kind || exit 1
  stored=0
  while [ $stored -lt $COUNT ]; do stored=$($STEP ./stored.sh fill $kind | tail -1); [ -n "$stored" ] || exit 1; echo "$kind: $stored stored"; done
  rm -f $PERF/stored-$kind.jsonl; $STEP ./stored.sh measure $kind; ./stored.sh report $kind
  [ -n "${KEEP:-}" ] || rm -rf $PERF/ours/data-$kind-empty $PERF/ours/data-$kind-stored $PERF/ours/pg-empty $PERF/ours/pg-stored
done
