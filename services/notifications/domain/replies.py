"""Whether somebody who answers an SMS wants no more of them, or wants them again.

Twilio's own list is English only. A message counts when it is such a word or phrase, alone or with courtesies: one that
only holds it ("cancelar a visita de amanhã") is an answer like any other.
"""

import unicodedata
from typing import Final, Literal

Wish = Literal["stop", "start"]

_STOP: Final = frozenset({
    "stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out",
    "parar", "pare", "para", "sair", "cancelar", "cancele", "remover", "descadastrar", "desinscrever", "nao quero",
    "nao quero mais", "nao enviar", "nao envie", "nao envie mais",
    "baja", "dar de baja", "darme de baja", "alto", "detener", "salir", "cancela", "no quiero", "no quiero mas",
    "no enviar", "no envien mas",
})  # fmt: skip
_START: Final = frozenset({
    "start", "unstop", "subscribe", "resume",
    "voltar", "comecar", "iniciar", "retomar", "recomecar", "quero receber",
    "alta", "dar de alta", "darme de alta", "volver", "comenzar", "empezar", "reanudar", "quiero recibir",
})  # fmt: skip
_COURTESIES: Final = frozenset({
    "please", "pls", "thanks", "thank", "you", "now", "the", "sms", "texts", "messages", "all",
    "por", "favor", "obrigado", "obrigada", "ja", "agora", "os", "as", "de", "receber", "mensagens", "sff",
    "gracias", "ya", "ahora", "los", "las", "recibir", "mensajes",
})  # fmt: skip

LONGEST: Final = 8
"""Words; whoever writes more is telling something."""


def wish(text: str) -> Wish | None:
    """What an incoming SMS asks for: "stop", "start", or None when it is an ordinary answer."""
    words = _words(text)
    if not 0 < len(words) <= LONGEST:
        return None
    for size in range(len(words), 0, -1):
        for start in range(len(words) - size + 1):
            phrase = " ".join(words[start : start + size])
            rest = words[:start] + words[start + size :]
            if all(word in _COURTESIES for word in rest):
                if phrase in _STOP:
                    return "stop"
                if phrase in _START:
                    return "start"
    return None


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(
        character if character.isalnum() else "" if unicodedata.combining(character) or character in "'’" else " "
        for character in plain
    ).split()
