package simulator

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Call is one request to an address of WeChat's that the simulator answered, or a duplicate callback that it sent
// itself. It never holds a query: no code, no token, no secret.
type Call struct {
	// Seq counts the calls from 1 on. It goes on after ClearJournal and Reset.
	Seq int `json:"seq"`

	Time   time.Time `json:"time"`   // when it came, by Config.Now
	Method string    `json:"method"` // of the request
	Path   string    `json:"path"`   // of the request, the first 200 bytes

	// Outcome is a word or number: "ok" for what succeeded, WeChat's error code, "consent" for the consent page, "qr
	// code" for the page that shows one, "confirm" for what a phone opens by it, "denied", "fault: " and the kind of a
	// fault, "duplicate: " and the HTTP status or what went wrong for a duplicate callback, wx_errcode for a poll and
	// for a phone whose QR code is over (402), and for pages whose error has no code what was wrong: "not wechat",
	// "order", "response_type", "appid", "redirect_uri", "scope", "state".
	Outcome string `json:"outcome"`
}

// How much is remembered: calls in full, and paths that are counted (strangers may ask for any).
const (
	maxCalls = 1000
	maxPaths = 100
	maxPath  = 200
)

// maxWait is how long someone may wait for a call.
const maxWait = 30 * time.Second

type journal struct {
	calls   []Call
	counts  map[string]int
	last    int           // the Seq of the last call, 0 before the first
	arrived chan struct{} // closed, and replaced, when a call arrives
}

func newJournal() journal {
	return journal{counts: make(map[string]int), arrived: make(chan struct{})}
}

func (s *Simulator) record(method, path, outcome string) {
	method, path = truncate(method), truncate(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	j := &s.journal
	if len(j.calls) == maxCalls {
		j.calls = slices.Delete(j.calls, 0, maxCalls/10)
	}
	j.last++
	j.calls = append(j.calls, Call{Seq: j.last, Time: s.config.Now(), Method: method, Path: path, Outcome: outcome})
	if _, counted := j.counts[path]; counted || len(j.counts) < maxPaths {
		j.counts[path]++
	}
	close(j.arrived)
	j.arrived = make(chan struct{})
}

func truncate(text string) string {
	return text[:min(len(text), maxPath)]
}

// Calls returns how often a path was asked for since the start or ClearJournal, faults included. A call counts before
// it is answered.
func (s *Simulator) Calls(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.journal.counts[path]
}

// Journal returns the last calls, the oldest first, at most 1000.
func (s *Simulator) Journal() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.journal.calls)
}

// ClearJournal forgets all calls and counts.
func (s *Simulator) ClearJournal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal.calls, s.journal.counts = nil, make(map[string]int)
}

// journalQuery says which calls someone wants to hear of.
type journalQuery struct {
	path  string    // empty: all
	after int       // only calls with a greater Seq
	from  time.Time // only calls at that time or later
	wait  time.Duration
}

func (q journalQuery) matches(c Call) bool {
	return (q.path == "" || c.Path == q.path) && c.Seq > q.after && !c.Time.Before(q.from)
}

// journalQuery reads path, since, which is a Seq or a time, and wait. Who waits without saying since when waits for
// what is still to come.
func (s *Simulator) journalQuery(values url.Values) (journalQuery, error) {
	var q journalQuery
	for name := range values {
		value := values.Get(name)
		var err error
		switch name {
		case "path":
			q.path = value
		case "since":
			if q.after, err = strconv.Atoi(value); err == nil {
				break
			}
			if q.from, err = time.Parse(time.RFC3339, value); err != nil {
				return q, fmt.Errorf("since %q: it is the seq of a call, or a time like 2026-03-01T12:00:00Z", value)
			}
		case "wait":
			if q.wait, err = time.ParseDuration(value); err != nil || q.wait < 0 || q.wait > maxWait {
				return q, fmt.Errorf("wait %q: it is like 2s, at most %v", value, maxWait)
			}
		default:
			return q, fmt.Errorf("there is no %q: there are path, since, wait", name)
		}
	}
	if q.wait > 0 && !values.Has("since") {
		s.mu.Lock()
		q.after = s.journal.last
		s.mu.Unlock()
	}
	return q, nil
}

// journalJSON answers a query: Last is the since of a next one that misses nothing.
type journalJSON struct {
	Calls  []Call         `json:"calls"`
	Counts map[string]int `json:"counts"` // of all paths since the start or the last clearing
	Last   int            `json:"last"`
}

func (j *journal) find(q journalQuery) journalJSON {
	found := journalJSON{Calls: []Call{}, Counts: maps.Clone(j.counts), Last: j.last}
	for _, call := range j.calls {
		if q.matches(call) {
			found.Calls = append(found.Calls, call)
		}
	}
	return found
}

// await answers at once if there is a call, otherwise when one arrives or the time is over.
func (s *Simulator) await(ctx context.Context, q journalQuery) journalJSON {
	ctx, cancel := context.WithTimeout(ctx, q.wait)
	defer cancel()
	for {
		s.mu.Lock()
		found, arrived, stateCtx := s.journal.find(q), s.journal.arrived, s.ctx
		s.mu.Unlock()
		if len(found.Calls) > 0 {
			return found
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return found
		case <-stateCtx.Done():
			return found
		}
	}
}

func (s *Simulator) listCalls(r *http.Request) (any, error) {
	q, err := s.journalQuery(r.URL.Query())
	if err != nil {
		return nil, err
	}
	return s.await(r.Context(), q), nil
}

func (s *Simulator) deleteCalls(*http.Request) (any, error) {
	s.ClearJournal()
	return nil, nil
}
