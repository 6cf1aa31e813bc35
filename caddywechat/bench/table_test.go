package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// result is what came out of one comparison.
type result struct {
	name              string
	samples           int
	plain             float64 // nanoseconds of a request without the gate, the median
	time, least, cpu  float64 // ratios: the median of the samples', that of the minima, the median of the CPU's time
	allocations, goal float64
}

// results are those of this run.
var results []result

func printResults(w io.Writer) {
	if len(results) == 0 {
		return
	}
	fmt.Fprintln(w, "\nWhat a request costs, compared with the same chain without the gate:")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "path\tsamples\tplain\ttime\tleast time\tCPU\tallocations\tgoal")
	for _, r := range results {
		goal := ""
		if r.goal != 0 {
			goal = fmt.Sprintf("≤ %.2f", r.goal)
		}
		fmt.Fprintf(table, "%s\t%d\t%.1f µs\t× %.3f\t× %.3f\t× %.3f\t%+.0f\t%s\n",
			r.name, r.samples, r.plain/1000, r.time, r.least, r.cpu, r.allocations, goal)
	}
	table.Flush()
}
