#!/bin/bash
# This program, published by eng/publish.sh under $PERF. ours.sh start sqlite|postgres ; stop ... ; counter ... prints the messages in all
# mailboxes for each line it reads.
#   sqlite: SMTP 2610, web 2710     postgres: SMTP 2611, web 2711 (a throwaway PostgreSQL with fsync on, port 2781)
#   For checks.sh: sqlite-checked 2616, which checks mail from loopback too, with the name server of dns.py.
#   For stored.sh: sqlite-empty 2612, postgres-empty 2613, sqlite-stored 2614, postgres-stored 2615; ours.sh again ... starts on the data that is there,
#   seed ... ARGUMENTS runs bench/seed on a stopped one, quiet ... waits until its trace is indexed.
. "$(dirname "$0")/common.sh"
TOP=$(cd "$BENCH/.." && pwd); OUT=$PERF/ours/out
case ${2:-sqlite} in sqlite) N=0;; postgres) N=1;; sqlite-empty) N=2;; postgres-empty) N=3;; sqlite-stored) N=4;; postgres-stored) N=5;; sqlite-checked) N=6;; *) sed -n 2,7p "$0"; exit 2;; esac
KIND=${2:-sqlite}; SUFFIX=${KIND#sqlite}; SUFFIX=${SUFFIX#postgres}; KIND=${KIND%%-*}; S=$((2610+N)) W=$((2710+N)); SEED=$PERF/ours/seed
PGBIN=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1); PG=$PERF/ours/pg$SUFFIX; PGPORT=$((2780+N))
D=$PERF/ours/data-${2:-sqlite}
settings() {
  export Portal__DataFolder=$D Portal__HostName=mail.example.test Portal__ListenAddress=127.0.0.1 Portal__Web__Port=$W Portal__Web__HttpsPort=$((W+100))
  export Portal__Smtp__Port=$S Portal__Submission__Port=$((S+50)) Portal__Submissions__Port=$((S+60)) Portal__DiskFloorBytes=0
  [ "$1" = sqlite-checked ] && export Portal__Smtp__CheckLoopback=true Portal__Dns__Servers__0=127.0.0.1:2753
  [ "${1%%-*}" = postgres ] && export Portal__Database__Provider=Postgres Portal__Database__ConnectionString="Host=127.0.0.1;Port=$PGPORT;Username=portal;Database=portal"; true; }
build() { [ -e "$OUT/.built-$(git -C "$TOP" rev-parse HEAD 2>/dev/null || echo none)" ] && return; rm -rf "$OUT"; "$TOP/eng/publish.sh" "$OUT" >>$PERF/build.log 2>&1 && touch "$OUT/.built-$(git -C "$TOP" rev-parse HEAD 2>/dev/null || echo none)"; }
pg_up() { [ -d $PG/db ] || { install -d -o postgres -g postgres -m 700 $PG; ( cd / && runuser -u postgres -- $PGBIN/initdb -D $PG/db -U portal --auth=trust -E UTF8 --locale=C.UTF-8 ) >>$PERF/pg.log; }
  ( cd / && runuser -u postgres -- $PGBIN/pg_ctl -D $PG/db -w -l $PG/log -o "-p $PGPORT -c listen_addresses=127.0.0.1 -c unix_socket_directories=$PG -c fsync=on -c synchronous_commit=on" start ) >>$PERF/pg.log 2>&1
  ( cd / && runuser -u postgres -- $PGBIN/createdb -h 127.0.0.1 -p $PGPORT -U portal portal ) 2>/dev/null; true; }
pg_down() { ( cd / && runuser -u postgres -- $PGBIN/pg_ctl -D $PG/db -m fast stop ) >>$PERF/pg.log 2>&1; true; }
# Answers the query once for each line read.
ask() { if [ $KIND = postgres ]; then while read -r; do echo "$1;"; done | ( cd / && runuser -u postgres -- $PGBIN/psql -h 127.0.0.1 -p $PGPORT -U portal -Atq portal )
  else python3 -c 'import sqlite3, sys
portal = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=5)
for _ in sys.stdin: print(portal.execute(sys.argv[2]).fetchone()[0], flush=True)' "$D/portal.db" "$1"
  fi; }
case ${1:-} in
 start) build || { echo "build failed, see $PERF/build.log"; exit 1; }; chmod 755 $PERF/ours 2>/dev/null; rm -rf "$D"
   [ $KIND = postgres ] && { pg_down; rm -rf $PG; pg_up; }
   settings $2; cd $PERF/ours
   echo 'bench of the long evenings' | dotnet $OUT/Portal.Web.dll setup --domain example.test --admin admin@example.test --password-stdin >>$PERF/ours/setup.log 2>&1 || { tail -3 $PERF/ours/setup.log; exit 1; }
   for i in $(seq 0 $((NUSERS-1))); do dotnet $OUT/Portal.Web.dll mailbox create u$i@example.test >>$PERF/ours/setup.log 2>&1; done
   launch ours-$2 $S dotnet $OUT/Portal.Web.dll;;
 again) [ $KIND = postgres ] && pg_up; settings $2; cd $PERF/ours; launch ours-$2 $S dotnet $OUT/Portal.Web.dll;;
 seed) [ -x $SEED/seed ] || dotnet build "$BENCH/seed" -c Release -p:RunAnalyzers=false -o $SEED -v q --nologo >>$PERF/build.log 2>&1 || { echo "build failed, see $PERF/build.log"; exit 1; }
   [ $KIND = postgres ] && pg_up; settings $2; shift 2; $SEED/seed "$@"; status=$?; [ $KIND = postgres ] && pg_down; exit $status;;
 quiet) for i in $(seq 300); do [ "$(echo | ask 'SELECT COUNT(*) FROM "MessageTrace" WHERE NOT "IsIndexed"')" = 0 ] && exit; sleep 0.2; done; echo "$2 still indexes its trace" >&2;;
 stop) halt ours-$2; [ $KIND = postgres ] && pg_down; true;;
 counter) ask 'SELECT COALESCE(SUM("Items"),0) FROM "MailboxUse"';;
 *) sed -n 2,7p "$0";;
esac
