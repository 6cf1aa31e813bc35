// Package observe owns what is told of requests that the rules would stop, where a site only observes: a line of the
// log for each path, and how many such requests there were.
package observe

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

const (
	// every is how often a path has a line at most.
	every = time.Hour
	// maxPaths bounds the paths that are told apart within that time: strangers can ask for any.
	maxPaths = 1000
	// maxPath and maxMethod bound what a line says of a request, in bytes.
	maxPath, maxMethod = 200, 20
)

// Observer tells of the requests to one site that its rules would stop. It is safe for concurrent use.
type Observer struct {
	now    func() time.Time
	logger *zap.Logger

	mu    sync.Mutex
	paths map[string]*seen
	began time.Time // of the first of them

	fullHint event.Hint
}

// seen are the requests to one path.
type seen struct {
	count  int       // since the last line
	logged time.Time // the last line
}

// New returns an Observer that has seen nothing.
func New(now func() time.Time, logger *zap.Logger) *Observer {
	return &Observer{
		now: now, logger: logger, paths: make(map[string]*seen), fullHint: event.Hint{Every: every},
	}
}

// Note takes note of a request that goes on though a rule would stop it, and why it would.
func (o *Observer) Note(r *visitor.Request, reason string) {
	method, path := r.Method, r.URL.EscapedPath()
	method, path = method[:min(len(method), maxMethod)], path[:min(len(path), maxPath)]
	switch count, isTold := o.count(method + " " + path); {
	case !isTold:
		o.fullHint.Do(o.now(), func() {
			o.logger.Info("rules would stop requests to more paths than are told apart: the others have no lines",
				zap.Int("paths", maxPaths), zap.Duration("within", every))
		})
	case count > 0:
		o.logger.Info("a rule would stop this request", event.RequestFields(r, zap.String("method", method),
			zap.String("path", path), zap.String("reason", reason), zap.Int("requests", count))...)
	}
}

// count counts a request, and returns for how many a line is due, 0 for none yet. isTold is false where the request is
// counted with no path: there are too many.
func (o *Observer) count(key string) (due int, isTold bool) {
	now := o.now()
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.paths[key]
	if s == nil {
		if len(o.paths) >= maxPaths && now.Sub(o.began) >= every {
			clear(o.paths)
		}
		if len(o.paths) >= maxPaths {
			return 0, false
		}
		if len(o.paths) == 0 {
			o.began = now
		}
		s = &seen{logged: now.Add(-every)}
		o.paths[key] = s
	}
	s.count++
	if now.Sub(s.logged) < every {
		return 0, true
	}
	due, s.count, s.logged = s.count, 0, now
	return due, true
}
