package e2e

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/websocket"
)

// modernApp is an app with streams and sockets. Under …/events it sends an event and goes on when it is told to, under
// …/socket it echoes messages, elsewhere it tells in headers what it got.
type modernApp struct {
	*httptest.Server
	goOn chan struct{}
}

func newModernApp(t *testing.T) *modernApp {
	t.Helper()
	app := &modernApp{goOn: make(chan struct{})}
	echo := websocket.Server{Handler: func(conn *websocket.Conn) {
		user := conn.Request().Header.Get("X-Wechat-User")
		for {
			var message string
			if websocket.Message.Receive(conn, &message) != nil {
				return
			}
			websocket.Message.Send(conn, user+" says "+message)
		}
	}}
	app.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-App", "reached")
		switch {
		case strings.HasSuffix(r.URL.Path, "/events"):
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "data: hello %s\n\n", r.Header.Get("X-Wechat-User"))
			w.(http.Flusher).Flush()
			select {
			case <-app.goOn:
				fmt.Fprint(w, "data: bye\n\n")
			case <-r.Context().Done():
			}
		case r.Header.Get("Upgrade") != "" && strings.HasSuffix(r.URL.Path, "/socket"):
			echo.ServeHTTP(w, r)
		default:
			body := sha256.New()
			size, err := io.Copy(body, r.Body)
			w.Header().Set("X-App-User", r.Header.Get("X-Wechat-User"))
			w.Header().Set("X-App-Got", fmt.Sprintf("%s %s %d %x %v", r.Method, r.RequestURI, size, body.Sum(nil), err))
		}
	}))
	t.Cleanup(app.Close)
	return app
}

// got is what the header X-App-Got says of a request that arrived as it was sent.
func got(method, uri, body string) string {
	return fmt.Sprintf("%s %s %d %x %v", method, uri, len(body), sha256.Sum256([]byte(body)), nil)
}
