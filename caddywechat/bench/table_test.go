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

// What came out in this run: comparisons, and lines about logins.
var (
	results []result
	logins  []string
)

// fewSamples is how many are too few to take a ratio for more than a hint.
const fewSamples = 12

func printResults(w io.Writer) {
	if len(results) > 0 {
		fmt.Fprint(w, `
What a request costs with the gate, compared with the same without: a proxied request, or for RedirectToWeChat a
redirect that never changes.
  plain        a request without the gate, the median
  time         how many times as long one takes with the gate: the median of pairs of samples that were taken in turn
  least time   the same of the shortest samples of both sides
  CPU          as time, of all processors together
  allocations  how many more
  goal         what time should be; the machine's noise is what time says of Nothing, a handler that does nothing
`)
		printTable(w)
	}
	for _, line := range logins {
		fmt.Fprintln(w, line)
	}
}

func printTable(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\npath\tplain\ttime\tleast time\tCPU\tallocations\tgoal")
	for _, r := range results {
		goal := ""
		switch {
		case r.goal == 0:
		case r.time <= r.goal:
			goal = fmt.Sprintf("≤ %.2f", r.goal)
		default:
			goal = fmt.Sprintf("≤ %.2f missed", r.goal)
		}
		fmt.Fprintf(table, "%s\t%.1f µs\t× %.3f\t× %.3f\t× %.3f\t%+.0f\t%s\n",
			r.name, r.plain/1000, r.time, r.least, r.cpu, r.allocations, goal)
	}
	table.Flush()
	if results[0].samples < fewSamples {
		fmt.Fprintf(w, "Of %d samples each: take %d or more to judge.\n", results[0].samples, fewSamples)
	}
}
