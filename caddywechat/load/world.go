//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// world is what both measurements share: the built binary, a folder for everything, and a simulated WeChat, which this
// process serves.
type world struct {
	folder   string
	binary   string
	platform string // the simulator's URL
	people   []string
	sim      *simulator.Simulator
	server   *http.Server
}

// buildTimeout is how long building may take, on a slow machine that builds for the first time.
const buildTimeout = 10 * time.Minute

// newWorld builds the binary and begins to serve the simulator.
func newWorld(ctx context.Context) (w *world, err error) {
	w = new(world)
	if w.folder, err = os.MkdirTemp("", "caddywechat-load-"); err != nil {
		return nil, fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	w.binary = filepath.Join(w.folder, "caddywechat")
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-o", w.binary,
		"github.com/caddywechat/caddy-wechat/cmd/caddywechat")
	if said, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the binary, which works inside the module's checkout only: %w\n%s", err, said)
	}

	var config simulator.Config
	for i := range 50 {
		id := fmt.Sprintf("person-%d", i)
		w.people = append(w.people, id)
		config.People = append(config.People, simulator.Person{ID: id, Nickname: id})
	}
	if w.sim, err = simulator.New(config); err != nil {
		return nil, fmt.Errorf("making the simulator: %w", err)
	}
	l, err := listen()
	if err != nil {
		return nil, err
	}
	w.platform = "http://" + l.Addr().String()
	w.server = &http.Server{Handler: w.sim, ReadHeaderTimeout: 10 * time.Second}
	go w.server.Serve(l)
	return w, nil
}

func (w *world) close() {
	if w.sim != nil {
		w.sim.Close()
	}
	if w.server != nil {
		w.server.Close()
	}
	os.RemoveAll(w.folder)
}

// openID is what the upstream app is told of a person.
func openID(person string) string { return simulator.OpenID(simulator.DemoAppID, person) }

// listen opens a port of the loopback interface that is free.
func listen() (*net.TCPListener, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening a port of the loopback interface: %w", err)
	}
	return l.(*net.TCPListener), nil
}
