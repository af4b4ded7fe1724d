#!/bin/sh
# Turns a table core,opt,model,layer,op,in,w,out,macs,... into the lines mve_cases reads.
# Usage: mve_layers.sh <csv> <core>
awk -F, -v core="$2" '$1 == core && ($5 == "CONV_2D" || $5 == "DEPTHWISE_CONV_2D" || $5 == "FULLY_CONNECTED") && $3 !~ /float|fp32|Resnet$|lstm$/ {
  split($6, i, "x"); split($7, w, "x"); split($8, o, "x")
  name = $3 "#" $4
  if ($5 == "FULLY_CONNECTED") { print name, 2, $9 / (w[1] * w[2]), 1, w[2], 1, 1, w[1], 1, 1; next }
  if ($3 ~ /str_ww/) name = name "valid"
  print name, $5 == "CONV_2D" ? 0 : 1, i[2], i[3], i[4], o[2], o[3], o[4], w[2], w[3]
}' "$1"
