"""What Check This Computer and scripts/gpu_check.py run in the MiDaS environment; no other room imports this one."""
