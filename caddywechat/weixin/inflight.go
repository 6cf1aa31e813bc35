package weixin

import (
	"fmt"
	"sync"
)

// maxInFlight bounds the calls of the whole process that are under way: whoever asks for callbacks without end costs
// no more than this many connections.
const maxInFlight = 256

// inFlight are the calls of this process.
var inFlight flights

// flights counts calls that are under way, of each app and within it of each caller. Nobody holds more than is left
// for others, whatever their number: while WeChat does not answer one app holds half of all places, two hold a third
// each, and there is always room for another. So it is with the callers of an app, which share what it may hold: one
// alone gets half of that. With the process's 256 these are 64, which serve 600 logins a second from one address, a
// phone carrier's for example, as long as WeChat takes its usual tenth of a second.
type flights struct {
	mu    sync.Mutex
	total int
	apps  map[flightApp]*appFlights
}

// flightApp is whose calls are counted together: a simulator that hangs is not WeChat.
type flightApp struct{ host, app string }

type appFlights struct {
	total   int
	callers map[string]int // without those that nobody in particular caused
}

// acquire takes a place for a call; [flights.release] must follow. The error is an [ErrBusy] that says whose share is
// used up.
func (f *flights) acquire(a flightApp, caller string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	of := f.apps[a]
	if of == nil {
		of = &appFlights{callers: make(map[string]int)}
	}
	more := maxInFlight - f.total - of.total // than what others would have left
	if more <= 0 {
		return fmt.Errorf("%w: %d of this app, %d of the process", ErrBusy, of.total, f.total)
	}
	if caller != "" && of.callers[caller] >= (more+1)/2 {
		return fmt.Errorf("%w: %d for %s", ErrBusy, of.callers[caller], caller)
	}
	if f.apps == nil {
		f.apps = make(map[flightApp]*appFlights)
	}
	f.apps[a] = of
	f.total++
	of.total++
	if caller != "" {
		of.callers[caller]++
	}
	return nil
}

func (f *flights) release(a flightApp, caller string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	of := f.apps[a]
	f.total--
	if of.total--; of.total == 0 {
		delete(f.apps, a)
	}
	if caller == "" {
		return
	}
	if of.callers[caller]--; of.callers[caller] == 0 {
		delete(of.callers, caller)
	}
}
