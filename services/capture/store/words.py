"""Finding contacts by the beginnings of their words.

PostgreSQL has an index over the words of each contact. SQLite has a table of full text beside the contacts: a row of it
has a number, which is made of the contact's id.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.engine import Connection

from services.capture.domain.search import Search
from services.capture.tables import WORDS, WORDS_OF, contact

_add = sa.text(f"INSERT INTO {WORDS} (rowid, id, words) VALUES (:number, :id, :words)")  # noqa: S608
_matching = sa.text(
    f"SELECT id FROM {WORDS} WHERE {WORDS} MATCH :typed AND rowid < :below ORDER BY rowid DESC LIMIT :most"  # noqa: S608
)
_drop = sa.text(f"DELETE FROM {WORDS} WHERE rowid IN :numbers").bindparams(  # noqa: S608
    sa.bindparam("numbers", expanding=True)
)

_SINCE = 1_577_836_800_000
_HIGHEST = (1 << 63) - 1
_SLACK = timedelta(hours=1)
"""A contact's id is made about when it says that it was made."""

SAMPLE = 2_000
COMMON = 0.05
"""Words that more contacts than this share of the newest SAMPLE have are not looked for in an index: putting together
where they all are takes longer than anything else."""


def add(connection: Connection, texts: Mapping[str, str]) -> None:
    """Makes new contacts (id -> text of `domain.search`) findable."""
    if texts and connection.dialect.name == "sqlite":
        # In the order of their numbers: out of it, each row would be written to the disk by itself.
        rows = sorted((number_of(id_), id_, words) for id_, words in texts.items())
        connection.execute(_add, [{"number": number, "id": id_, "words": words} for number, id_, words in rows])


def replace(connection: Connection, texts: Mapping[str, str]) -> None:
    """Makes known contacts findable by other words."""
    if texts and connection.dialect.name == "sqlite":
        connection.execute(_drop, {"numbers": [number_of(id_) for id_ in texts]})
        add(connection, texts)


def by_index(
    connection: Connection, search: Search, until: datetime | None = None, most: int | None = None
) -> sa.ColumnElement[bool]:
    """Whether a contact is found, asked of the index of words: for words that few have.

    until, most: on SQLite only the newest are found, those made about this time or before, at most so many.
    """
    if not search.ways:
        return sa.false()
    if connection.dialect.name == "postgresql":
        typed = _typed(search, "'{}'{}", ":*", " & ", " | ")
        return sa.literal_column(str(WORDS_OF)).op("@@")(sa.cast(typed, TSQUERY))
    typed = _typed(search, '"{}"{}', "*", " AND ", " OR ")
    values = {"typed": typed, "below": _number_at(until + _SLACK) if until else _HIGHEST, "most": most or -1}
    return contact.c.id.in_(_matching.bindparams(**values).columns(contact.c.id))


def are_more(connection: Connection, search: Search, most: int) -> bool:
    """Whether `by_index` left some out because more than `most` are found: only SQLite's does."""
    if connection.dialect.name == "postgresql":
        return False
    found = sa.select(contact.c.id).where(by_index(connection, search, None, most)).subquery()
    return bool(connection.execute(sa.select(sa.func.count()).select_from(found)).scalar_one() >= most)


def _typed(search: Search, word: str, prefix: str, both: str, either: str) -> str:
    """The search as a database writes it: how it has a word, its signs for a beginning, for and, and for or."""
    ways = (both.join(word.format(each, "" if search.whole else prefix) for each in way) for way in search.ways)
    return either.join(f"({way})" for way in ways)


def rare(connection: Connection, search: Search) -> Search:
    """`search` with those words only that few of the newest contacts have; without ways when one has none of them."""
    every = list(dict.fromkeys(word for way in search.ways for word in way))
    newest = sa.select(contact.c.search).order_by(contact.c.created_at.desc(), contact.c.id.desc())
    sample = newest.limit(SAMPLE).subquery()
    counts = (sa.func.sum(sa.case((sample.c.search.like(f"% {word}%"), 1), else_=0)) for word in every)
    many = dict(zip(every, connection.execute(sa.select(*counts)).one(), strict=True))
    ways = tuple(tuple(word for word in way if (many[word] or 0) <= COMMON * SAMPLE) for way in search.ways)
    return Search(ways if all(ways) else (), search.whole)


def by_looking(search: Search) -> sa.ColumnElement[bool]:
    """Whether a contact is found, asked of the contact itself: for those that are looked at anyway."""
    # Words are letters and digits only: nothing in them means something to LIKE.
    text = contact.c.search + " " if search.whole else contact.c.search
    end = " %" if search.whole else "%"
    ways = (sa.and_(*(text.like(f"% {word}{end}") for word in way)) for way in search.ways)
    return sa.or_(sa.false(), *ways)


def number_of(contact_id: str) -> int:
    """The number of a contact's row of words: of its UUIDv7 the milliseconds since 2020, which stay below 2**41 until
    2089, and the 22 bits with which `runtime.ids` tells apart what one process makes in a millisecond. So contacts that
    come together stand together. Should two processes ever make the same, the batch of one is done again."""
    bits = int(contact_id.replace("-", ""), 16)
    return ((bits >> 80) - _SINCE & (1 << 41) - 1) << 22 | bits >> 32 & (1 << 22) - 1


def _number_at(at: datetime) -> int:
    """What is above the numbers of all contacts made before."""
    return int(at.timestamp() * 1000) - _SINCE << 22
