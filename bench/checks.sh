#!/bin/bash
# What the checks of the sender cost: bench/checks.sh [rounds]. The same program twice, once with all default checks (SPF, DKIM, DMARC, ARC, the
# client's name) on mail with a DKIM signature and a name server of its own, once with none, beside Postfix to Maildir without any check. One run,
# interleaved, loopback only; about 6 minutes. Aims: 0.6 of the rate without checks, 4 times Postfix's at 50 sessions.
set -u
cd "$(dirname "$0")"; export PERF=${PERF:-${TMPDIR:-/tmp}/mailbench}; ROUNDS=${1:-3}; . peers/common.sh
OUT=$PERF/checks-$(date +%Y%m%d-%H%M%S).jsonl; mkdir -p $PERF/bin $PERF/dtmp $PERF/ours
apt_i gcc libc6-dev libssl-dev openssl python3
cc -O2 -w -o $PERF/bin/smtp_load smtp_load.c -lssl -lcrypto || exit 1
[ -s $PERF/bench.pem ] || openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out $PERF/bench.pem 2>/dev/null
CASES=${CASES:-5k-s50-k1-n2000,5k-s50-k0-n4000}
python3 peers/dns.py 2753 $PERF/bench.pem & DNS=$!
stop_all() { kill $DNS 2>/dev/null; peers/postfix.sh stop virtual; peers/ours.sh stop sqlite; peers/ours.sh stop sqlite-checked; } >/dev/null 2>&1
trap stop_all EXIT
peers/postfix.sh start virtual && peers/ours.sh start sqlite && peers/ours.sh start sqlite-checked || exit 1
python3 smtp_bench.py --peers postfix-virtual "--load=-K $PERF/bench.pem" \
  --peer "unchecked:port=2610,meters=$PERF/run/ours-sqlite.sock,counter=$PWD/peers/ours.sh counter sqlite,wipe=true" \
  --peer "checked:port=2616,meters=$PERF/run/ours-sqlite-checked.sock,counter=$PWD/peers/ours.sh counter sqlite-checked,wipe=true" \
  --cases "$CASES" --rounds $ROUNDS --warm-s ${WARM:-20} --out $OUT
python3 smtp_bench.py --report $OUT
python3 - $PERF/ours/data-sqlite-checked/portal.db <<'P'
import sqlite3, sys
portal = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
# A rate is worth nothing if the checks did not pass: the newest message says what was found.
fields, = portal.execute('SELECT "TraceFields" FROM "Content" ORDER BY rowid DESC LIMIT 1').fetchone()
text = fields if isinstance(fields, str) else fields.decode("latin-1")
print("Authentication-Results of the last message:", text.split("Authentication-Results:")[-1].strip() if "Authentication-Results:" in text else "none")
P
