//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

const (
	// minSoak is the shortest soak that shows anything: sessions have ended in it.
	minSoak = time.Minute
	// maxLoginRate is how many logins a second the process can remember for the minute in which a callback may come
	// again.
	maxLoginRate = 10_000 / 60
	sampleEvery  = 3 * time.Second
	reloadEvery  = 5 // samples
	tellEvery    = 20
)

// soak sends the requests of many people while the configuration is reloaded, and writes what grew meanwhile.
func soak(ctx context.Context, w *world, o options, out io.Writer) error {
	app, err := startUpstream(roleApp)
	if err != nil {
		return err
	}
	defer app.stop()
	s, err := w.startSite(ctx, "soak", "LOAD_APP="+app.address, "LOAD_LIFETIME="+lifetime.String())
	if err != nil {
		return err
	}
	defer s.stop()
	b := newClient()
	defer b.CloseIdleConnections()
	c := &traffic{client: b, site: s, people: w.people, done: make(map[string]int)}

	fmt.Fprintf(out, "\nSoak: %s, sessions of %s, a reload every %s.\n", o.soak, lifetime, reloadEvery*sampleEvery)
	sending, end := context.WithCancel(ctx)
	defer end()
	var wait sync.WaitGroup
	defer wait.Wait()
	defer end()
	wait.Go(func() { c.run(sending, o.logins) })
	samples, reloads, err := watch(ctx, c, o.soak, out)
	end()
	wait.Wait()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, s.log)
	}

	fmt.Fprintf(out, "\n%d requests, %d reloads: %s.\n", b.requests.Load(), reloads, c.so())
	fmt.Fprintf(out, "%d connections were cut, and made once more. %d responses were not what they should be.\n",
		b.cut.Load(), c.wrong)
	if log := s.log.String(); log != "" {
		fmt.Fprintf(out, "The end of the error log:\n%s\n", log)
	}
	if err := writeGrowth(out, samples); err != nil {
		return err
	}
	if o.soak < verdictFrom {
		fmt.Fprintf(out, "In less than %s what the process remembers still fills: growth is not checked.\n",
			verdictFrom)
	}
	return errors.Join(c.verdict(), verdict(samples, o.soak))
}

// watch takes samples and reloads the configuration, until the time is over.
func watch(
	ctx context.Context, c *traffic, length time.Duration, out io.Writer,
) (samples []sample, reloads int, err error) {
	begun := time.Now()
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for n := 1; time.Since(begun) < length; n++ {
		select {
		case <-ticker.C:
		case <-c.site.exited:
			return samples, reloads, errors.New("the process ended by itself")
		case <-ctx.Done():
			return samples, reloads, ctx.Err()
		}
		taken, err := c.sample(ctx, time.Since(begun))
		if err != nil {
			return samples, reloads, err
		}
		samples = append(samples, taken)
		if n%tellEvery == 0 {
			fmt.Fprintf(out, "%6s  %s\n", taken.at.Round(time.Second), taken)
		}
		if n%reloadEvery == 0 {
			// After the sample: by the next one the configuration before has gone.
			if err := c.site.reload(ctx); err != nil {
				return samples, reloads, err
			}
			reloads++
		}
	}
	return samples, reloads, nil
}

// verdict describes what was wrong about responses.
func (c *traffic) verdict() error {
	switch {
	case c.wrong > 0:
		return fmt.Errorf("%d responses were not what they should be, such as:\n\t%s", c.wrong,
			strings.Join(c.examples, "\n\t"))
	case c.client.cut.Load() > c.client.requests.Load()/1000:
		return errors.New("more than one in 1,000 connections was cut: reloads alone cut fewer")
	default:
		for _, d := range actions {
			if c.done[d.name] == 0 {
				return fmt.Errorf("there were no %s: the soak was too short, or the machine too busy", d.name)
			}
		}
		return nil
	}
}
