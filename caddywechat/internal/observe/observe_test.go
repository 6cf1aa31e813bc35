package observe_test

import (
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/observe"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
)

const (
	stopped = "a rule would stop this request"
	tooMany = "rules would stop requests to more paths than are told apart"
)

// newObserver makes the observer of a site.
func newObserver(t *testing.T) (*sitetest.Parts, *observe.Observer) {
	t.Helper()
	p := sitetest.New(t, sitetest.Options{})
	return p, observe.New(p.Clock.Now, p.Logger)
}

func TestObserver_TellsOfEachPathOnceAnHour(t *testing.T) {
	p, o := newObserver(t)
	note := func(method, target string) { o.Note(p.Browser().Request(method, target), "login: rule 1") }
	for range 3 {
		note("GET", "/orders?id=7")
	}
	note("POST", "/orders")
	note("GET", "/%E4%B8%AD%0A")
	lines := p.WantLines(stopped, 3)
	first := lines[0]
	if first["path"] != "/orders" || first["method"] != "GET" || first["reason"] != "login: rule 1" ||
		first["requests"] != int64(1) || first["request_id"] == "" || lines[2]["path"] != "/%E4%B8%AD%0A" {
		t.Errorf("the lines are %v", lines)
	}
	p.Clock.Pass(time.Hour - time.Second)
	note("GET", "/orders")
	p.WantLines(stopped, 3)
	p.Clock.Pass(time.Second)
	note("GET", "/orders")
	if got := p.WantLines(stopped, 4)[3]["requests"]; got != int64(4) {
		t.Errorf("the second line is about %v requests", got)
	}
	note("GET", "/orders")
	p.Clock.Pass(time.Hour)
	note("GET", "/other")
	note("GET", "/orders")
	if got := p.WantLines(stopped, 6)[5]["requests"]; got != int64(2) {
		t.Errorf("beside another path the line is about %v requests", got)
	}
}

func TestObserver_IsBounded(t *testing.T) {
	p, o := newObserver(t)
	note := func(method, path string) { o.Note(p.Browser().Request(method, path), "login: rule 1") }
	note(strings.Repeat("X", 300), "/"+strings.Repeat("a", 5000))
	line := p.WantLines(stopped, 1)[0]
	if path, method := line["path"].(string), line["method"].(string); len(path) != 200 || len(method) != 20 {
		t.Errorf("%d bytes of the path, %d of the method", len(path), len(method))
	}
	for i := range 2000 {
		note("GET", "/"+strings.Repeat("b", i%100)+"/"+strings.Repeat("c", i/100))
	}
	p.WantLines(stopped, 1000)
	p.WantLines(tooMany, 1)
	p.Clock.Pass(time.Hour)
	note("GET", "/after")
	p.WantLines(stopped, 1001)
}
