#!/usr/bin/env python3
"""Adds or changes words in a pair of resource files, kept sorted:

    eng/words.py Portal.Web/Admin/Queue/QueuePage <<'END'
    Title | Queue | 队列
    Help  | Mail that waits, grouped by why it waits. | 等待中的邮件，按原因分组。
    END
"""
import sys
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

HEAD = """<?xml version="1.0" encoding="utf-8"?>
<root>
  <resheader name="resmimetype"><value>text/microsoft-resx</value></resheader>
  <resheader name="version"><value>2.0</value></resheader>
  <resheader name="reader"><value>System.Resources.ResXResourceReader, System.Windows.Forms</value></resheader>
  <resheader name="writer"><value>System.Resources.ResXResourceWriter, System.Windows.Forms</value></resheader>
"""


def load(path):
    if not path.exists():
        return {}
    return {d.get("name"): d.findtext("value") or "" for d in ElementTree.parse(path).getroot().iter("data")}


def save(path, words):
    rows = "".join(f'  <data name={quoteattr(k)} xml:space="preserve"><value>{escape(v)}</value></data>\n' for k, v in sorted(words.items()))
    path.write_text(HEAD + rows + "</root>\n", encoding="utf-8")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    english, chinese = Path(sys.argv[1] + ".resx"), Path(sys.argv[1] + ".zh-Hans.resx")
    en, zh = load(english), load(chinese)
    for line in sys.stdin.read().splitlines():
        if not line.strip():
            continue
        parts = [p.strip() for p in line.split(" | ")]
        if len(parts) != 3:
            sys.exit(f"Not 'key | English | Chinese': {line}")
        en[parts[0]], zh[parts[0]] = parts[1], parts[2]
    save(english, en)
    save(chinese, zh)


main()
