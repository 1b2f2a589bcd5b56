"""Kinds of arrays, for type hints: imported by type checkers only."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
