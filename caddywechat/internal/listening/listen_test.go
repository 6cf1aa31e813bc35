package listening

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func TestListen_SaysWhoHasThePort(t *testing.T) {
	at, pid := elsewhere(t, "127.0.0.1:0")
	_, err := Listen(at.String())
	var taken *TakenError
	if !errors.As(err, &taken) || taken.Port != at.Port() || !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("got %v", err)
	}
	if want := fmt.Sprintf("(process %d)", pid); runtime.GOOS == "linux" && !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	for _, address := range []string{"198.51.100.7:0", "127.0.0.1:70000", "127.0.0.1", ""} {
		l, err := Listen(address)
		if err == nil {
			l.Close()
			if address == "" {
				continue // any port of any address, as net.Listen has it
			}
		}
		if errors.As(err, &taken) || err == nil || !strings.Contains(err.Error(), "listening at "+address) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
