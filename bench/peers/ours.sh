#!/bin/bash
# This program, published by eng/publish.sh under $PERF. ours.sh start sqlite|postgres ; stop ... ; count ... prints messages in all mailboxes.
#   sqlite: SMTP 2610, web 2710     postgres: SMTP 2611, web 2711 (a throwaway PostgreSQL with fsync on, port 2781)
. "$(dirname "$0")/common.sh"
TOP=$(cd "$BENCH/.." && pwd); OUT=$PERF/ours/out
case ${2:-sqlite} in sqlite) S=2610 W=2710;; postgres) S=2611 W=2711;; *) sed -n 2,3p "$0"; exit 2;; esac
PGBIN=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1); PG=$PERF/ours/pg
D=$PERF/ours/data-${2:-sqlite}
settings() {
  export Portal__DataFolder=$D Portal__HostName=mail.example.test Portal__ListenAddress=127.0.0.1 Portal__Web__Port=$W Portal__Web__HttpsPort=$((W+100))
  export Portal__Smtp__Port=$S Portal__Submission__Port=$((S+50)) Portal__Submissions__Port=$((S+60)) Portal__DiskFloorBytes=0
  [ "${1:-sqlite}" = postgres ] && export Portal__Database__Provider=Postgres Portal__Database__ConnectionString="Host=127.0.0.1;Port=2781;Username=portal;Database=portal"; true; }
build() { [ -e "$OUT/.built-$(git -C "$TOP" rev-parse HEAD 2>/dev/null || echo none)" ] && return; rm -rf "$OUT"; "$TOP/eng/publish.sh" "$OUT" >>$PERF/build.log 2>&1 && touch "$OUT/.built-$(git -C "$TOP" rev-parse HEAD 2>/dev/null || echo none)"; }
pg_up() { [ -d $PG/db ] || { install -d -o postgres -g postgres -m 700 $PG; ( cd / && runuser -u postgres -- $PGBIN/initdb -D $PG/db -U portal --auth=trust -E UTF8 --locale=C.UTF-8 ) >>$PERF/pg.log; }
  ( cd / && runuser -u postgres -- $PGBIN/pg_ctl -D $PG/db -w -l $PG/log -o "-p 2781 -c listen_addresses=127.0.0.1 -c unix_socket_directories=$PG -c fsync=on -c synchronous_commit=on" start ) >>$PERF/pg.log 2>&1
  ( cd / && runuser -u postgres -- $PGBIN/createdb -h 127.0.0.1 -p 2781 -U portal portal ) 2>/dev/null; true; }
pg_down() { ( cd / && runuser -u postgres -- $PGBIN/pg_ctl -D $PG/db -m fast stop ) >>$PERF/pg.log 2>&1; true; }
count() { if [ "$1" = postgres ]; then ( cd / && runuser -u postgres -- $PGBIN/psql -h 127.0.0.1 -p 2781 -U portal -Atc 'SELECT COALESCE(SUM("Items"),0) FROM "MailboxUse"' portal )
  else python3 - "$D/portal.db" <<'P'
import sqlite3, sys
print(sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=5).execute('SELECT COALESCE(SUM("Items"),0) FROM "MailboxUse"').fetchone()[0])
P
  fi; }
case ${1:-} in
 start) build || { echo "build failed, see $PERF/build.log"; exit 1; }; chmod 755 $PERF/ours 2>/dev/null; rm -rf "$D"
   [ $2 = postgres ] && { pg_down; rm -rf $PG; pg_up; }
   settings $2; cd $PERF/ours
   echo 'bench of the long evenings' | dotnet $OUT/Portal.Web.dll setup --domain example.test --admin admin@example.test --password-stdin >>$PERF/ours/setup.log 2>&1 || { tail -3 $PERF/ours/setup.log; exit 1; }
   for i in $(seq 0 $((NUSERS-1))); do dotnet $OUT/Portal.Web.dll mailbox create u$i@example.test >>$PERF/ours/setup.log 2>&1; done
   launch ours-$2 $S dotnet $OUT/Portal.Web.dll;;
 stop) halt ours-$2; [ $2 = postgres ] && pg_down; true;;
 count) count $2;;
 *) sed -n 2,3p "$0";;
esac
