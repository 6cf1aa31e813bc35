//go:build linux

// Command load measures the built binary over loopback, for those who develop it. First it compares three proxies in
// front of the same app: one that does nothing else, one with wechat_auth, and one that asks an auth server by
// forward_auth. Then it soaks one with wechat_auth: people log in, come back and go for minutes while the configuration
// is reloaded, and what grows meanwhile shows.
//
// It needs wrk, Go, and no network. It exits with 1 where an answer was not the one that was asked for.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are what a person may choose.
type options struct {
	compare bool
	rounds  int
	round   time.Duration
	soak    time.Duration
	logins  int // per second
}

func main() {
	if len(os.Args) > 1 && isRole(os.Args[1]) {
		exit(serveAs(os.Args[1], os.Args[2:]))
	}
	var o options
	flag.BoolVar(&o.compare, "compare", true, "compare plain, ours and forward_auth")
	flag.IntVar(&o.rounds, "rounds", 9,
		"how many rounds of the comparison each setup gets, 8 or more for figures worth keeping")
	flag.DurationVar(&o.round, "round", 5*time.Second, "how long a round is, in whole seconds")
	flag.DurationVar(&o.soak, "soak", 10*time.Minute, "how long the soak is, 0 for none")
	flag.IntVar(&o.logins, "logins", 150, "how many logins a second the soak aims at")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o, os.Stdout)
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	stop()
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run measures what is asked for. Whatever it started has ended when it returns.
func run(ctx context.Context, o options, out io.Writer) error {
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("%q is no flag: see -help", flag.Arg(0))
	case o.rounds < 1 || o.round < time.Second || o.round%time.Second != 0:
		return errors.New("-rounds must be positive, and -round whole seconds, such as 5s")
	case o.soak < 0 || o.soak > 0 && o.soak < minSoak:
		return fmt.Errorf("-soak must be 0 or at least %s: less shows nothing", minSoak)
	case o.logins < 1 || o.logins > maxLoginRate:
		return fmt.Errorf("-logins must be from 1 to %d: more are not remembered for their minute", maxLoginRate)
	}
	if o.compare {
		if err := findWrk(); err != nil {
			return err
		}
	}
	w, err := newWorld(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	if o.compare {
		if err := compare(ctx, w, o, out); err != nil {
			return fmt.Errorf("comparison: %w", err)
		}
	}
	if o.soak > 0 {
		if err := soak(ctx, w, o, out); err != nil {
			return fmt.Errorf("soak: %w", err)
		}
	}
	return nil
}
