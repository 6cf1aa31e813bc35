package simulator

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault makes one path fail, as WeChat's servers and the network between do now and then.
type Fault struct {
	// Path is the exact path, such as /sns/oauth2/access_token or /connect/oauth2/authorize.
	Path string `json:"path"`

	// Kind is what goes wrong.
	Kind FaultKind `json:"kind"`

	// Delay is waited first, whatever the kind. Zero: not at all.
	Delay time.Duration `json:"delay"`

	// Status is the HTTP status of FaultStatus, 400 to 599. Zero: 503.
	Status int `json:"status,omitzero"`

	// Errcode is WeChat's error code of FaultErrcode, such as -1, 40029 or 45011.
	Errcode int `json:"errcode,omitzero"`

	// Bytes is the length of the body of FaultOversized, from 1 KiB to 1 GiB. Zero: 16 MiB.
	Bytes int `json:"bytes,omitzero"`

	// Consume lets the call take effect before it goes wrong: a code that came with it is used up, though the app gets
	// nothing for it. That is what developers saw of -1.
	Consume bool `json:"consume,omitzero"`

	// Rate is the share of calls that fail, above 0 up to 1, at random. Zero: 1, every call. The others may meet the
	// next fault on the path.
	Rate float64 `json:"rate"`

	// Times is how many calls fail. Zero: all, until cleared.
	Times int `json:"times,omitzero"`
}

// FaultKind is a way to fail.
type FaultKind string

const (
	FaultDelay     FaultKind = "delay"     // the right answer, after Delay
	FaultHang      FaultKind = "hang"      // no answer until the client leaves or the simulator is reset or closed
	FaultStatus    FaultKind = "status"    // an HTTP error with the page of a proxy
	FaultHTML      FaultKind = "html"      // HTTP 200 with an HTML page
	FaultErrcode   FaultKind = "errcode"   // one of WeChat's error codes; not for pages
	FaultEmpty     FaultKind = "empty"     // HTTP 200 with nothing
	FaultOversized FaultKind = "oversized" // HTTP 200 with very long, valid JSON
	FaultCut       FaultKind = "cut"       // the connection ends in the middle of the body
)

var faultKinds = []FaultKind{
	FaultDelay, FaultHang, FaultStatus, FaultHTML, FaultErrcode, FaultEmpty, FaultOversized, FaultCut,
}

// The paths that may have faults: pages and what belongs to them, and the API.
var (
	pagePaths  = []string{authorizePath, qrConnectPath, qrPollPath, confirmPath, weComLoginPath}
	userPaths  = []string{accessTokenPath, refreshTokenPath, authPath, userinfoPath}
	faultPaths = slices.Concat(pagePaths, userPaths, serverPaths, miniProgramPaths)
)

// maxFaults is how many faults may wait at a time.
const maxFaults = 100

// Fault turns on a fault. A call meets the first fault on its path that its Rate does not except it from. So faults
// without a rate take effect one after the other: the first until its Times are spent, then the next. An error says
// what is wrong with the fault itself; then nothing changes.
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
	if f.Rate == 0 {
		f.Rate = 1
	}
	return f
}

func (f Fault) check() error {
	switch {
	case !slices.Contains(faultPaths, f.Path):
		return fmt.Errorf("fault path %q: it is one of %s", f.Path, strings.Join(faultPaths, ", "))
	case !slices.Contains(faultKinds, f.Kind):
		return fmt.Errorf("fault kind %q: it is one of %q", f.Kind, faultKinds)
	case f.Delay < 0 || f.Times < 0:
		return fmt.Errorf("fault delay and times can't be negative")
	case !(f.Rate > 0 && f.Rate <= 1): // NaN, too
		return fmt.Errorf("fault rate %v: it is above 0, up to 1 for every call", f.Rate)
	case f.Kind == FaultDelay && f.Delay == 0:
		return fmt.Errorf("fault kind delay: say how long")
	case f.Kind == FaultStatus && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("fault status %d: it is 400 to 599", f.Status)
	case f.Kind == FaultErrcode && f.Errcode == 0:
		return fmt.Errorf("fault kind errcode: say which, for example -1")
	case f.Kind == FaultErrcode && slices.Contains(pagePaths, f.Path):
		return fmt.Errorf("fault kind errcode: %s answers no JSON, choose another kind", f.Path)
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
	i := slices.IndexFunc(s.faults, func(f Fault) bool {
		return f.Path == path && (f.Rate == 1 || s.config.Random() < f.Rate)
	})
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

// faultJSON is a Fault as control calls write it.
type faultJSON struct {
	Fault
	Delay duration `json:"delay,omitzero"`
}

func (f Fault) json() faultJSON {
	return faultJSON{f, duration(f.Delay)}
}

func (s *Simulator) listFaults(*http.Request) (any, error) {
	list := []faultJSON{}
	for _, fault := range s.Faults() {
		list = append(list, fault.json())
	}
	return map[string]any{"faults": list}, nil
}

func (s *Simulator) postFault(r *http.Request) (any, error) {
	wanted := Fault{Rate: 1}.json()
	if err := readJSON(r, &wanted); err != nil {
		return nil, err
	}
	if wanted.Rate == 0 {
		return nil, errors.New("fault rate 0: such a fault would never happen, leave it out")
	}
	wanted.Fault.Delay = time.Duration(wanted.Delay)
	fault, err := s.addFault(wanted.Fault)
	if err != nil {
		return nil, err
	}
	return fault.json(), nil
}

func (s *Simulator) deleteFaults(*http.Request) (any, error) {
	s.ClearFaults()
	return nil, nil
}
