package weixin

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
)

// fill takes places until there is none, and returns how many there were.
func (f *flights) fill(a flightApp, caller string) (n int) {
	for f.acquire(a, caller) == nil {
		n++
	}
	return n
}

func anApp(n int) flightApp { return flightApp{"https://api.weixin.qq.com", fmt.Sprintf("wx%d", n)} }

func TestFlights_LeaveRoomForOthers(t *testing.T) {
	var f flights
	if n := f.fill(anApp(1), "203.0.113.5/32"); n != 64 {
		t.Errorf("one address at one app has %d calls", n)
	}
	if n := f.fill(anApp(1), "203.0.113.6/32"); n < 20 {
		t.Errorf("another one is left %d", n)
	}
	for i := range 1000 {
		f.fill(anApp(1), fmt.Sprint(i))
	}
	f.fill(anApp(1), "")
	if f.apps[anApp(1)].total != 128 {
		t.Errorf("one app has %d calls", f.apps[anApp(1)].total)
	}
	if n := f.fill(anApp(2), "203.0.113.5/32"); n != 32 {
		t.Errorf("at another app the address has %d calls", n)
	}
	f.fill(anApp(2), "")
	for i := 3; i < 8; i++ {
		if n := f.fill(anApp(i), ""); n == 0 {
			t.Errorf("app %d is left none", i)
		}
	}
	for i := range 1000 {
		f.fill(anApp(i), fmt.Sprint(i))
		f.fill(anApp(i), "")
	}
	if f.total > maxInFlight {
		t.Errorf("the process has %d calls", f.total)
	}
}

func TestFlights_MakeRoomWhenTheyEnd(t *testing.T) {
	var f flights
	for range 3 {
		n := f.fill(anApp(1), "203.0.113.5/32")
		m := f.fill(anApp(1), "")
		for range n {
			f.release(anApp(1), "203.0.113.5/32")
		}
		for range m {
			f.release(anApp(1), "")
		}
		if f.total != 0 || len(f.apps) != 0 {
			t.Fatalf("%d calls of %d apps are left", f.total, len(f.apps))
		}
	}
	// An app that hangs at a simulator has nothing to do with the same one at WeChat.
	f.fill(flightApp{"http://127.0.0.1:1", "wx1"}, "")
	if n := f.fill(anApp(1), ""); n < 64 {
		t.Errorf("%d calls are left", n)
	}
}

func TestClient_MakesNoCallWithoutAPlace(t *testing.T) {
	made := 0
	c := answering(t, func(http.ResponseWriter, *http.Request) { made++ }).ForApp("wx1")
	n := inFlight.fill(flightApp{c.Hosts.API, "wx1"}, "me")
	defer func() {
		for range n {
			inFlight.release(flightApp{c.Hosts.API, "wx1"}, "me")
		}
	}()
	if _, err := c.ExchangeCode(WithCaller(t.Context(), "me"), official, code); !errors.Is(err, ErrBusy) || made != 0 {
		t.Errorf("%d calls, %v", made, err)
	}
	_, err := c.ExchangeCode(WithCaller(t.Context(), "another"), official, code)
	if errors.Is(err, ErrBusy) || made != 1 {
		t.Errorf("another's: %d calls, %v", made, err)
	}
}

func TestForApp_SharesWhichHostsAreDown(t *testing.T) {
	c := &Client{Hosts: Hosts{API: "http://a.test", Fallback: "http://b.test"}}
	one, other := c.ForApp("wx1"), c.ForApp("wx2")
	one.avoid("http://a.test", ErrTimeout)
	if first, _ := other.hosts(); first != "http://b.test" {
		t.Errorf("calls begin at %s", first)
	}
}
