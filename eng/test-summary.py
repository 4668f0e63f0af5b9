#!/usr/bin/env python3
"""Names what failed and closes with "N passed, N failed": eng/test-summary.py RESULTS.ctrf.json EXIT-STATUS-OF-THE-RUNNER"""
import json
import sys
from pathlib import Path

report, status = Path(sys.argv[1]), int(sys.argv[2])
if not report.exists():
    print(f"The test runner ended with status {status} and left no results.\n0 passed, 1 failed")
    sys.exit(1)

tests = json.loads(report.read_text(encoding="utf-8-sig"))["results"]["tests"]
failed = [t for t in tests if t["status"] != "passed"]
for test in failed:
    print(f"\nFAILED {test['name']}")
    for line in (test.get("message") or "no message").strip().splitlines()[:15]:
        print(f"    {line}")

passed, wrong = len(tests) - len(failed), len(failed)
if wrong == 0 and (status != 0 or passed == 0):
    print(f"\nThe test runner ended with status {status}.")
    wrong = 1
print(f"\n{passed} passed, {wrong} failed")
sys.exit(1 if wrong else 0)
