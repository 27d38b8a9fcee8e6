# What the plots share.
#
# Their data is JSON, an object a line, the members in the same places: parted
# like this, every second column is a value, and the last one says whose.
set datafile separator ":,"
set datafile missing NaN
value_of(who, value, name) \
  = strstrt(strcol(name), who) > 0 ? column(value) : NaN

# On a white page, so that they can be read beside dark text and light text. No
# date is in them: the same data gives the same file.
ink = "#1d2733"
troupe_ink = "#1f5fbf"
caf_ink = "#b4552b"
set style line 1 linecolor rgb troupe_ink linewidth 2 pointtype 7 pointsize 0.5
set style line 2 linecolor rgb caf_ink linewidth 2 pointtype 5 pointsize 0.5
set style data linespoints

set border 3 linecolor rgb ink
set tics nomirror scale 0.6 textcolor rgb ink
set grid xtics ytics linetype 1 linecolor rgb "#e1e6ed"
set key top left Left reverse textcolor rgb ink
set title textcolor rgb ink
set xlabel textcolor rgb ink

set logscale xy 10
set xrange [700:1500000]
set xtics ("1,000" 1e3, "10,000" 1e4, "100,000" 1e5, "1,000,000" 1e6)
set ytics ("10" 10, "100" 100, "1,000" 1e3, "10,000" 1e4, "100,000" 1e5, \
           "1,000,000" 1e6)
