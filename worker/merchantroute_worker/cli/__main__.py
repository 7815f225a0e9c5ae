"""`python -m merchantroute_worker.cli` is `merchantroute`."""

from merchantroute_worker.cli.main import main

main()
