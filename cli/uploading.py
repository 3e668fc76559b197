"""A file on its way to the gateway, in parts."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli.api import Api
from contracts.limits import IMPORT_FILE_BYTES, IMPORT_PART_BYTES


class BadFile(Exception):
    """A file that cannot be used; the message is one line that says why and what to do."""


def upload(api: Api, path: Path, begun: Callable[[str, int], None], advance: Callable[[int], None]) -> dict[str, Any]:
    """Sends a file; whatever becomes of it afterwards does no harm.

    begun: told the import's id and the size of the file in bytes. advance: told how many bytes are there by now.
    Returns: the import, which is about to be looked at.

    Raises:
        BadFile: it is missing, empty or too large, or changed while it was read. ApiError.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                raise BadFile(f"{path}: the file is empty")
            if size > IMPORT_FILE_BYTES:
                most = IMPORT_FILE_BYTES // 1024**2
                raise BadFile(f"{path}: the file is larger than {most} MB; part it in several")
            imported: dict[str, Any] = api.post("/imports", {"name": path.name[-255:], "size": size})
            identifier = imported["import_id"]
            begun(identifier, size)
            for number, start in enumerate(range(0, size, IMPORT_PART_BYTES)):
                wanted = min(IMPORT_PART_BYTES, size - start)
                raw = file.read(wanted)
                if len(raw) != wanted:
                    raise BadFile(f"{path}: the file became shorter while it was read; repeat the command")
                advance(int(api.put_bytes(f"/imports/{identifier}/parts/{number}", raw)["received"]))
            if file.read(1):
                raise BadFile(f"{path}: the file became longer while it was read; repeat the command")
    except OSError as error:
        raise BadFile(f"{path}: {(error.strerror or str(error)).lower()}") from error
    finished: dict[str, Any] = api.post(f"/imports/{identifier}/uploaded", {})
    return finished
