package simulator

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault makes one path misbehave, as WeChat's servers and what is between do now and then.
type Fault struct {
	// Path is the exact path, such as /sns/oauth2/access_token or /connect/oauth2/authorize.
	Path string

	// Kind is what goes wrong.
	Kind FaultKind

	// Delay is waited first, whatever the kind. Zero: not at all.
	Delay time.Duration

	// Status is the HTTP status of FaultStatus, 400 to 599. Zero: 503.
	Status int

	// Errcode is WeChat's error code of FaultErrcode, such as -1, 40029 or 45011.
	Errcode int

	// Bytes is the length of the body of FaultOversized, from 1 KiB to 1 GiB. Zero: 16 MiB.
	Bytes int

	// Consume lets the call take effect before it goes wrong: a code that came with it is used up, though the app gets
	// nothing for it. That is what developers saw of -1.
	Consume bool

	// Times is how many calls it spoils. Zero: all, until cleared.
	Times int
}

// FaultKind is a way to misbehave.
type FaultKind string

const (
	FaultDelay     FaultKind = "delay"     // the right answer, after Delay
	FaultHang      FaultKind = "hang"      // no answer until the client leaves or the simulator is closed
	FaultStatus    FaultKind = "status"    // an HTTP error with the page of a proxy
	FaultHTML      FaultKind = "html"      // HTTP 200 with an HTML page
	FaultErrcode   FaultKind = "errcode"   // one of WeChat's error codes; not for the authorize page
	FaultEmpty     FaultKind = "empty"     // HTTP 200 with nothing
	FaultOversized FaultKind = "oversized" // HTTP 200 with very long, valid JSON
	FaultCut       FaultKind = "cut"       // the connection ends in the middle of the body
)

var faultKinds = []FaultKind{
	FaultDelay, FaultHang, FaultStatus, FaultHTML, FaultErrcode, FaultEmpty, FaultOversized, FaultCut,
}

var faultyPaths = []string{authorizePath, accessTokenPath, refreshTokenPath, authPath, userinfoPath}

// maxFaults is how many faults may wait at a time.
const maxFaults = 100

// Fault turns on a fault. Faults on the same path take effect one after the other: the first until its Times are spent,
// then the next. An error says what is wrong with the fault itself; then nothing changes.
func (s *Simulator) Fault(f Fault) error {
	_, err := s.addFault(f)
	return err
}

func (s *Simulator) addFault(f Fault) (Fault, error) {
	f = f.withDefaults()
	if err := f.check(); err != nil {
		return f, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == maxFaults {
		return f, fmt.Errorf("there are %d faults already: clear them first", maxFaults)
	}
	s.faults = append(s.faults, f)
	return f, nil
}

// ClearFaults turns off all faults. Calls that hang already go on hanging.
func (s *Simulator) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Faults returns those that are on, with the Times they have left.
func (s *Simulator) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.faults)
}

func (f Fault) withDefaults() Fault {
	if f.Kind == FaultStatus && f.Status == 0 {
		f.Status = http.StatusServiceUnavailable
	}
	if f.Kind == FaultOversized && f.Bytes == 0 {
		f.Bytes = 16 << 20
	}
	return f
}

func (f Fault) check() error {
	switch {
	case !slices.Contains(faultyPaths, f.Path):
		return fmt.Errorf("fault path %q: it is one of %s", f.Path, strings.Join(faultyPaths, ", "))
	case !slices.Contains(faultKinds, f.Kind):
		return fmt.Errorf("fault kind %q: it is one of %q", f.Kind, faultKinds)
	case f.Delay < 0 || f.Times < 0:
		return fmt.Errorf("fault delay and times can't be negative")
	case f.Kind == FaultDelay && f.Delay == 0:
		return fmt.Errorf("fault kind delay: say how long")
	case f.Kind == FaultStatus && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("fault status %d: it is 400 to 599", f.Status)
	case f.Kind == FaultErrcode && f.Errcode == 0:
		return fmt.Errorf("fault kind errcode: say which, for example -1")
	case f.Kind == FaultErrcode && f.Path == authorizePath:
		return fmt.Errorf("fault kind errcode: the authorize page answers no JSON, choose another kind")
	case f.Kind == FaultOversized && (f.Bytes < 1<<10 || f.Bytes > 1<<30):
		return fmt.Errorf("fault bytes %d: it is 1024 to %d", f.Bytes, 1<<30)
	}
	return nil
}

func (f Fault) outcome() string {
	outcome := "fault: " + string(f.Kind)
	switch f.Kind {
	case FaultStatus:
		outcome += " " + strconv.Itoa(f.Status)
	case FaultErrcode:
		outcome += " " + strconv.Itoa(f.Errcode)
	}
	return outcome
}

// nextFault takes the fault that a call of path meets, and counts it.
func (s *Simulator) nextFault(path string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.faults, func(f Fault) bool { return f.Path == path })
	if i == -1 {
		return Fault{}, false
	}
	fault := s.faults[i]
	switch fault.Times {
	case 0: // until cleared
	case 1:
		s.faults = slices.Delete(s.faults, i, i+1)
	default:
		s.faults[i].Times--
	}
	return fault, true
}

// misbehave serves a request that meets a fault. handle is what would have answered.
func (s *Simulator) misbehave(w http.ResponseWriter, r *http.Request, f Fault, handle func(*http.Request) answer) {
	s.note(r, f.outcome())

	var early *answer
	if f.Consume {
		a := handle(r)
		early = &a
	}
	if !s.wait(r, f.Delay) {
		cutConnection()
	}
	switch f.Kind {
	case FaultDelay:
		if early == nil {
			a := handle(r)
			early = &a
		}
		early.write(w)
	case FaultHang:
		s.hang(r)
	case FaultStatus:
		newAnswer("text/html", proxyPage(f.Status), "").withStatus(f.Status).write(w)
	case FaultHTML:
		newAnswer("text/html", proxyPage(http.StatusOK), "").write(w)
	case FaultErrcode:
		s.refuse(f.Errcode).write(w)
	case FaultEmpty:
		newAnswer(typeSuccess, "", "").write(w)
	case FaultOversized:
		writeOversized(w, f.Bytes)
	case FaultCut:
		writeHalf(w)
	}
}

// wait returns false if the client left or the simulator was closed before the time was over.
func (s *Simulator) wait(r *http.Request, delay time.Duration) bool {
	if delay == 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	case <-s.closed:
		return false
	}
}

func (s *Simulator) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.closed:
	}
	cutConnection()
}

// cutConnection is net/http's way to end a connection without a proper answer.
func cutConnection() {
	panic(http.ErrAbortHandler)
}

func proxyPage(status int) string {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n</body>\r\n</html>\r\n"
}

func writeOversized(w http.ResponseWriter, n int) {
	const head, tail = `{"padding":"`, `"}`
	w.Header().Set("Content-Type", typeSuccess)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(n))
	io.WriteString(w, head)
	padding := strings.Repeat("x", 32<<10)
	for left := n - len(head) - len(tail); left > 0; {
		written, err := io.WriteString(w, padding[:min(left, len(padding))])
		if err != nil {
			return // the client had enough
		}
		left -= written
	}
	io.WriteString(w, tail)
}

func writeHalf(w http.ResponseWriter) {
	w.Header().Set("Content-Type", typeSuccess)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", "512")
	io.WriteString(w, `{"access_token":"61_`)
	http.NewResponseController(w).Flush()
	cutConnection()
}
