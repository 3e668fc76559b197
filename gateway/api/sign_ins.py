"""Sign-ins of sellers, for managers, who need not be administrators for it."""

from flask import Response

from contracts.access import MANAGERS
from gateway.accounts import administration
from gateway.api.accounts import OpenedAccount, Password, shown
from gateway.api.resource import Resource, answer
from gateway.parts import actor, call, parts

blueprint = Resource("sign-ins", "sellers", "Sign-ins of sellers", roles=MANAGERS)


# Keyed, both: a password must not be kept for a repeat.
@blueprint.writes("/<uuid:seller_id>/sign-in", OpenedAccount, status=201, keyed=True)
def open_account(seller_id: object) -> Response:
    """Gives a seller a sign-in with their e-mail address and a random password; a repeat is told that it is taken."""
    seller = call("distribution", "get_seller", seller_id=str(seller_id))
    made, password = administration.open_account_of(parts().database, actor(), seller)
    return answer({**shown(made), "password": password}, 201)


@blueprint.writes("/<uuid:seller_id>/password", Password, keyed=True)
def reset_password(seller_id: object) -> Response:
    """Gives a seller who lost their password a random one, and signs them out everywhere."""
    seller = call("distribution", "get_seller", seller_id=str(seller_id))
    _, password = administration.reset_password_of(parts().database, actor(), seller["seller_id"])
    return answer({"password": password})
