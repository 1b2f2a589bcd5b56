"""The worker seen from outside: start, use and stop it, and install the Python environment it needs.  Never imports bpy."""
