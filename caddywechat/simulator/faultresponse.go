package simulator

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// serveFault serves a request that meets a fault. handle is what would have answered.
func (s *Simulator) serveFault(w http.ResponseWriter, r *http.Request, f Fault, handle func(*http.Request) response) {
	ctx := s.stateContext() // before the call is recorded: a reset by someone who saw it there ends it
	s.record(r.Method, r.URL.Path, f.outcome())

	var early *response
	if f.Consume {
		a := handle(r)
		early = &a
	}
	if !wait(ctx, r, f.Delay) {
		cutConnection()
	}
	switch f.Kind {
	case FaultDelay:
		if early == nil {
			a := handle(r)
			early = &a
		}
		early.write(w)
	case FaultHang:
		hang(ctx, r)
	case FaultStatus:
		newResponse("text/html", proxyPage(f.Status), "").withStatus(f.Status).write(w)
	case FaultHTML:
		newResponse("text/html", proxyPage(http.StatusOK), "").write(w)
	case FaultErrcode:
		s.refuseAt(r, f.Errcode).write(w)
	case FaultEmpty:
		newResponse(typeSuccess, "", "").write(w)
	case FaultOversized:
		writeOversized(w, f.Bytes)
	case FaultCut:
		writeHalf(w)
	}
}

// wait returns false if the client left or the simulator was reset or closed before the time was over.
func wait(ctx context.Context, r *http.Request, delay time.Duration) bool {
	if delay == 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	case <-ctx.Done():
		return false
	}
}

func hang(ctx context.Context, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-ctx.Done():
	}
	cutConnection()
}

// cutConnection is net/http's way to end a connection without a proper answer.
func cutConnection() {
	panic(http.ErrAbortHandler)
}

func proxyPage(status int) string {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return "<html>\r\n<head><title>" + title + "</title></head>\r\n" +
		"<body>\r\n<center><h1>" + title + "</h1></center>\r\n</body>\r\n</html>\r\n"
}

func writeOversized(w http.ResponseWriter, n int) {
	const head, tail = `{"padding":"`, `"}`
	w.Header().Set("Content-Type", typeSuccess)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(n))
	io.WriteString(w, head)
	padding := strings.Repeat("x", 32<<10)
	for remaining := n - len(head) - len(tail); remaining > 0; {
		written, err := io.WriteString(w, padding[:min(remaining, len(padding))])
		if err != nil {
			return // the client had enough
		}
		remaining -= written
	}
	io.WriteString(w, tail)
}

func writeHalf(w http.ResponseWriter) {
	w.Header().Set("Content-Type", typeSuccess)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", "512")
	io.WriteString(w, `{"access_token":"61_`)
	http.NewResponseController(w).Flush()
	cutConnection()
}
