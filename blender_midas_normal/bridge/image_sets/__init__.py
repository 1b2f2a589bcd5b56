"""Maps of sources of several pictures: the steps that all share, UDIM tiles, and frames of sequences and movies."""
