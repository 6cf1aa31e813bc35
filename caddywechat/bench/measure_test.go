package bench

import (
	"flag"
	"testing"
)

// isMeasuring asks for tests that measure for many seconds. make bench and make test do, a plain go test does not.
var isMeasuring = flag.Bool("measure", false, "measure what sessions and sites take of the memory")

// skipUnlessMeasuring skips a test that measures.
func skipUnlessMeasuring(t *testing.T) {
	t.Helper()
	if !*isMeasuring {
		t.Skip("skipped without -measure")
	}
}
