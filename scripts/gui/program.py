"""A program that does not outlive the block that needs it."""

from __future__ import annotations

import subprocess

END_SECONDS = 20.0
"""How long a program may take to end by itself when it is asked to."""


class Program(subprocess.Popen):
    """A program that ends with the `with` block: it is asked to, and made to when it does not heed that."""

    def __exit__(self, *error: object) -> None:
        self.terminate()
        try:
            self.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        super().__exit__(*error)
