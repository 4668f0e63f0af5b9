#!/usr/bin/env bash
# Adds one migration for each provider, always both: eng/add-migration.sh NAME
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:?usage: eng/add-migration.sh NAME}
dotnet tool restore >/dev/null
dotnet build Portal.Core -v q --nologo -p:RunAnalyzers=false
for provider in Sqlite Postgres; do
  dotnet ef migrations add "$name" --no-build --project Portal.Core --context "${provider}PortalDbContext" --output-dir "Data/Migrations/$provider"
done
