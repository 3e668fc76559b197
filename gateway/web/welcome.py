"""The first address anybody types."""

from typing import Any

from flask import g, redirect, render_template

from gateway.web.navigation import home
from gateway.web.pages import Pages

pages = Pages("welcome", ())


@pages.get("/")
def index() -> Any:
    """What this is, to a stranger; to whoever is signed in, where they begin."""
    if g.account is not None:
        return redirect(home(g.account.role), 303)
    return render_template("welcome.html")


@pages.get("/offline")
def offline() -> str:
    """What a phone shows without a network; kept by the service worker."""
    return render_template("offline.html")


@pages.get("/manifest.webmanifest")
def manifest() -> Any:
    """What makes it installable."""
    document = render_template("manifest.json")
    return document, 200, {"Content-Type": "application/manifest+json", "Cache-Control": "max-age=3600"}
