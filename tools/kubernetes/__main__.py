"""Builds and checks every overlay; exit code 1 when something is wrong."""

import sys

from tools.kubernetes.checks import overlays, problems

wrong = 0
for name, objects in overlays().items():
    found = problems(objects)
    wrong += len(found)
    print(f"{name}: {len(objects)} objects, {len(found)} problems")
    for problem in found:
        print(f"  {problem}")
sys.exit(bool(wrong))
