"""Matrix products with and without a BLAS library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_midas_normal.core.picture import Wrap
from blender_midas_normal.worker.engines.relief import numpy_network as products
from blender_midas_normal.worker.engines.relief.inference import infer
from blender_midas_normal.worker.engines.relief.numpy_network import ReliefNetwork, by_rows, fastest_product
from tests.worker import relief_example as example

sizes = st.integers(1, 40)


@given(sizes, sizes, sizes, st.integers(0, 1000))
def test_by_rows_is_the_matrix_product(rows, inner, columns, seed):
    rng = np.random.default_rng(seed)
    left, right = rng.normal(size=(rows, inner)).astype(np.float32), rng.normal(size=(inner, columns)).astype(np.float32)
    found = by_rows(left, right)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, left.astype(float) @ right.astype(float), atol=1e-4)


def test_the_network_answers_alike_with_either_product():
    weights, rgb = example.example_weights(), np.random.default_rng(0).random((70, 96, 3), np.float32)
    a, b = (infer(ReliefNetwork(weights, product), rgb, Wrap(True), lambda *_: None).full
            for product in (np.matmul, by_rows))
    np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.parametrize("faster", [np.matmul, by_rows])
def test_the_faster_product_is_taken(monkeypatch, faster):
    monkeypatch.setattr(products, "_seconds", lambda product, *_: 1.0 if product is faster else 2.0)
    fastest_product.cache_clear()
    assert fastest_product() is faster
    fastest_product.cache_clear()
