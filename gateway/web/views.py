"""Views that people keep of a list: the same for every list that has them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from gateway import saved_views
from gateway.parts import parts
from gateway.saved_views import OfList, View
from gateway.web.filters import Typed
from gateway.web.pages import account
from gateway.web.shown import problem_text
from runtime.errors import Invalid


@dataclass(frozen=True, slots=True)
class ListWords:
    """What a list says of its views.

    all: of everything in it; open_with, not_open_with: of the view it opens with; opens_with: of that view's star.
    is_gone, opens_now, opens_with_all: when a view was deleted, chosen, or none is any more.
    """

    all: str
    open_with: str
    not_open_with: str
    opens_with: str
    is_gone: str
    opens_now: str
    opens_with_all: str


@dataclass(frozen=True, slots=True)
class Viewed:
    """A list that has views. typed: its filters among what is given. Its endpoints are `<name>.index`, `.save_view`
    and `.change_view`."""

    name: OfList
    typed: Callable[[Mapping[str, str]], Typed]
    words: Callable[[], ListWords]

    def address(self, filters: Mapping[str, Any]) -> str:
        """Where the list is with these filters; without any it must say that it means all of it."""
        return url_for(f"{self.name}.index", **filters) if filters else url_for(f"{self.name}.index", all=1)

    def context(self, filters: Typed) -> dict[str, Any]:
        """What `views.html` and `view.html` need."""
        with parts().database.read() as connection:
            views = saved_views.views_of(connection, account().id, self.name)
        chosen = next((view for view in views if view.filters == filters), None)
        return {"views": views, "view": chosen, "viewed": self, "list_words": self.words(), "filters": filters}

    def save(self) -> Any:
        """Keeps the filters of the page under a name."""
        filters = self.typed(request.form)
        name, is_default = request.form.get("name", ""), request.form.get("is_default") == "1"
        mine, database = account().id, parts().database
        try:
            database.transact(saved_views.save, mine, name, filters, is_default=is_default, of_list=self.name)
        except Invalid as error:
            flash(f"{_('The view was not saved.')} {problem_text(error.errors[0]['code'])}", "danger")
            return redirect(self.address(filters), 303)
        flash(_("The view %(name)s is saved.", name=name.strip()), "success")
        return redirect(self.address(filters), 303)

    def change(self, view_id: str) -> Any:
        """Makes a view the one that the list opens with, or no longer, or forgets it."""
        filters, what = self.typed(request.form), request.form.get("do", "")
        database, mine, words = parts().database, (account().id, view_id), self.words()
        if what == "delete":
            database.transact(saved_views.delete, *mine, of_list=self.name)
            flash(words.is_gone, "success")
        elif what in ("default", "not_default"):
            is_default = what == "default"
            database.transact(saved_views.set_default, *mine, is_default=is_default, of_list=self.name)
            flash(words.opens_now if is_default else words.opens_with_all, "success")
        return redirect(self.address(filters), 303)


def favourite(views: list[View]) -> View | None:
    """The view that the list opens with."""
    return next((view for view in views if view.is_default), None)
