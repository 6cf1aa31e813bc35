//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync/atomic"
	"time"
)

// The servers behind a proxy are this program again, each as a process of its own, so that what they cost is not ours.
const (
	roleApp  = "app"  // the app behind a proxy
	roleAuth = "auth" // what forward_auth asks; it knows everybody, at once
)

func isRole(word string) bool { return word == roleApp || word == roleAuth }

// Addresses of an upstream that are not counted.
const (
	countsPath   = "/upstream/counts"
	identityPath = "/upstream/identity"
)

// userHeader is the one by which the app knows somebody, echoHeader the one in which it says whom it saw.
const (
	userHeader = "X-Wechat-User"
	echoHeader = "X-App-User"
)

// counts is what an upstream has seen since it began.
type counts struct {
	Requests, Identified, Connections int64
}

func (c counts) since(before counts) counts {
	return counts{c.Requests - before.Requests, c.Identified - before.Identified, c.Connections - before.Connections}
}

// upstream is an app or auth server in a process of its own.
type upstream struct {
	*process
	address string
}

// startUpstream starts this program in a role.
func startUpstream(role string, args ...string) (*upstream, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	l, err := listen()
	if err != nil {
		return nil, err
	}
	defer l.Close()
	file, err := l.File()
	if err != nil {
		return nil, fmt.Errorf("handing on a port: %w", err)
	}
	defer file.Close()
	cmd := exec.Command(self, append([]string{role}, args...)...)
	cmd.ExtraFiles = []*os.File{file}
	p, err := start(role, cmd)
	if err != nil {
		return nil, err
	}
	return &upstream{p, l.Addr().String()}, nil
}

// counts asks the upstream what it has seen.
func (u *upstream) counts(ctx context.Context) (c counts, err error) {
	if err := getJSON(ctx, "http://"+u.address+countsPath, &c); err != nil {
		return c, fmt.Errorf("asking the %s what it has seen: %w", u.name, err)
	}
	return c, nil
}

// serveAs is the program in a role, on the port that it was handed, until it is stopped.
func serveAs(role string, args []string) error {
	signal.Ignore(os.Interrupt) // Ctrl-C is for the process that started this one, which still needs it for a moment
	l, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return fmt.Errorf("%s is started by this program itself only: %w", role, err)
	}
	var seen seen
	mux := http.NewServeMux()
	mux.HandleFunc(countsPath, seen.show)
	switch role {
	case roleAuth:
		var headers map[string]string
		if err := json.Unmarshal([]byte(strings.Join(args, "")), &headers); err != nil {
			return fmt.Errorf("reading the headers to answer with: %w", err)
		}
		mux.HandleFunc("/", seen.auth(headers))
	default:
		mux.HandleFunc(identityPath, showIdentity)
		mux.HandleFunc("/", seen.app)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ConnState: seen.connection}
	return fmt.Errorf("serving as %s: %w", role, server.Serve(l))
}

// seen counts what an upstream sees.
type seen struct {
	requests, identified, connections atomic.Int64
}

func (s *seen) connection(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		s.connections.Add(1)
	}
}

// app answers with a line, and in a header whom it saw.
func (s *seen) app(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	user := r.Header.Get(userHeader)
	if user != "" {
		s.identified.Add(1)
	}
	w.Header().Set(echoHeader, user)
	io.WriteString(w, "hello\n")
}

// auth says that everybody is the one whom the headers name.
func (s *seen) auth(headers map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		s.requests.Add(1)
		for name, value := range headers {
			w.Header().Set(name, value)
		}
	}
}

func (s *seen) show(w http.ResponseWriter, _ *http.Request) {
	json.NewEncoder(w).Encode(counts{s.requests.Load(), s.identified.Load(), s.connections.Load()})
}

// showIdentity answers with every header that names a person.
func showIdentity(w http.ResponseWriter, r *http.Request) {
	identity := make(map[string]string)
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Wechat-") {
			identity[name] = r.Header.Get(name)
		}
	}
	json.NewEncoder(w).Encode(identity)
}
