"""Chromium for the tests of the page: found, or installed where that is simple."""

import os
import shutil
import subprocess
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
"""Quiet and alone: nothing but this machine can be reached."""


class BrowserError(RuntimeError):
    """There is no Chromium; the message says what to install."""


def find_chromium() -> Path:
    """The browser's executable.

    Raises:
        BrowserError: there is none on the path.
    """
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    raise BrowserError(
        f"The tests of the page need Chromium, and none of {', '.join(NAMES)} is on the path. "
        "On Debian: apt install chromium; elsewhere install Chromium or Chrome. "
        "Then run the command again."
    )


def ensure_chromium() -> Path:
    """The browser's executable, installed first if this is root on a system with apt-get.

    Raises:
        BrowserError: there is none and it could not be installed.
    """
    try:
        return find_chromium()
    except BrowserError:
        if not can_install():
            raise
    print("Installing Chromium with apt-get …", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        if subprocess.run(["apt-get", "-qq", *command], env=environment).returncode:
            raise BrowserError(
                f"apt-get {' '.join(command)} failed (its messages are above). "
                "Install Chromium by hand, then run the command again."
            )
    return find_chromium()


def can_install() -> bool:
    """Whether apt-get is here and may be used without asking."""
    return os.name == "posix" and os.geteuid() == 0 and shutil.which("apt-get") is not None
