"""`python -m tests.faults`: see docs/faults.md."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

if __name__ == "__main__":
    from tests.faults.run import main

    raise SystemExit(main())
