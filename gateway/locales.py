"""Languages: a form speaks its own, other pages speak the visitor's."""

from flask import Request, request

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
    """Language of the request in hand; programs that use the API are spoken to in English."""
    return "en" if request.path.startswith("/api/") else of_visitor(request)
