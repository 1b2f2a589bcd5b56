"""Procedural materials with true slopes, from which the relief network learns."""
