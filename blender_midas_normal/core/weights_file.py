"""The file with the MiDaS network's weights: what it is called and how it is recognised."""

from __future__ import annotations

FILE = "dpt_hybrid-midas-501f0c75.pt"
"""DPT-Hybrid of MiDaS 3.0, the MiDaS node's network; the name under which controlnet_aux looks for it."""

SIZE = 492757791
"""Bytes."""

SHA256 = "501f0c75b3bca7daec6b3682c5054c09b366765aef6fa3a09d03a5cb4b230853"
