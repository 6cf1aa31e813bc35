package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// found returns the guards in the body of a function, as the table shows them, and the instrumented source.
func found(t *testing.T, body string) (what []string, excluded int, out string) {
	t.Helper()
	mutants, excluded, source, err := guards(nil, "x.go", []byte("package p\n\nfunc f() bool {\n"+body+"\n}\n"), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.ParseFile(token.NewFileSet(), "x.go", source, parser.SkipObjectResolution); err != nil {
		t.Errorf("instrumented: %v\n%s", err, source)
	}
	for _, m := range mutants {
		what = append(what, fmt.Sprintf("%d: %s", m.line-3, m.what))
	}
	return what, excluded, string(source)
}

func TestGuards_AreWhatCanBeTakenOut(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want []string
	}{
		"return":       {"if a {\nreturn b\n}", []string{"1: if a"}},
		"continue":     {"for a && b {\nif c {\ncontinue\n}\n}", []string{"2: if c"}},
		"panic":        {"if a {\npanic(b)\n}", []string{"1: if a"}},
		"error":        {"if err := g(); err != nil {\nlog(err)\n}", []string{"1: if err != nil"}},
		"no guard":     {"if a {\ng()\n}\nif b {\n}", nil},
		"conjunction":  {"if a && b {\nreturn c\n}", []string{"1: if a && b", "1: && a", "1: && b"}},
		"disjunction":  {"if a || b {\nreturn c\n}", []string{"1: || a", "1: || b"}},
		"chain":        {"return a && b && c", []string{"1: && c", "1: && a", "1: && b"}},
		"mixed":        {"return a && (b || c)", []string{"1: && a", "1: && (b || c)", "1: || b", "1: || c"}},
		"tagless":      {"switch {\ncase a:\ncase b || c:\ndefault:\n}", []string{"2: case a", "3: || b", "3: || c"}},
		"tag":          {"switch a {\ncase b:\n}", nil},
		"closure":      {"return all(func() bool { return a || b })", []string{"1: || a", "1: || b"}},
		"constants":    {"const c = true && false", nil},
		"several":      {"if a {\nreturn b\n} else if c {\nreturn d\n}", []string{"1: if a", "3: if c"}},
		"over lines":   {"if a(\nb) {\nreturn c\n}", []string{"1: if a( b)"}},
		"other's line": {"// mutants: equivalent, not here\nif a {\nreturn b\n}", []string{"2: if a"}},
	} {
		if got, excluded, _ := found(t, tt.body); !slices.Equal(got, tt.want) || excluded != 0 {
			t.Errorf("%s: got %q, want %q; %d excluded", name, got, tt.want, excluded)
		}
	}
}

func TestGuards_AreSwitchedWhereTheyStand(t *testing.T) {
	_, _, out := found(t, "if a && b {\nreturn c\n}")
	want := "if (mutantThatIsOut != 1 && ((mutantThatIsOut == 2 || (a)) && (mutantThatIsOut == 3 || (b)))) {"
	if !strings.Contains(out, want) {
		t.Errorf("got %s\nwant %s", out, want)
	}
}

func TestGuards_AreLeftOutByACommentThatSaysWhy(t *testing.T) {
	for comment, want := range map[string]int{
		"// mutants: equivalent, a is never true": 1, "// mutants: equivalent, ": 0, "// equivalent": 0,
	} {
		if got, excluded, _ := found(t, "if a { "+comment+"\nreturn b\n}"); excluded != want || len(got) != 1-want {
			t.Errorf("%s: %q, %d excluded", comment, got, excluded)
		}
	}
}

func TestFailingTest_IsTheFirstOrTheLastThatRan(t *testing.T) {
	for output, want := range map[string]string{
		"=== RUN   TestA\n--- FAIL: TestA (0.00s)\n=== RUN   TestB\n": "TestA",
		"=== RUN   TestA\n=== RUN   TestA/sub\npanic: x\n":            "TestA",
		"=== RUN   TestA\n--- FAIL: TestA/sub (0.00s)\n":              "TestA",
		"panic: x\n": "",
	} {
		if got := failingTest(output); got != want {
			t.Errorf("%q: got %q, want %q", output, got, want)
		}
	}
}
