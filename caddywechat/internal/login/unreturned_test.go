package login

import (
	"fmt"
	"testing"
	"time"
)

func TestUnreturned_HostsThatAStrangerMakesUpAreBounded(t *testing.T) {
	var u unreturned
	now := time.Now()
	at := func(i int) loginsAt { return loginsAt{"wx", fmt.Sprintf("h%d.example.com", i)} }
	start := func(at loginsAt, times int) (tell bool) {
		for range times {
			_, tell = u.add(at, now)
			now = now.Add(4 * time.Second)
		}
		return tell
	}
	for i := range 3000 {
		u.add(at(i), now)
	}
	if len(u.of) != maxLoginsAt {
		t.Errorf("%d are remembered", len(u.of))
	}
	if start(at(5000), 20) {
		t.Error("there was room for one more")
	}
	if !start(at(0), 20) {
		t.Error("those that are there are forgotten")
	}
	now = now.Add(forgetAfter)
	if !start(at(5000), 20) || len(u.of) > maxLoginsAt {
		t.Error("the quiet ones make no room")
	}
}
