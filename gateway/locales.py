"""Languages: a form speaks its own, other pages speak the visitor's."""

from flask import Request, g, request

LOCALES = ("pt", "es", "en")


def of_form(locale: str, visit: Request) -> str:
    """The form's language when we speak it, else the best the visitor accepts."""
    language = locale[:2].lower()
    return language if language in LOCALES else of_visitor(visit)


def of_visitor(visit: Request) -> str:
    """The best language the visitor accepts; Portuguese when none fits."""
    languages = (accepted.split("-")[0].lower() for accepted in visit.accept_languages.values())
    return next((language for language in languages if language in LOCALES), LOCALES[0])


def current() -> str:
    """Language of the request in hand: of whoever is signed in, else the visitor's; programs that use the API are
    spoken to in English."""
    if request.path.startswith("/api/"):
        return "en"
    account = g.get("account")
    return account.locale if account is not None else of_visitor(request)


def formats() -> str:
    """Locale of the texts, dates and numbers of the request in hand: our Portuguese is that of Portugal, where plain
    `pt` would be Brazil's."""
    language = current()
    return "pt_PT" if language == "pt" else language


def time_zone() -> str | None:
    """Time zone of whoever is signed in; None for UTC."""
    account = g.get("account")
    return account.time_zone if account is not None else None
