#!/usr/bin/env bash
# Runs the tests; the last line is "N passed, N failed". See the usage below.
set -euo pipefail
cd "$(dirname "$0")"
root=$PWD

if [[ ${1:-} == -h || ${1:-} == --help ]]; then
  cat <<'END'
./test.sh [--long] [OPTIONS OF THE TEST RUNNER]
  --long            also the tests of trait Category=Long, each on SQLite and PostgreSQL where a database has a part: a soak of ten minutes with
                    mixed mail, 40 kills, 1,000,000 stored messages, page writes beside full mail, pictures of every page.
                    Then, unless something is filtered, bench/stored.sh: the rate with 1,000,000 stored messages beside an empty system's.
                    Two to three hours on two cores, and 20 GB of disk.
                    PORTAL_SOAK_MINUTES=600 makes the soak a night, PORTAL_MANY_MESSAGES=20000 the million less.
  --filter-class X  one class only, and whatever else "dotnet Portal.Tests.dll --help" tells
END
  exit 0
fi

long=
if [[ ${1:-} == --long ]]; then long=1; shift; fi

# The last line also tells of a start that failed.
give_up() { echo "$1" >&2; echo "0 passed, 1 failed"; exit 1; }

# What the tests start besides our own program. Those that would start a daemon of their own are unpacked, never installed.
packages=(chromium fonts-dejavu-core fonts-noto-cjk postgresql swaks libnet-ssleay-perl libio-socket-ssl-perl libnet-dns-perl libauthen-sasl-perl curl openssl python3 pebble certbot)
parts=$root/artifacts/parts
unpacked=(postfix/usr/sbin/smtp-sink opendkim/usr/sbin/opendkim)

is_debian=; command -v dpkg-query >/dev/null && command -v apt-get >/dev/null && is_debian=1
missing=()
if [[ $is_debian ]]; then
  installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null | sed -n 's/^ii *//p' || true)
  for package in "${packages[@]}"; do grep -qx "$package" <<<"$installed" || missing+=("$package"); done
else
  for tool in chromium swaks curl openssl python3 pebble certbot; do command -v "$tool" >/dev/null || missing+=("$tool"); done
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
fi
for program in "${unpacked[@]}"; do [[ -x $parts/$program ]] || missing+=("${program%%/*}"); done
((EUID == 0)) || missing+=("root, for the full disk: a small tmpfs is mounted")

echo "Tests of the mail portal."
echo "  needs     .NET SDK 10, about 3 GB of disk, 4 GB of memory, loopback only; Debian 12 as root, or these parts by hand: ${packages[*]}; unpacked under artifacts/parts: ${unpacked[*]}"
if ((${#missing[@]})); then echo "  installs  ${missing[*]} (${unpacked[*]%%/*} are only unpacked, under artifacts/parts)"; else echo "  installs  nothing, every part is here"; fi
echo "  takes     $([[ $long ]] && echo "two to three hours on two cores, with the long tests" || echo "about 15 minutes on two cores"); writes to artifacts/ and a temporary folder"

command -v dotnet >/dev/null || give_up "Missing: the .NET SDK 10 (https://dot.net)."

if ((${#missing[@]})); then
  if [[ ! $is_debian || $EUID -ne 0 ]]; then
    give_up "Missing: ${missing[*]}. As root on Debian this script installs them; elsewhere install them by hand (in artifacts/parts: ${unpacked[*]}), with DejaVu and Noto CJK fonts and swaks' Perl modules for TLS, DNS and SASL."
  fi
  mkdir -p artifacts "$parts"
  log=$root/artifacts/install.log
  fetch() { "$@" >>"$log" 2>&1 || { tail -20 "$log" >&2; give_up "Could not install ${missing[*]}; all of it is in artifacts/install.log."; }; }
  fetch apt-get -o DPkg::Lock::Timeout=300 update
  wanted=(); for package in "${missing[@]}"; do [[ " ${unpacked[*]%%/*} " == *" $package "* ]] || wanted+=("$package"); done
  if ((${#wanted[@]})); then
    # The tests start a PostgreSQL of their own; the package need not make and start one beside it.
    if [[ ! -e /etc/postgresql-common/createcluster.d ]]; then mkdir -p /etc/postgresql-common/createcluster.d; fi
    [[ -d /etc/postgresql ]] || echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/portal-tests.conf
    DEBIAN_FRONTEND=noninteractive fetch apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${wanted[@]}"
  fi

  # The package and whatever it needs that this machine lacks.
  for program in "${unpacked[@]}"; do
    package=${program%%/*}
    [[ -x $parts/$program ]] && continue
    rm -rf "$parts/$package" "$parts/debs"; mkdir -p "$parts/debs/partial"
    DEBIAN_FRONTEND=noninteractive fetch apt-get -o DPkg::Lock::Timeout=300 -o Dir::Cache::archives="$parts/debs" install -y --no-install-recommends --download-only --reinstall "$package"
    for deb in "$parts"/debs/*.deb; do fetch dpkg -x "$deb" "$parts/$package"; done
  done
fi

mkdir -p artifacts/test
rm -f artifacts/test/results.json
dotnet build Portal.sln --nologo -v q || { echo "0 passed, 1 failed"; exit 1; }
filter=(); [[ $long ]] || filter=(--filter-not-trait Category=Long)
status=0
dotnet Portal.Tests/bin/Debug/net10.0/Portal.Tests.dll --results-directory "$root/artifacts/test" --report-xunit-ctrf --report-xunit-ctrf-filename results.json \
  --fail-skips on --no-ansi --progress off --output Minimal --show-slowest-tests 15 --show-stdout None --show-stderr None "${filter[@]}" "$@" || status=$?
# A figure to look at, not a verdict: a rate on a shared machine fails nobody.
if [[ $long && $# -eq 0 ]]; then bench/stored.sh || echo "bench/stored.sh gave no figure."; fi
exec python3 eng/test-summary.py artifacts/test/results.json "$status"
