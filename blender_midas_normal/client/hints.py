"""From the output of pip, uv or venv to what a person can do about it."""

from __future__ import annotations

import re

from ..core.messages import Message

_UNREACHABLE = re.compile(
    r"error sending request|dns error|failed to lookup address|Temporary failure in name resolution"
    r"|Name or service not known|getaddrinfo failed|NewConnectionError|ConnectTimeout|ReadTimeout"
    r"|ProxyError|tunnel error|Connection (refused|reset)"
    r"|Network is unreachable|operation timed out|error: Failed to fetch|Request failed after"
    r"|HTTP status (server error|client error \(40[37])"
    r"|\(from versions: none\)",  # pip's last word where it may not try again: an index that it reaches has other versions
    re.IGNORECASE)

_HINTS = tuple((re.compile(pattern, re.IGNORECASE), advice) for pattern, advice in (
    (r"No space left|not enough space|os error 112|Disk quota exceeded",
     Message("The drive is full: free some space or choose a folder on another drive, then install again.")),
    (r"WinError 206|os error 206|path (is )?too long|filename or extension is too long|MAX_PATH",
     Message("The paths become too long for Windows: choose a folder with a short name such as C:\\midas, or enable long "
             "paths.")),
    (r"ensurepip is not available|No module named '?(ensurepip|venv)",
     Message("This Python cannot make environments: install python3-venv (Debian, Ubuntu), or choose another Python.")),
    (r"certificate|SSLError|UnknownIssuer|SSL_",
     Message("The server's certificate is not trusted, often because of a proxy or a virus scanner: set UV_SYSTEM_CERTS=1, "
             "or SSL_CERT_FILE to your company's certificates, and start Blender again.")),
    (_UNREACHABLE.pattern,
     Message("The package index cannot be reached: check the connection and any firewall; behind a proxy set HTTPS_PROXY.")),
    (r"No solution found|No matching distribution|no wheels? with a matching|not a supported wheel"
     r"|requires a different Python",
     Message("A package has no build for this Python or this system: choose a 64-bit Python 3.10 to 3.13 (on a Mac, macOS "
             "14 or later on Apple silicon).")),
    (r"Permission denied|Access is denied|Operation not permitted|Read-only file system|WinError (5|32)\b"
     r"|os error (13|5)\b",
     Message("A file cannot be written: choose a folder that belongs to you, and end every Blender that uses MiDaS.")),
))


def hint(output: str) -> Message:
    """A sentence on what to do about the failure; a general one when the output shows nothing that is known."""
    for pattern, sentence in _HINTS:
        if pattern.search(output):
            return sentence
    return Message("The last lines of its output say why; installing again goes on from here.")


def index_unreachable(output: str) -> bool:
    """Whether the failure is that a package index could not be reached."""
    return bool(_UNREACHABLE.search(output))
