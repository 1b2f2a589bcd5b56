import bpy
settings = bpy.context.scene.midas_normal

settings.engine = 'LUMINANCE'
settings.a = 5.0
settings.bg_threshold = 0.0
settings.bg_softness = 0.019999999552965164
settings.resolution = 512
settings.strength = 2.5
settings.blur = 1.0
settings.detail = 1.0
settings.high_pass = 0.0
settings.invert = False
settings.mix = 'RELIEF'
settings.crossover = 16.0
settings.mix_amount = 1.0
settings.mask = 'OFF'
settings.tileable = 'BOTH'
settings.convention = 'DIRECTX'
settings.depth_scale = 'NORMALISED'
settings.size = 'SOURCE'
settings.enlargement = 'EDGES'
settings.device = 'CPU'
settings.precision = 'FLOAT32'
