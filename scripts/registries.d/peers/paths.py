"""Where everything lives."""

from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent
PEERS = SOURCES.parent.parent / ".build" / "peers"

# Real packages, to be published again here.
SAMPLES = SOURCES.parent.parent / ".build" / "samples"

# npm packages by name, each with its lock file; installed into a directory of the same name.
PACKAGES = SOURCES / "packages"

PYTHON_PEER = PEERS / "python"
# A devpi server directory with its user and index made, copied for each start.
PYPI_TEMPLATE = PEERS / "pypi-template"

PYTHON_REQUIREMENTS = SOURCES / "requirements.txt"
MACAROON_PLUGIN = SOURCES / "devpi-macaroon"
