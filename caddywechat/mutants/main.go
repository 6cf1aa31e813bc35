// Command mutants shows which guards no test holds. It takes each guard of the packages out, one at a time, and runs
// tests: those of the package, then those of packages below it, then the integration tests. A test that fails kills the
// mutant; one that survives is a guard that somebody could remove unnoticed, and the exit status is 1.
//
// A guard is a condition whose body leaves (return, continue, break, panic) or that looks at an error, a case of a
// switch without a tag, and each operand of && and || outside of a loop's head. All of them are built into one set of
// test binaries, where an environment variable says which one is out: nothing is written into the tree, and nothing is
// built per mutant. A guard that makes no difference is left out by a comment on its line, sparingly:
//
//	// mutants: equivalent, <why>
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"time"
)

// defaultPackages are those whose guards keep people apart.
var defaultPackages = []string{
	"./caddywechat/internal/login", "./caddywechat/internal/session", "./caddywechat/internal/revocation",
	"./caddywechat/internal/profile", "./caddywechat/account",
}

type options struct {
	packages    []string
	integration string // the package whose tests run last, "" for none
	sample      int
	seed        uint64
	match       *regexp.Regexp
	parallel    int
	timeout     time.Duration
	list        bool
	verbose     bool
}

func main() {
	o, err := parse(os.Args[1:])
	if err != nil {
		os.Exit(2) // the flag set has said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	survivors, err := run(ctx, o)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	case survivors > 0:
		os.Exit(1)
	}
}

func parse(arguments []string) (o options, err error) {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: mutants [flags] [package ...]")
		flags.PrintDefaults()
	}
	flags.StringVar(&o.integration, "integration", "./caddywechat", "package whose tests run last, \"\": none")
	flags.IntVar(&o.sample, "sample", 0, "how many mutants to choose at random; 0: all")
	flags.Uint64Var(&o.seed, "seed", 1, "what the sample is chosen by")
	flags.IntVar(&o.parallel, "parallel", runtime.NumCPU(), "how many mutants run at once")
	flags.DurationVar(&o.timeout, "timeout", 0, "how long tests may run; 0: five times as long as without a mutant")
	flags.BoolVar(&o.list, "list", false, "print the mutants, and run nothing")
	flags.BoolVar(&o.verbose, "v", false, "print each mutant as it ends")
	flags.Func("match", "regular expression on what -list prints, to choose mutants by", func(text string) (err error) {
		o.match, err = regexp.Compile(text)
		return err
	})
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	o.parallel = min(max(o.parallel, 1), runtime.NumCPU())
	if o.packages = flags.Args(); len(o.packages) == 0 {
		o.packages = defaultPackages
	}
	return o, nil
}

// run prints a table of the chosen mutants, and returns how many survive.
func run(ctx context.Context, o options) (survivors int, err error) {
	started := time.Now()
	packages, err := load(ctx, o.packages)
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	mutants, excluded, overlay, err := instrument(dir, packages)
	if err != nil {
		return 0, err
	}
	mutants = choose(mutants, o)
	if o.list {
		for _, m := range mutants {
			fmt.Println(m)
		}
		return 0, nil
	}
	b := &builder{dir: dir, overlay: overlay, timeout: o.timeout, suites: make(map[string]*suite)}
	results, err := kill(ctx, b, mutants, o)
	if err != nil {
		return 0, err
	}
	report(os.Stdout, results, excluded)
	fmt.Printf("\n%s with %d at once\n", time.Since(started).Round(time.Second), o.parallel)
	for _, r := range results {
		if r.survives() {
			survivors++
		}
	}
	return survivors, nil
}

// choose returns the mutants to look at, in their order.
func choose(mutants []mutant, o options) []mutant {
	if o.match != nil {
		mutants = slices.DeleteFunc(mutants, func(m mutant) bool { return !o.match.MatchString(m.String()) })
	}
	if o.sample > 0 && o.sample < len(mutants) {
		random := rand.New(rand.NewPCG(o.seed, 0))
		random.Shuffle(len(mutants), func(i, j int) { mutants[i], mutants[j] = mutants[j], mutants[i] })
		mutants = mutants[:o.sample]
		slices.SortFunc(mutants, func(a, b mutant) int { return a.id - b.id })
	}
	return mutants
}
