"""What every other room builds on: settings, pictures, the mathematics and the protocol.  Imports neither bpy nor torch."""
