#!/usr/bin/env python3
"""Writes the list of packages the program ships with, as restored (dotnet restore first): name, version, licence.

    eng/licences.py            writes Portal.Web/Admin/About/packages.txt
"""
import json
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "Portal.Web/obj/project.assets.json"


def ships(package):
    files = [*package.get("runtime", {}), *package.get("native", {}), *package.get("runtimeTargets", {})]
    return package["type"] == "package" and any(not f.endswith("/_._") for f in files)


def licence(folders, name, version):
    for folder in folders:
        nuspec = Path(folder, name.lower(), version, f"{name.lower()}.nuspec")
        if nuspec.exists():
            for element in ElementTree.parse(nuspec).iter():
                if element.tag.endswith("}license") and element.get("type") == "expression":
                    return element.text.strip()
    raise SystemExit(f"{name} {version}: its nuspec tells no licence expression; read its licence and decide")


def main():
    assets = json.loads(ASSETS.read_text(encoding="utf-8"))
    packages = [key.split("/") for key, package in assets["targets"]["net10.0"].items() if ships(package)]
    lines = [f"{name} {version} {licence(assets['packageFolders'], name, version)}\n" for name, version in sorted(packages, key=lambda p: p[0].lower())]
    (ROOT / "Portal.Web/Admin/About/packages.txt").write_text("".join(lines), encoding="utf-8")


main()
