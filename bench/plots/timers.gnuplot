# What it costs to arm and cancel a timer, by how many are pending.
#
#   gnuplot -c timers.gnuplot DATA PICTURE     in this folder

set terminal svg size 720,400 noenhanced font "sans-serif,13" \
  name "cost_of_a_timer" background "#ffffff"
set output ARG2
load "look.gnuplot"
name = 10 # the column that says whose it is

set title "arm and cancel a timer, ns"
set xlabel "timers pending"
set yrange [9.9:1000000]
set label "left out where one run\nwould take more than 30 s" \
  at graph 0.985,0.72 right textcolor rgb caf_ink
plot ARG1 using 2:(value_of("troupe", 8, name)) linestyle 1 title "troupe", \
     ARG1 using 2:(value_of("raw CAF", 8, name)) linestyle 2 \
       title "raw CAF, run_delayed and dispose"
