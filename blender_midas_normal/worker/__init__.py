"""The program that makes the maps, in a process of its own.  Never imports bpy."""
