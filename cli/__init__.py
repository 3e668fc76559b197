"""The `rodizio` command line."""

import warnings

# nameko stands on eventlet, whose notice is for nameko's authors, not for whoever types a command.
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
