"""Where the recorded cases are."""

from pathlib import Path

CASES = Path(__file__).parent
