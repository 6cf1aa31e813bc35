package weixin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

func TestClient_FollowsNoRedirect(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		elsewhere.Add(1)
		io.WriteString(w, success)
	}))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := answering(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.RequestURI(), status)
		})
		if _, err := exchange(t, c); !errors.Is(err, ErrAnswer) {
			t.Errorf("%d: got %v, want %v", status, err, ErrAnswer)
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("the secret went elsewhere %d times", n)
	}
}

func TestClient_TimesOut(t *testing.T) {
	for name, begin := range map[string]func(http.ResponseWriter){
		"nothing at all":  func(http.ResponseWriter) {},
		"only the header": func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"half the body":   func(w http.ResponseWriter) { io.WriteString(w, success[:20]); w.(http.Flusher).Flush() },
	} {
		t.Run(name, func(t *testing.T) {
			c := answering(t, func(w http.ResponseWriter, r *http.Request) {
				begin(w)
				<-r.Context().Done() // until the client gives up
			})
			c.Timeout = 50 * time.Millisecond
			begun := time.Now()
			_, err := exchange(t, c)
			if !errors.Is(err, ErrTimeout) || errors.Is(err, ErrUnreachable) {
				t.Errorf("got %v, want %v", err, ErrTimeout)
			}
			if took := time.Since(begun); took > 3*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestClient_TakesNoLeavingCallerForATimeout(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := answering(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := c.ExchangeCode(ctx, official, code)
	if errors.Is(err, ErrTimeout) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// rawServer answers each connection by f, below HTTP.
func rawServer(t *testing.T, f func(net.Conn)) *Client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); f(c) }()
		}
	}()
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &Client{Hosts: HostsAt("http://"+l.Addr().String(), ""), Transport: tr, Timeout: 5 * time.Second}
}

// skipRequest reads one request of a connection; false tells that there is none.
func skipRequest(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	io.Copy(io.Discard, req.Body)
	return true
}

func TestClient_ReportsABrokenConnection(t *testing.T) {
	for name, answer := range map[string]string{
		"without an answer":  "",
		"in the header":      "HTTP/1.1 200 OK\r\nContent-Le",
		"in the body":        "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + success[:20],
		"in a chunk":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + success[:20],
		"with another speak": "SSH-2.0-OpenSSH_9.6\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := rawServer(t, func(c net.Conn) {
				skipRequest(bufio.NewReader(c))
				io.WriteString(c, answer)
			})
			if _, err := exchange(t, c); !errors.Is(err, ErrUnreachable) {
				t.Errorf("got %v, want %v", err, ErrUnreachable)
			}
		})
	}
}

func TestClient_ReportsARefusedConnection(t *testing.T) {
	// A port that the kernel gives to nobody by itself.
	c := &Client{Hosts: HostsAt("http://127.0.0.1:1", ""), Transport: &http.Transport{}}
	if _, err := exchange(t, c); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v, want %v", err, ErrUnreachable)
	}
}

func TestClient_ReportsAHostThatIsNone(t *testing.T) {
	for _, base := range []string{"", "://", "http://a b", "http://[::1", "ftp://127.0.0.1", "http://%zz"} {
		_, err := exchange(t, &Client{Hosts: HostsAt(base, ""), Transport: &http.Transport{}})
		if !errors.Is(err, ErrUnreachable) {
			t.Errorf("%q: got %v, want %v", base, err, ErrUnreachable)
		}
	}
}

// A code works once. net/http by itself sends a GET again when a connection that served before breaks without an
// answer: WeChat may have taken the code by then.
func TestExchangeCode_SendsACodeOnceOverAConnectionThatBreaks(t *testing.T) {
	var requests atomic.Int32
	c := rawServer(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		if !skipRequest(r) {
			return
		}
		requests.Add(1)
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(success), success)
		if skipRequest(r) {
			requests.Add(1)
		}
	})
	if _, err := exchange(t, c); err != nil {
		t.Fatal(err)
	}
	if _, err := exchange(t, c); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v, want %v", err, ErrUnreachable)
	}
	if n := requests.Load(); n != 2 {
		t.Errorf("two codes were sent %d times", n)
	}
}

func TestTransport_VerifiesAndHonoursTheProxy(t *testing.T) {
	if transport.TLSClientConfig != nil && transport.TLSClientConfig.InsecureSkipVerify {
		t.Error("anybody can be WeChat")
	}
	if transport.Proxy == nil {
		t.Error("HTTPS_PROXY is not honoured")
	}
}
