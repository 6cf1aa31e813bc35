package simulator

import (
	"net/http"
	"slices"
	"time"
)

// Call is one request to an address of WeChat's that the simulator answered. It never holds a query: no code, no token,
// no secret.
type Call struct {
	Time   time.Time `json:"time"`
	Method string    `json:"method"`
	Path   string    `json:"path"`

	// Outcome is a word or number: "ok" for what succeeded, WeChat's error code, "consent" for the consent page, "denied",
	// "fault: " and the kind of a fault, and for authorize pages whose error has no code what was wrong: "not wechat",
	// "order", "response_type", "appid", "scope", "state".
	Outcome string `json:"outcome"`
}

// How much is remembered: calls in full, and paths that are counted (strangers may ask for any).
const (
	maxCalls = 1000
	maxPaths = 100
	maxPath  = 200
)

type journal struct {
	calls  []Call
	counts map[string]int
}

func newJournal() journal {
	return journal{counts: make(map[string]int)}
}

func (s *Simulator) note(r *http.Request, outcome string) {
	method, path := clipped(r.Method), clipped(r.URL.Path)
	s.mu.Lock()
	defer s.mu.Unlock()
	j := &s.journal
	if len(j.calls) == maxCalls {
		j.calls = slices.Delete(j.calls, 0, maxCalls/10)
	}
	j.calls = append(j.calls, Call{Time: s.config.Now(), Method: method, Path: path, Outcome: outcome})
	if _, counted := j.counts[path]; counted || len(j.counts) < maxPaths {
		j.counts[path]++
	}
}

func clipped(text string) string {
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
	s.journal = newJournal()
}
