package freeport

import (
	"net"
	"sync"
	"testing"
)

func TestGet_ReturnsPortsThatCanBeOpened(t *testing.T) {
	for range 3 {
		port := Get(t)
		l, err := listen(port)
		if err != nil {
			t.Fatalf("port %d: %v", port, err)
		}
		defer l.Close()
	}
}

func TestFind_NeverReturnsAPortTwice(t *testing.T) {
	// Two allocators are as two processes.
	var one, other allocator
	defer one.close()
	defer other.close()
	var mu sync.Mutex
	seen := make(map[int]bool)
	var wait sync.WaitGroup
	for _, a := range []*allocator{&one, &one, &other, &other} {
		wait.Go(func() {
			for range blockSize {
				port, err := a.find()
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if seen[port] {
					t.Errorf("port %d was returned twice", port)
				}
				seen[port] = true
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if want := 4 * blockSize; len(seen) != want {
		t.Errorf("%d ports, want %d", len(seen), want)
	}
}

func TestFind_SkipsAPortThatSomebodyListensOn(t *testing.T) {
	var a allocator
	defer a.close()
	first, err := a.find()
	if err != nil {
		t.Fatal(err)
	}
	taken, err := listen(first + 1)
	if err != nil {
		t.Skipf("the next port is taken already: %v", err)
	}
	defer taken.Close()
	if next, err := a.find(); err != nil || next <= first+1 {
		t.Errorf("%d, %v, want a port above %d", next, err, first+1)
	}
}

func TestFind_FailsWhereEveryBlockIsTaken(t *testing.T) {
	a := allocator{block: blocks}
	if port, err := a.find(); err == nil {
		t.Errorf("it returned port %d", port)
	}
}

// close gives the blocks back.
func (a *allocator) close() {
	for _, l := range a.locks {
		l.Close()
	}
	a.locks = []net.Listener{}
}
