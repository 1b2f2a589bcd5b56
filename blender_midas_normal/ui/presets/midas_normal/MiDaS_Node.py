import bpy

bpy.ops.midas_normal.preset(preset="NODE")
