"""Between Blender's data and the client: reading images, storing maps, wiring materials."""
