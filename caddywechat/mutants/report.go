package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// maxGuard is how many bytes of a guard a line of the table shows.
const maxGuard = 90

func (r result) String() string {
	what := r.what
	if len(what) > maxGuard {
		what = what[:maxGuard-len("…")] + "…"
	}
	verdict := "SURVIVED"
	if !r.survives() {
		verdict = r.suite + " " + r.killer
	}
	return fmt.Sprintf("%s:%d\t%s\t%s", r.file, r.line, what, verdict)
}

// report prints a table of the results, and how many there are in each package.
func report(w io.Writer, results []result, excluded int) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "GUARD\tTAKEN OUT\tKILLED BY")
	for _, r := range results {
		fmt.Fprintln(table, r)
	}
	fmt.Fprintln(table)
	fmt.Fprintln(table, "PACKAGE\tMUTANTS\tSURVIVED")
	for start := 0; start < len(results); {
		end, survivors := start, 0
		for ; end < len(results) && results[end].pkg == results[start].pkg; end++ {
			if results[end].survives() {
				survivors++
			}
		}
		fmt.Fprintf(table, "%s\t%d\t%d\n", results[start].pkg.ImportPath, end-start, survivors)
		start = end
	}
	_ = table.Flush() // nobody can be told that the table can't be printed
	if excluded > 0 {
		fmt.Fprintf(w, "%d guards are equivalent by a comment\n", excluded)
	}
}
