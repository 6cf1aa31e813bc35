package listening

import "testing"

func TestNames_NamesEachHolderOnce(t *testing.T) {
	if got := Names(nil); got != "" {
		t.Errorf("nobody is %q", got)
	}
	if got := Names([]Holder{{}, {PID: 7, Program: "nginx"}, {}}); got != "another process, nginx (process 7)" {
		t.Errorf("got %q", got)
	}
}
