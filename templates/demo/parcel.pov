// A damaged parcel on a table, for the demonstration. povray +Iparcel.pov +Oparcel.png +W1200 +H900 +A0.2 -D
#version 3.7;
global_settings { assumed_gamma 1.0 }
camera { location <2.6, 3.4, -6.2> look_at <0.1, 0.75, 0.2> angle 38 }
light_source { <-6, 9, -5> rgb <1.1, 1.05, 0.95> area_light <2,0,0>, <0,0,2>, 5, 5 adaptive 1 jitter }
light_source { <7, 5, -4> rgb 0.25 shadowless }
background { rgb <0.72, 0.74, 0.78> }
plane { z, 6 pigment { gradient x color_map { [0 rgb <0.62,0.64,0.66>] [1 rgb <0.78,0.79,0.8>] } scale 9 } finish { ambient 0.15 diffuse 0.6 } }
box { <-9,-0.4,-5>, <9,0,6>
  pigment { wood turbulence 0.06 scale <0.35,0.35,4> rotate <4,84,0>
    color_map { [0 rgb <0.42,0.27,0.15>] [0.6 rgb <0.55,0.37,0.21>] [1 rgb <0.36,0.22,0.12>] } }
  finish { ambient 0.08 diffuse 0.7 specular 0.2 reflection 0.04 } }
#declare Card = texture { pigment { bozo scale 0.4 color_map { [0 rgb <0.62,0.45,0.28>] [1 rgb <0.70,0.52,0.34>] } } normal { wrinkles 0.12 scale 0.3 } finish { ambient 0.1 diffuse 0.75 } }
difference {
  box { <-1.5,0,-1>, <1.5,1.7,1> }
  sphere { <1.75,1.75,-1.15>, 0.75 }
  sphere { <0.9,1.95,-1.2>, 0.5 }
  texture { Card } rotate y*18 }
box { <-1.52,0.001,-0.18>, <1.2,1.712,0.18> texture { pigment { rgbf <0.85,0.78,0.55,0.25> } finish { ambient 0.1 specular 0.4 } } rotate y*18 }
union {
  box { <-1.2,0.35,-1.012>, <0.2,1.25,-1.001> pigment { rgb 0.95 } finish { ambient 0.15 } }
  text { ttf "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf" "FRAGILE" 0.02, 0 scale <0.27,0.27,0.4> translate <-1.1,0.92,-1.02> pigment { rgb <0.75,0.05,0.05> } }
  text { ttf "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf" "Order 4711" 0.02, 0 scale <0.19,0.19,0.4> translate <-1.1,0.62,-1.02> pigment { rgb 0.05 } }
  text { ttf "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf" "1 of 2" 0.02, 0 scale <0.15,0.15,0.4> translate <-1.1,0.42,-1.02> pigment { rgb 0.05 } }
  rotate y*18 }
difference { cylinder { <2.6,0,0.2>, <2.6,0.75,0.2>, 0.36 } cylinder { <2.6,0.06,0.2>, <2.6,1,0.2>, 0.31 } pigment { rgb <0.2,0.33,0.5> } finish { ambient 0.1 specular 0.6 phong 0.4 } }
torus { 0.22, 0.05 rotate x*90 translate <2.98,0.4,0.2> pigment { rgb <0.2,0.33,0.5> } finish { specular 0.6 } }
cylinder { <2.6,0.55,0.2>, <2.6,0.56,0.2>, 0.31 pigment { rgb <0.12,0.07,0.04> } finish { reflection 0.1 } }
