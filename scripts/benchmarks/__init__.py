"""The parts of the benchmark: each measures one thing, in the Python that it needs, and answers with an Answer."""
