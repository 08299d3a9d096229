"""Serves one double until SIGTERM arrives: `python -m doubles npm|pypi PORT CONTROL_PORT`."""

import signal
import sys

from .control import Double


def main() -> None:
    name, port, control_port = sys.argv[1:]
    if name == "npm":
        from .npm.registry import Registry as Served
    else:
        from .pypi.registry import Index as Served
    double = Double(Served(f"http://127.0.0.1:{port}"), int(port), int(control_port))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    double.serve()


main()
