"""Driving a whole Blender in a window as a person does: mouse, keyboard, eyes."""
