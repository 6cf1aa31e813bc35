package caddywechat

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/gate"
)

// streamsEvery is how often streams are judged. Together with the time until an instance hears of a logout at another
// one, they end within five seconds.
const streamsEvery = time.Second

// streams are the WebSockets and event streams that went on as somebody: requests that outlast the moment in which
// their session was judged. The zero value is ready to use; it works as long as there are any.
type streams struct {
	mu       sync.Mutex
	open     map[*stream]struct{}
	watching bool
}

// stream is one of them.
type stream struct {
	isAllowed func() bool
	end       func()
}

func (s *streams) add(one *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = make(map[*stream]struct{})
	}
	s.open[one] = struct{}{}
	if !s.watching {
		s.watching = true
		go s.watch()
	}
}

func (s *streams) remove(one *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, one)
}

// watch ends what is allowed no more, until there is nothing to watch.
func (s *streams) watch() {
	ticker := time.NewTicker(streamsEvery)
	defer ticker.Stop()
	for range ticker.C {
		if !s.judge() {
			return
		}
	}
}

// judge ends what is allowed no more, and reports whether anything is left to watch. Where nothing is, the next stream
// that comes starts anew.
func (s *streams) judge() (goOn bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.open {
		if !one.isAllowed() {
			go one.end() // closing a connection may take its time, and nobody else's is to wait for it
			delete(s.open, one)
		}
	}
	s.watching = len(s.open) > 0
	return s.watching
}

// passStream passes a stream on as the person of a session, until that session, or what the rules ask for, is no more,
// or a reload has given the site another store, so that nobody could tell.
func (h *Handler) passStream(w http.ResponseWriter, p passage, d gate.Decision) error {
	ctx, cancel := context.WithCancel(p.Context())
	defer cancel()
	out := &streamResponse{ctx: ctx}
	out.begin(h, w, p.Request, d)
	policy := h.sessions.Policy.WithoutIdle() // who listens is not idle
	one := &stream{
		isAllowed: func() bool {
			return !h.lease.shared.gone.Load() && h.sessions.IsLive(d.Session, policy) &&
				h.gate.Satisfies(d.Session, d.Rule.Ask)
		},
		end: func() {
			cancel()
			out.closeConnection()
		},
	}
	h.lease.memory.streams.add(one)
	defer h.lease.memory.streams.remove(one)
	p.restore() // before there is a copy, which it knows nothing of
	p.restore = func() {}
	p.Request.Request = p.WithContext(ctx)
	return h.pass(out, p, d.Session.Identity)
}

// streamResponse is an [appResponse] that lets nothing pass once its context has ended, whoever writes: a proxy that
// copies, or one that took over the connection.
type streamResponse struct {
	appResponse
	ctx context.Context

	mu         sync.Mutex
	connection net.Conn // taken over, nil while it is not
}

func (w *streamResponse) Write(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.appResponse.Write(b)
}

// ReadFrom writes piece by piece: whoever is below would read on without asking.
func (w *streamResponse) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{w}, r)
}

// Hijack implements [http.Hijacker], which [http.ResponseController] looks for.
func (w *streamResponse) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	connection, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.mu.Lock()
	w.connection = connection
	w.mu.Unlock()
	if w.ctx.Err() != nil {
		connection.Close()
	}
	return connection, buffered, nil
}

func (w *streamResponse) closeConnection() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.connection != nil {
		w.connection.Close()
	}
}
