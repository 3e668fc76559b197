"""`python -m gateway.live.secret`: writes the installation's secret to standard output.

For the process that serves streams: it needs no database but for this, whose libraries would nearly double its memory.
"""

import logging
import sys

from gateway.secret import secret
from runtime import logs
from runtime.database import open_database
from runtime.settings import Settings

log = logging.getLogger(__name__)


def main() -> None:
    """Ends with 1 when the database cannot be read."""
    settings = Settings.load()
    logs.configure("gateway-live", settings.log_level)
    database = open_database("gateway", settings)
    try:
        found = secret(database)
    except Exception as error:
        log.error("the secret cannot be read: %s", str(error).partition("\n")[0])
        raise SystemExit(1) from None
    finally:
        database.close()
    sys.stdout.buffer.write(found)


if __name__ == "__main__":
    main()
