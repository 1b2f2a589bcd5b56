"""Starting, talking to and stopping the worker, and making the Python environment it needs.  Never imports bpy."""
