"""`python -m snn2chip`."""

import sys

from snn2chip.cli.main import main

sys.exit(main())
