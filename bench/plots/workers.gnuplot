# What each worker costs, by how many there are.
#
#   gnuplot -c workers.gnuplot DATA PICTURE     in this folder

set terminal svg size 960,350 noenhanced font "sans-serif,13" \
  name "cost_of_a_worker" background "#ffffff"
set output ARG2
load "look.gnuplot"
name = 12 # the column that says whose it is

set multiplot layout 1,3 margins 0.07,0.965,0.17,0.88 spacing 0.085,0
set xlabel "workers"
set xtics font ",11"

set title "start of each, ns"
set yrange [99:100000]
plot ARG1 using 2:(value_of("troupe", 6, name)) linestyle 1 title "troupe", \
     ARG1 using 2:(value_of("raw CAF", 6, name)) linestyle 2 \
       title "raw CAF, by hand"

unset key
set title "memory of each, bytes"
set yrange [99:10000]
plot ARG1 using 2:(value_of("troupe", 8, name)) linestyle 1, \
     ARG1 using 2:(value_of("raw CAF", 8, name)) linestyle 2

set title "stop of each, ns"
set yrange [99:100000]
plot ARG1 using 2:(value_of("troupe", 10, name)) linestyle 1, \
     ARG1 using 2:(value_of("raw CAF", 10, name)) linestyle 2

unset multiplot
