"""Headless Chromium, in a profile of its own."""

import subprocess
from pathlib import Path


def browse(chromium: str, folder: Path, *words: str) -> str:
    """Run headless chromium in a profile of its own; returns stdout."""
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars "
        "--disable-background-networking --disable-component-update --disable-sync "
        "--disable-dev-shm-usage --force-color-profile=srgb"
    )
    done = subprocess.run(
        [chromium, *flags.split(), f"--user-data-dir={folder / 'profile'}", *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return done.stdout
