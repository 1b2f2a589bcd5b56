#!/bin/sh
# `sh midas_normal.sh K/N` makes the shard K of N, from 0, on this machine; without an argument, all. Run again, it makes what
# lacks.
exec "$${MIDAS_NORMAL:-midas-normal}" --list $list --out $out --maps $maps --engine $engine --existing skip --exit-zero \
    --shard "$${1:-0/1}" $options
