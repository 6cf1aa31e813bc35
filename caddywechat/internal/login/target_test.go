package login

import (
	"testing"
	"time"
)

func TestWaitingTargets_AreBounded(t *testing.T) {
	var waiting waitingTargets
	now := time.Now()
	for range maxTargets {
		if !waiting.add(now) {
			t.Fatal("no room")
		}
	}
	if waiting.add(now.Add(Lifetime - time.Second)) {
		t.Error("there is room for one more")
	}
	if !waiting.add(now.Add(Lifetime + time.Second)) {
		t.Error("those that are over make no room")
	}
	if got := len(waiting.expires); got != 1 {
		t.Errorf("%d are remembered", got)
	}
}
