//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// figure is one of the things that a round is measured by.
type figure struct {
	name     string
	decimals int
	of       func(round) float64
}

var figures = []figure{
	{"requests/s", 0, func(r round) float64 { return r.rate }},
	{"p50, ms", 2, func(r round) float64 { return milliseconds(r.p50) }},
	{"p99, ms", 2, func(r round) float64 { return milliseconds(r.p99) }},
	{"CPU of the proxy, µs/request", 1, func(r round) float64 { return float64(r.cpu) / float64(time.Microsecond) }},
	{"allocations of the proxy/request", 1, func(r round) float64 { return r.allocations }},
}

// opened shows that connections behind the proxy are kept: those that are new in a round take the place of those that
// were cut when wrk stopped.
var opened = figure{"new connections behind it/round", 0, func(r round) float64 { return float64(r.opened) }}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func (f figure) all(rounds []round) []float64 {
	var values []float64
	for _, r := range rounds {
		values = append(values, f.of(r))
	}
	return values
}

// ratios returns what each of some values is to the one of the same place in others.
func ratios(values, others []float64) []float64 {
	var all []float64
	for i := range values {
		all = append(all, values[i]/others[i])
	}
	return all
}

// span writes the median of some values, and the least and the greatest.
func span(values []float64, decimals int) string {
	if len(values) == 0 {
		return "none"
	}
	return fmt.Sprintf("%.*f (%.*f–%.*f)",
		decimals, median(values), decimals, slices.Min(values), decimals, slices.Max(values))
}

// writeComparison writes what the setups did, and what that is to what the first of them did in the same round.
func writeComparison(out io.Writer, setups []*setup) error {
	t := newTable(out)
	base := setups[0]
	t.row("median (least–most)", names(setups))
	for _, f := range append(slices.Clone(figures), opened) {
		var cells []string
		for _, s := range setups {
			cells = append(cells, span(f.all(s.rounds), f.decimals))
		}
		t.row(f.name, cells)
	}
	t.row("", nil)
	t.row("times "+base.name+", round by round", names(setups[1:]))
	for _, f := range figures {
		var cells []string
		for _, s := range setups[1:] {
			cells = append(cells, span(ratios(f.all(s.rounds), f.all(base.rounds)), 2))
		}
		t.row(f.name, cells)
	}
	return t.Flush()
}

func names(setups []*setup) []string {
	var all []string
	for _, s := range setups {
		all = append(all, s.name)
	}
	return all
}

// table has columns of the width that they need.
type table struct{ *tabwriter.Writer }

func newTable(out io.Writer) table {
	fmt.Fprintln(out)
	return table{tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)}
}

func (t table) row(name string, cells []string) {
	fmt.Fprint(t, name)
	for _, cell := range cells {
		fmt.Fprint(t, "\t", cell)
	}
	fmt.Fprintln(t)
}
