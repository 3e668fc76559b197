"""Which test proves which feature or promise: `python -m tests.features [--collect] [pytest's own arguments]`.

Runs the tests (or, with --collect, only collects them) and prints every id of docs/features.md with its tests and how
they ended. Ends with 1 when an id that is not "not yet" has no test, a test names an id that is not in the list, or a
test failed.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "features.md"

_LINE = re.compile(r"^[-*|]\s*\*\*(?P<id>[A-Z]+-?\d+)\*\*[\s:|]*(?P<text>[^|]*)")

ORDER = ("failed", "skipped", "passed", "collected")
"""What several parametrised runs of one test amount to: the first that occurs."""


def read_features(text: str) -> dict[str, str]:
    """The text of every id: lines like `- **DIS-3** Sellers on holiday get nothing`, and indented ones that go on."""
    features: dict[str, str] = {}
    last = ""
    for line in text.splitlines():
        if found := _LINE.match(line.strip()):
            last = found["id"]
            features[last] = found["text"].strip()
        elif last and line.startswith(" ") and line.strip():
            features[last] += f" {line.strip()}"
        else:
            last = ""
    return features


@dataclass
class Proofs:
    """pytest plugin: notes the ids each test names and how it ended."""

    ids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    outcomes: dict[str, str] = field(default_factory=dict)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            self.outcomes[item.nodeid] = "collected"
            for marker in item.iter_markers("feature"):
                self.ids[item.nodeid].update(map(str, marker.args))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.outcomes[report.nodeid] = "failed"
        elif report.skipped:
            self.outcomes[report.nodeid] = "skipped"
        elif report.when == "call":
            self.outcomes[report.nodeid] = "passed"

    def by_feature(self) -> dict[str, dict[str, str]]:
        """Of every id, its tests (parametrised ones once) and how they ended."""
        proofs: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for node, ids in self.ids.items():
            for identifier in ids:
                proofs[identifier][node.partition("[")[0]].add(self.outcomes[node])
        return {
            identifier: {test: min(ended, key=ORDER.index) for test, ended in sorted(tests.items())}
            for identifier, tests in proofs.items()
        }


def page_of(features: Mapping[str, str], proofs: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """The lines to print."""
    for identifier in sorted({*features, *proofs}, key=_sort_key):
        tests = proofs.get(identifier, {})
        verdict = min(tests.values(), key=ORDER.index) if tests else "NO TEST"
        unlisted = "" if identifier in features else "  (NOT IN docs/features.md)"
        yield f"{identifier:8} {verdict:9} {features.get(identifier, '')[:140]}{unlisted}".rstrip()
        yield from (f"         {ended:9} {test}" for test, ended in tests.items())


def _sort_key(identifier: str) -> tuple[str, int]:
    letters, number = re.fullmatch(r"([A-Z]+)-?(\d+)", identifier).groups()  # type: ignore[union-attr]
    return letters, int(number)


def main(arguments: list[str]) -> int:
    """Runs or collects, prints, and says whether everything is proved."""
    collect_only = "--collect" in arguments
    rest = [argument for argument in arguments if argument != "--collect"]
    proofs = Proofs()
    code = pytest.main([*rest, *(["--collect-only", "-qq"] if collect_only else [])], plugins=[proofs])
    features = read_features(PAGE.read_text("utf-8")) if PAGE.exists() else {}
    by_feature = proofs.by_feature()
    print("\n".join(page_of(features, by_feature)))
    promised = {identifier for identifier, text in features.items() if "Status: not yet" not in text}
    is_complete = promised <= set(by_feature) <= set(features)
    return 0 if code == pytest.ExitCode.OK and is_complete else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
