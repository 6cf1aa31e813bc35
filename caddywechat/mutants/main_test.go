package main

import (
	"os"
	"path/filepath"
	"testing"
)

// ages is a package with three guards, of which its tests hold two.
var ages = map[string]string{
	"go.mod": "module example.com/ages\n\ngo 1.26\n",
	"ages.go": `package ages

func Check(age int) bool {
	if age < 0 {
		return false
	}
	return age >= 18 && age < 150
}
`,
	"ages_test.go": `package ages

import "testing"

func TestCheck(t *testing.T) {
	if Check(17) || !Check(18) || Check(150) {
		t.Error("wrong")
	}
}
`,
}

func TestRun_TellsWhatNoTestHolds(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a test binary")
	}
	t.Chdir(t.TempDir())
	for name, content := range ages {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	packages, err := load(t.Context(), []string{"."})
	if err != nil {
		t.Fatal(err)
	}
	mutants, _, overlay, err := instrument(dir, packages)
	if err != nil {
		t.Fatal(err)
	}
	b := &builder{dir: dir, overlay: overlay, suites: make(map[string]*suite)}
	results, err := kill(t.Context(), b, mutants, options{parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	killers := map[string]string{"if age < 0": "", "&& age >= 18": "TestCheck", "&& age < 150": "TestCheck"}
	if len(results) != len(killers) {
		t.Errorf("%d mutants", len(results))
	}
	for _, r := range results {
		if want, ok := killers[r.what]; !ok || r.killer != want {
			t.Errorf("%s: killed by %q, want %q", r.what, r.killer, want)
		}
	}
	if left, _ := filepath.Glob("*"); len(left) != len(ages) {
		t.Errorf("it left %v", left)
	}
}
