"""Baseline of P2 and P3: the declarative models, and sessions as a nameko dependency."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from nameko.extensions import DependencyProvider
from sqlalchemy import DateTime, ForeignKey, Text, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

POOL = 10  # a connection for each of nameko's default workers


class Model(DeclarativeBase):
    """Base of the models."""


class Team(Model):
    """Sellers who take turns; `turn` points at who is next."""

    __tablename__ = "teams"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    turn: Mapped[int] = mapped_column(default=0)


class Seller(Model):
    """Somebody who receives leads."""

    __tablename__ = "sellers"
    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey(Team.id), index=True)
    name: Mapped[str] = mapped_column(Text)


class Lead(Model):
    """One form post; `first_lead_id` is an earlier lead with the same e-mail or phone."""

    __tablename__ = "leads"
    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int]
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text, index=True)
    phone: Mapped[str] = mapped_column(Text, index=True)
    first_lead_id: Mapped[int | None]
    captured_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=lambda: datetime.now(UTC))


class Assignment(Model):
    """Whose a lead is."""

    __tablename__ = "assignments"
    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey(Lead.id), index=True)
    seller_id: Mapped[int] = mapped_column(ForeignKey(Seller.id), index=True)
    assigned_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=lambda: datetime.now(UTC))


class Notice(Model):
    """What a seller reads in the inbox."""

    __tablename__ = "notices"
    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int]
    seller_id: Mapped[int] = mapped_column(index=True)
    text: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=lambda: datetime.now(UTC))


class Sessions(DependencyProvider):  # type: ignore[misc]
    """One engine per process; a worker opens a session per call."""

    def setup(self) -> None:
        self.engine = create_engine(self.container.config["DATABASE_URL"], pool_size=POOL)

    def stop(self) -> None:
        self.engine.dispose()

    def get_dependency(self, worker_ctx: Any) -> Callable[[], Session]:
        """What the service sees as `self.sessions`."""
        return lambda: Session(self.engine)


def seed(url: str, teams: int, sellers: int) -> None:
    """Creates the tables and `teams` teams of `sellers` sellers."""
    engine = create_engine(url)
    Model.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        for number in range(1, teams + 1):
            session.add(Team(id=number, name=f"Team {number}"))
            session.flush()
            session.add_all(Seller(team_id=number, name=f"Seller {number}.{k}") for k in range(sellers))
    engine.dispose()
