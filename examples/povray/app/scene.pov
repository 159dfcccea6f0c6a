// A ring of twelve balls that turns once while the clock goes from 0 to 1, over a mirror.
#version 3.7;
global_settings { assumed_gamma 1.0 }

camera {
  location <0, 4, -9>
  look_at <0, 0.6, 0>
  angle 45
}
light_source { <6, 10, -8> color rgb 1.2 }
background { color rgb <0.75, 0.85, 0.95> }

plane {
  y, 0
  pigment { checker color rgb 0.9, color rgb 0.35 }
  finish { reflection 0.25 }
}

#declare Count = 12;
#for (I, 0, Count - 1)
  #declare Part = I / Count;
  sphere {
    <2.4, 0.6 + 0.5 * abs(sin(2 * pi * (Part + clock))), 0>, 0.5
    rotate <0, 360 * (Part + clock), 0>
    pigment { color rgb <0.5 + 0.5 * cos(2 * pi * Part), 0.4, 0.5 + 0.5 * sin(2 * pi * Part)> }
    finish { phong 0.8 reflection 0.15 }
  }
#end
