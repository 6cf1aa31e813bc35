package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
)

// TestSimulatorCommand_AnswersToItsNames asks under names that a browser may have been redirected to.
func TestSimulatorCommand_AnswersToItsNames(t *testing.T) {
	t.Parallel()
	port := freeport.Get(t)
	p := start(t, home(t), "wechat", "simulator", "--listen", fmt.Sprintf("0.0.0.0:%d", port), "--host", "wechat",
		"--host", "sim.internal",
		"--domain", host)
	p.waitFor(`http://127\.0\.0\.1:\d+/simulator/`)
	p.waitFor("Whoever reaches this machine can log in as anybody")
	for name, want := range map[string]int{
		"127.0.0.1": 200, "localhost": 200, "wechat.localhost": 200, "wechat": 200, "sim.internal": 200, host: 200,
		"evil.example": 403, "wechat.evil.example": 403,
	} {
		for _, path := range []string{"/simulator/", "/simulator/people"} {
			req, err := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%d%s", port, path), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = fmt.Sprintf("%s:%d", name, port)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != want {
				t.Errorf("%s under %s: status %d, want %d", path, name, res.StatusCode, want)
			}
		}
	}
	if out, err := run(t, home(t), "wechat", "simulator", "--host", "http://wechat"); err == nil {
		t.Errorf("a URL for a name: %s", out)
	}
}
