package bench

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// inFlight is how many logins are under way at a time.
const inFlight = 64

// BenchmarkExchange compares our transport with Go's, which keeps two connections to a host.
func BenchmarkExchange(b *testing.B) {
	a := startAPI(b, 0)
	var ours, theirs spent
	tuned := &weixin.Client{Hosts: weixin.HostsAt(a.url, "")}
	common := &weixin.Client{Hosts: weixin.HostsAt(a.url, ""), Transport: http.DefaultTransport}
	app := weixin.App{ID: appID, Auth: weixin.Secret("secret")}
	exchange := func(c *weixin.Client) func(int) error {
		return func(i int) error {
			_, err := c.ExchangeCode(context.Background(), app, fmt.Sprintf("%032d", i))
			return err
		}
	}
	for b.Loop() {
		ours.add(b, a, exchange(tuned))
		theirs.add(b, a, exchange(common))
	}
	b.ReportMetric(median(ours.cpu), "ns/op")
	logins = append(logins, fmt.Sprintf(
		"A code is exchanged for %.0f µs of CPU and %.2f new connections; with Go's default transport for %.1f times "+
			"as much (goal: 6 or more) and %.2f.",
		median(ours.cpu)/1000, median(ours.connections), median(theirs.cpu)/median(ours.cpu),
		median(theirs.connections)))
}

// spent is what calls cost.
type spent struct{ cpu, connections []float64 }

// add makes as many calls as a sample has, so many at a time.
func (s *spent) add(b *testing.B, a api, call func(i int) error) {
	b.Helper()
	connections, cpu := a.connections(b), cpuTime()
	each(b, perSample, call)
	s.cpu = append(s.cpu, float64((cpuTime()-cpu).Nanoseconds())/perSample)
	s.connections = append(s.connections, float64(a.connections(b)-connections)/perSample)
}

// each calls do for each number below n, as many at a time as logins are in flight.
func each(b *testing.B, n int, do func(i int) error) {
	b.Helper()
	var all sync.WaitGroup
	var next atomic.Int64
	for range inFlight {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkCallback measures how much longer a callback takes than WeChat's API, and how near the rate of logins comes
// to what the API allows.
func BenchmarkCallback(b *testing.B) {
	const latency = 50 * time.Millisecond
	a := startAPI(b, latency)
	c := newChain(b, strings.ReplaceAll(gate(""), platform, a.url))
	var over, rate, cpu []float64
	sample := func() {
		callbacks := begun(b, c, perSample)
		took := make([]float64, perSample)
		conns := make(chan *conn, inFlight)
		for range inFlight {
			conns <- c.conn()
		}
		start, used := time.Now(), cpuTime()
		each(b, perSample, func(i int) error {
			conn := <-conns
			defer func() { conns <- conn }()
			begun := time.Now()
			if status := conn.send(callbacks[i]); status != http.StatusFound ||
				conn.answer.header.Get("Location") != "/" {
				return fmt.Errorf("status %d to %s", status, conn.answer.header.Get("Location"))
			}
			took[i] = time.Since(begun).Seconds() * 1000
			return nil
		})
		rate = append(rate, perSample/time.Since(start).Seconds()/(inFlight/latency.Seconds()))
		cpu = append(cpu, float64((cpuTime()-used).Nanoseconds())/perSample)
		over = append(over, median(took)-latency.Seconds()*1000)
	}
	sample() // the connections are made
	over, rate, cpu = nil, nil, nil
	for b.Loop() {
		sample()
	}
	b.ReportMetric(median(cpu), "ns/op")
	logins = append(logins, fmt.Sprintf(
		"%d callbacks at a time, while WeChat takes %s for each: they take %.1f ms more than that (goal: at most 5), "+
			"%.0f µs of them CPU, and come to %.3f of the rate that WeChat allows (goal: 0.95).",
		inFlight, latency, median(over), median(cpu)/1000, median(rate)))
}

// begun returns the callbacks of so many logins, each of a browser of its own.
func begun(b *testing.B, c chain, number int) [][]byte {
	b.Helper()
	conn := c.conn()
	callbacks := make([][]byte, number)
	for i := range callbacks {
		if status := conn.send(page("/", "")); status != http.StatusFound {
			b.Fatalf("status %d", status)
		}
		_, state, _ := strings.Cut(conn.answer.header.Get("Location"), "&state=")
		state, _, _ = strings.Cut(state, "#")
		cookie, _, _ := strings.Cut(conn.answer.header.Get("Set-Cookie"), ";")
		callbacks[i] = page(fmt.Sprintf("/_wechat/callback?to=%%2F&code=%032d&state=%s", i, state), cookie)
	}
	return callbacks
}
