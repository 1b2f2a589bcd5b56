"""Work on rows in parallel: each row once, and exceptions are raised."""

from __future__ import annotations

import numpy as np
import pytest

from blender_midas_normal.core.arrays import VALUES_PER_STRIP, parallel_rows


@pytest.mark.parametrize("rows, values", [(0, 5), (1, 1), (7, VALUES_PER_STRIP * 2), (1000, 1000), (100, 0)])
def test_every_row_is_worked_on_once(rows, values):
    times = np.zeros(rows, int)

    def work(part):
        times[part] += 1

    parallel_rows(work, rows, values)
    assert (times == 1).all()


def test_rows_come_by_no_more_than_fit_into_the_cache():
    sizes = []
    parallel_rows(lambda part: sizes.append(part.stop - part.start), 1000, 1000)
    assert len(sizes) > 1 and max(sizes) * 1000 <= VALUES_PER_STRIP


def test_what_the_work_raises_is_raised():
    def work(part):
        if part.start > 0:
            raise MemoryError("no more")

    with pytest.raises(MemoryError, match="no more"):
        parallel_rows(work, 1000, VALUES_PER_STRIP)
