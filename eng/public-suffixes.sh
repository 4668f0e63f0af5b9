#!/usr/bin/env bash
# Renews Portal.Smtp/Authentication/public-suffixes.txt from the newest copy of the Public Suffix List that npm's package tldts carries.
# Needs node and npm; run it before a release and commit what changed.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm pack --silent tldts >/dev/null
tar xzf tldts-*.tgz
sed -E 's/^export const/globalThis./; s/globalThis\. /globalThis./' package/src/data/trie.ts >trie.cjs
cat >write.cjs <<'END'
require("./trie.cjs");
const { version } = require("./package/package.json");
const { domainToASCII } = require("url");
const starts = [0];
for (const length of edgeLength) starts.push(starts[starts.length - 1] + length);
const rules = [];
function walk(node, suffix, mark) {
  if (suffix && nodeFlags[node]) rules.push(mark + suffix.split(".").map(l => l === "*" ? l : domainToASCII(l)).join("."));
  for (let edge = edgeStart[node]; edge < edgeStart[node + 1]; edge++) {
    const label = labelText.slice(starts[edge], starts[edge + 1]);
    walk(edgeChild[edge], suffix ? label + "." + suffix : label, mark);
  }
}
walk(rulesRoot, "", "");
walk(exceptionsRoot, "", "!");
console.log(`// Public Suffix List (publicsuffix.org), Mozilla Public License 2.0, as carried by tldts ${version}; names in A-label form. Made by eng/public-suffixes.sh.`);
for (const rule of rules.sort()) console.log(rule);
END
node write.cjs >list.txt
(( $(wc -l <list.txt) > 8000 )) || { echo "Only $(wc -l <list.txt) rules: the package's form has changed." >&2; exit 1; }
mv list.txt "$root/Portal.Smtp/Authentication/public-suffixes.txt"
wc -l "$root/Portal.Smtp/Authentication/public-suffixes.txt"
