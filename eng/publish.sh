#!/bin/bash
# The program for production: eng/publish.sh FOLDER. Release, compiled ahead for this processor, so that it is fast from its first message on.
# Needs the .NET SDK; the machine it runs on needs the ASP.NET Core runtime only: dotnet FOLDER/Portal.Web.dll
set -eu
[ $# = 1 ] || { sed -n 2,3p "$0" >&2; exit 2; }
case $(uname -m) in x86_64) ARCH=x64 ;; aarch64) ARCH=arm64 ;; *) echo "no ahead compiler for $(uname -m)" >&2; exit 2 ;; esac
dotnet publish "$(dirname "$0")/../Portal.Web" -c Release -r "linux-$ARCH" --self-contained false -p:PublishReadyToRun=true -p:RunAnalyzers=false -o "$1" -v q --nologo
