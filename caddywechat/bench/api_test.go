package bench

import (
	"bufio"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// apiLatency in the environment makes this program WeChat's API: a process of its own, so that what it costs is not
// counted with what we cost.
const apiLatency = "BENCH_API_LATENCY"

func TestMain(m *testing.M) {
	if latency := os.Getenv(apiLatency); latency != "" {
		serveAPI(latency)
		return
	}
	status := m.Run()
	printResults(os.Stdout)
	os.Exit(status)
}

// serveAPI answers every exchange of a code, over TLS and HTTP/1.1 as WeChat does, until its standard input ends. It
// writes its address and its certificate.
func serveAPI(text string) {
	latency, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
	}
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(latency)
		if r.URL.Path == "/connections" {
			fmt.Fprint(w, connections.Load())
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, `{"access_token":"%0110d","expires_in":7200,"refresh_token":"%0110d",`+
			`"openid":"oWx1-%023d","scope":"snsapi_base"}`, 1, 2, 3)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.TLS = &tls.Config{NextProtos: []string{"http/1.1"}}
	server.StartTLS()
	fmt.Println(server.URL)
	pem.Encode(os.Stdout, &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	fmt.Println()
	io.Copy(io.Discard, os.Stdin)
}

// api is WeChat's API in a process of its own.
type api struct{ url string }

// startAPI starts an API that takes its time with every answer. All of a process have the same certificate, which the
// process trusts from then on, since nothing has asked for the system's before.
func startAPI(tb testing.TB, latency time.Duration) api {
	tb.Helper()
	program, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	child := exec.Command(program)
	child.Env = append(os.Environ(), apiLatency+"="+latency.String())
	child.Stderr = os.Stderr
	stdin, err := child.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := child.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { stdin.Close(); child.Wait() })
	lines := bufio.NewScanner(stdout)
	lines.Scan()
	a := api{lines.Text()}
	var certificate strings.Builder
	for lines.Scan() && lines.Text() != "" {
		certificate.WriteString(lines.Text() + "\n")
	}
	file := filepath.Join(tb.TempDir(), "api.pem")
	if err := os.WriteFile(file, []byte(certificate.String()), 0o600); err != nil {
		tb.Fatal(err)
	}
	os.Setenv("SSL_CERT_FILE", file)
	return a
}

// connections returns how many connections were made to the API, the one of this question included if it is new.
func (a api) connections(tb testing.TB) int {
	tb.Helper()
	res, err := http.Get(a.url + "/connections")
	if err != nil {
		tb.Fatal(err)
	}
	defer res.Body.Close()
	var n int
	if _, err := fmt.Fscan(res.Body, &n); err != nil {
		tb.Fatal(err)
	}
	return n
}
