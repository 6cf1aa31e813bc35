// Package freeport finds ports of the loopback interface for programs that tests and measurements start, and that open
// their ports themselves. No two calls return the same port, not in different processes either: packages are tested
// side by side.
package freeport

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
)

// Processes divide the ports from firstPort on into blocks. They are below the ports that the kernel gives to clients
// and to listeners on port 0, which could take a port between the moment when it is found free and the moment when a
// program opens it.
const (
	firstPort = 15_000
	blockSize = 100
	blocks    = 170
)

// allocator hands out the ports of one block after the other.
type allocator struct {
	mu    sync.Mutex
	block int // the next block to try
	port  int // the next port to try
	end   int // the first port behind the block
	// locks listen on the first port of each block that this process has, until it ends: by that others know.
	locks []net.Listener
}

var shared allocator

// Get returns a port that nobody listens on, and fails the test where there is none.
func Get(t testing.TB) int {
	t.Helper()
	port, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Find returns a port that nobody listens on.
func Find() (int, error) { return shared.find() }

func (a *allocator) find() (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for {
		for a.port < a.end {
			port := a.port
			a.port++
			if l, err := listen(port); err == nil {
				l.Close()
				return port, nil
			}
		}
		if err := a.nextBlock(); err != nil {
			return 0, err
		}
	}
}

// nextBlock takes the next block that no process has.
func (a *allocator) nextBlock() error {
	for a.block < blocks {
		first := firstPort + a.block*blockSize
		a.block++
		if l, err := listen(first); err == nil {
			a.locks = append(a.locks, l)
			a.port, a.end = first+1, first+blockSize
			return nil
		}
	}
	return errors.New("no block of ports is free")
}

func listen(port int) (net.Listener, error) {
	return net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
}
