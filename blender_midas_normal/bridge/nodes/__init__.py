"""The nodes of materials: reading them, and putting maps among them."""
