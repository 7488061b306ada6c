"""Kernels of packing: functions of plain arrays; `reference` says in torch what others must give."""
