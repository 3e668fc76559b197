"""Gathers what pages say into the catalogues of all languages. New texts come out empty, for somebody to fill in; those
nobody says any more go. English texts are their own translation. Usage: python tools/texts.py
"""

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

GATEWAY = Path(__file__).parents[1] / "gateway"
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("**/templates/**.json", "jinja2")]


def main() -> None:
    """Writes the catalogues."""
    texts = [found[2] for found in extract_from_dir(GATEWAY, METHODS, keywords=KEYWORDS)]
    for path in sorted((GATEWAY / "translations").glob("*/LC_MESSAGES/messages.po")):
        locale = path.parts[-3]
        with path.open("rb") as file:
            known = read_po(file, locale=locale)
        said = Catalog()  # one for each language: catalogues share the texts they take over
        for text in texts:
            said.add(text)
        created, revised = known.creation_date, known.revision_date
        known.update(said, no_fuzzy_matching=True, keep_user_comments=False, update_creation_date=False)
        known.obsolete.clear()
        known.creation_date, known.revision_date = created, revised  # else every run would change every file
        empty = 0
        for message in known:
            if message.id and locale == "en":
                message.string = message.id
            translated = message.string if isinstance(message.string, tuple) else (message.string,)
            empty += bool(message.id) and not all(translated)
        with path.open("wb") as file:
            write_po(file, known, width=0, no_location=True, sort_output=True)
        print(f"{locale}: {len(known)} texts, {empty} to fill in")


if __name__ == "__main__":
    main()
