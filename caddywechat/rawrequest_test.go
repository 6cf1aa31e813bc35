package caddywechat

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// sendRaw sends the text of a request to the site, and reads the response.
func (w *world) sendRaw(request string) response {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.gate.Listener.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		w.t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodGet, w.site("/"), nil) // for messages of failures
	res, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response{res, string(body)}
}

// serveDirectly sends a request through a handler by itself, as a server would.
func serveDirectly(h *Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
	h.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil }))
	return w
}
